"""A dozen real distributions over layers answer as in one environment; `python -m benchmarks.flat` has many more."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.flat.__main__ import GroupResult, compare_group
from benchmarks.flat.environments import Machine
from benchmarks.pythons import prepare_pythons
from venvstacks.tools.process import Processes

pytestmark = [pytest.mark.network, pytest.mark.slow]
PYTHON = "3.11.7"
DOZEN = (
    "numpy", "pillow", "cryptography", "sqlalchemy", "babel", "jinja2", "ruff", "rich", "google-auth", "zope.interface",
    "zope.event", "opentelemetry-instrumentation", "backports.tarfile", "pytest", "psycopg[binary]",
)  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="the probe reads /proc")
@pytest.mark.parametrize("seed", [3, 11])
def test_a_dozen_distributions_over_layers_answer_as_in_one_environment(tmp_path: Path, seed: int) -> None:
    processes = Processes()
    tree = prepare_pythons([f"cpython@{PYTHON}"], tmp_path / "cache", processes)[f"cpython@{PYTHON}"]
    machine = Machine(tree / "bin/python3.11", PYTHON, tmp_path / "cache", processes)
    result: GroupResult = compare_group("dozen", DOZEN, seed, machine, tmp_path)
    assert not result.failure
    assert result.distributions >= len(DOZEN)
    assert all(result.layers.values())
    assert result.differing == {}
