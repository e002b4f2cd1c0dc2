"""How many compilers run at the same time when several layers are installed."""

from __future__ import annotations

import threading
import time

import pytest

from venvstacks.deployment.steps.instances import Compilers


@pytest.mark.parametrize(("count", "wanted"), [(3, (1, 2, 1, 3, 1, 2)), (2, (9, 1, 9, 1)), (0, (1, 5, 1))])
def test_no_more_processes_than_allowed(count: int, wanted: tuple[int, ...]) -> None:
    compilers, guard, running = Compilers(count), threading.Lock(), [0]
    most: list[int] = []

    def compile_layer(processes: int) -> None:
        for _ in range(5):
            with compilers.taken(processes):
                with guard:
                    running[0] += min(processes, max(1, count))
                    most.append(running[0])
                time.sleep(0.002)
                with guard:
                    running[0] -= min(processes, max(1, count))

    threads = [threading.Thread(target=compile_layer, args=[processes]) for processes in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(most) == 5 * len(wanted), "all came to their turn"
    assert max(most) <= max(1, count)


def test_a_failure_gives_the_processes_back() -> None:
    compilers = Compilers(1)
    with pytest.raises(ValueError, match="broken"), compilers.taken(1):
        raise ValueError("broken")
    with compilers.taken(1):
        pass
