"""Cancelling a run from another thread: before it begins, while tasks run, and while it waits for another run."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.support.tiny_graphs import FAN, Bench
from venvstacks.engine.build_lock import FolderLock
from venvstacks.engine.cancellation import Cancellation
from venvstacks.errors import InterruptedRunError


def test_running_tasks_end_and_no_further_one_begins(tmp_path: Path) -> None:
    bench, cancellation, signals = Bench(tmp_path, FAN), Cancellation(), []
    bench.write(s="x", t="y")

    def interrupted(_node: object) -> None:
        threading.Thread(target=cancellation.cancel).start()
        assert ended.wait(20)
        raise InterruptedRunError

    ended = threading.Event()

    def end_children(signal: int) -> None:
        signals.append(signal)
        ended.set()

    bench.special["a"] = interrupted
    with pytest.raises(InterruptedRunError, match="cancelled"):
        bench.run(jobs=1, cancellation=cancellation, on_interrupt=end_children)
    assert len(signals) == 1
    assert "c" not in bench.ran
    bench.special.clear()
    assert {"a", "c", "e"} <= set(bench.run())
    assert set(bench.statuses().values()) <= {"done", "up to date"}


def test_a_run_that_was_cancelled_before_does_nothing(tmp_path: Path) -> None:
    bench, cancellation = Bench(tmp_path), Cancellation()
    bench.write(s="x")
    cancellation.cancel()
    cancellation.cancel()
    with pytest.raises(InterruptedRunError):
        bench.run(cancellation=cancellation)
    assert bench.ran == []


def test_a_run_that_waits_for_another_can_be_cancelled(tmp_path: Path) -> None:
    cancellation = Cancellation()
    holder = FolderLock(tmp_path / "state" / "run.lock")
    another = threading.Thread(target=holder.acquire)
    another.start()
    another.join()
    try:
        waiting = FolderLock(holder.path, cancellation.cancel, is_cancelled=lambda: cancellation.is_cancelled)
        with pytest.raises(InterruptedRunError, match="cancelled"):
            waiting.acquire()
    finally:
        holder.release()
