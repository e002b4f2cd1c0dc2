"""Killed, interrupted and simultaneous runs of the whole pipeline; `benchmarks/crash_safety.py` has the full counts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.killed_runs import (
    ROOT,
    Remains,
    faults_after_a_kill,
    make_unlocked_pond,
    processes_at_work_in,
    run_pipeline,
    start_pipeline,
    tasks_in,
)
from tests.support.sample_stack import Pond
from tests.support.waiting import ended_with_block, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; the stack is built on Linux"),
]

COMMAND = ("build", "venvstacks.toml", "--lock", "--publish", "--no-index", "--local-wheels", "wheels", "--jobs", "2")


@pytest.fixture(scope="module")
def unlocked(tmp_path_factory: pytest.TempPathFactory) -> Pond:
    """The stack, nothing locked; its caches are full."""
    folder = tmp_path_factory.mktemp("crashes")
    pond = make_unlocked_pond(folder / "stack", folder / "cache")
    run_pipeline(pond.copy(folder / "first"))
    return pond


@pytest.fixture(scope="module")
def undisturbed(unlocked: Pond, tmp_path_factory: pytest.TempPathFactory) -> tuple[Remains, float]:
    """What a run leaves that nobody disturbs, and how long it takes."""
    pond = unlocked.copy(tmp_path_factory.mktemp("undisturbed") / "stack")
    began = time.perf_counter()
    run_pipeline(pond)
    return Remains.of(pond.base), time.perf_counter() - began


@pytest.mark.parametrize("trial", range(4))
def test_a_killed_run_is_finished_by_the_next(
    unlocked: Pond, undisturbed: tuple[Remains, float], tmp_path: Path, trial: int
) -> None:
    """Four kills, one in each quarter of the run; every second one takes the child processes along."""
    remains, seconds = undisturbed
    draw = random.Random(trial)
    for attempt in range(10):  # a busy machine may make the run shorter than it was
        moment = seconds * (trial + draw.random()) / 4
        copy = unlocked.copy(tmp_path / f"killed-{attempt}")
        faults = faults_after_a_kill(copy, remains, moment, children_too=trial % 2 == 0)
        if faults is not None:
            assert faults == []
            return
    raise AssertionError("every run was over before it could be killed")


def start_command(pond: Pond) -> subprocess.Popen[str]:
    """Start the command line as a terminal does: with signals as they are by default."""
    return subprocess.Popen(
        [sys.executable, "-m", "venvstacks", *COMMAND], cwd=pond.base,
        env={**pond.environment, "PYTHONPATH": str(ROOT)}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def children_of(run: subprocess.Popen[str], pond: Pond) -> list[str]:
    """Identified by its id: until it has become another program, a new process has the name of its parent."""
    return processes_at_work_in(pond.base, but=run.pid)


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_and_all_its_children(
    unlocked: Pond, undisturbed: tuple[Remains, float], tmp_path: Path, signum: signal.Signals, code: int
) -> None:
    """The signal comes while children are at work."""
    pond = unlocked.copy(tmp_path / "stack")
    run = start_command(pond)
    with ended_with_block(run):
        wait_until(lambda: children_of(run, pond) or run.poll() is not None)
        run.send_signal(signum)
        _, said = run.communicate(timeout=60)
    assert run.returncode == code, said
    assert "Traceback" not in said
    assert "interrupted" in said
    wait_until(lambda: not processes_at_work_in(pond.base))
    run_pipeline(pond)
    assert list(undisturbed[0].faults(Remains.of(pond.base))) == []


def test_a_second_interrupt_waits_for_nothing(
    unlocked: Pond, undisturbed: tuple[Remains, float], tmp_path: Path
) -> None:
    pond = unlocked.copy(tmp_path / "stack")
    run = start_command(pond)
    with ended_with_block(run):
        wait_until(lambda: children_of(run, pond) or run.poll() is not None)
        run.send_signal(signal.SIGINT)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 130, said
    assert "Traceback" not in said
    wait_until(lambda: not processes_at_work_in(pond.base))
    run_pipeline(pond)
    assert list(undisturbed[0].faults(Remains.of(pond.base))) == []


@pytest.mark.parametrize("count", [2, 4])
def test_several_runs_at_once_in_one_folder(
    unlocked: Pond, undisturbed: tuple[Remains, float], tmp_path: Path, count: int
) -> None:
    """The first one does the work, and the others find it done."""
    pond = unlocked.copy(tmp_path / "stack")
    runs = [start_pipeline(pond) for _ in range(count)]
    outputs = [run.communicate(timeout=300) for run in runs]
    assert [run.returncode for run in runs] == [0] * count, outputs
    done = [sorted(name for name, status in tasks_in(out).items() if status == "done") for out, _ in outputs]
    everything = sorted(tasks_in(outputs[0][0]))
    assert sorted(name for names in done for name in names) == everything, "each task was done once"
    assert list(undisturbed[0].faults(Remains.of(pond.base))) == []


@pytest.mark.parametrize("count", [2, 4])
def test_several_runs_at_once_with_empty_caches_in_common(
    unlocked: Pond, undisturbed: tuple[Remains, float], tmp_path: Path, count: int
) -> None:
    """In different folders: they meet in uv's cache and in that of prepared runtimes and bytecode."""
    copies = [unlocked.copy(tmp_path / f"stack-{number}") for number in range(count)]
    ponds = [Pond(copy.base, tmp_path / "cache", tmp_path / "uv") for copy in copies]
    runs = [start_pipeline(pond) for pond in ponds]
    outputs = [run.communicate(timeout=300) for run in runs]
    assert [run.returncode for run in runs] == [0] * count, outputs
    for pond in ponds:
        assert list(undisturbed[0].faults(Remains.of(pond.base))) == []
    assert len([path for path in (tmp_path / "cache/runtimes").iterdir() if path.name.startswith("cpython")]) == 1
    assert list((tmp_path / "cache/runtimes/unfinished").iterdir()) == []
    assert [path for path in (tmp_path / "cache").rglob("*.part") if os.path.lexists(path)] == []
