"""Many workers and layers, simulated: the longest chain first comes close to what no schedule can beat."""

from __future__ import annotations

from benchmarks.distributed import simulate


def test_64_workers_and_500_layers() -> None:
    assert 1.0 <= simulate(64, 500, None) < 1.05
