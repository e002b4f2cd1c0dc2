"""Failures, defects and what they leave of a run: real doit, fake actions."""

from __future__ import annotations

import pytest

from tests.support.tiny_graphs import FAN, STATE, Bench
from venvstacks.engine.outcomes import Silence
from venvstacks.errors import BuildError, MissingInputError, StateError
from venvstacks.graph.taskgraph import TaskNode


def fail(node: TaskNode) -> None:
    raise BuildError(f"{node.name} cannot be built")


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_failure_stops_the_run(bench: Bench, jobs: int) -> None:
    bench.text, bench.special = FAN, {"a": fail}
    bench.write(t="t")
    bench.run(jobs=jobs)
    assert bench.statuses()["a"] == "failed"
    assert isinstance(bench.outcomes["a"].error, BuildError)
    assert "c" not in bench.ran
    assert bench.statuses()["e"] == "not run"


def test_keep_going_does_what_does_not_depend_on_a_failure(bench: Bench) -> None:
    bench.text, bench.special = FAN, {"a": fail}
    bench.write(t="t")
    assert bench.run(keep_going=True, jobs=2) == ["a", "b", "d"]
    assert bench.statuses() == {"a": "failed", "b": "done", "c": "blocked", "d": "done", "e": "blocked"}
    assert bench.outcomes["e"].blocked_by == ("a",), "the task that failed is named, not those that it blocked"


def test_blocked_tasks_keep_their_records(bench: Bench) -> None:
    bench.text = FAN
    bench.write(t="t")
    bench.run()
    bench.versions["a"], bench.special = 1, {"a": fail}
    bench.run(keep_going=True)
    del bench.versions["a"]
    bench.special.clear()
    assert bench.run() == ["a"], "c and e are as they were when a gives what it gave"


def test_a_defect_in_an_action_is_an_outcome(bench: Bench) -> None:
    def divide(_: TaskNode) -> None:
        raise ZeroDivisionError

    bench.special["b"] = divide
    bench.run(jobs=3, keep_going=True)
    assert bench.statuses() == {"a": "done", "b": "failed", "c": "blocked"}
    assert isinstance(bench.outcomes["b"].error, ZeroDivisionError)


def test_even_an_exit_in_an_action_is_an_outcome(bench: Bench) -> None:
    def leave(_: TaskNode) -> None:
        raise SystemExit(7)

    bench.special["b"] = leave
    bench.run(jobs=3)
    assert bench.statuses()["b"] == "failed"


class BadDisplay(Silence):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def started(self, name: str) -> None:  # noqa: ARG002
        raise self.error


def test_a_display_that_fails_does_not_stop_the_work(bench: Bench) -> None:
    with pytest.raises(RuntimeError, match="the display failed: ValueError: no"):
        bench.run(listener=BadDisplay(ValueError("no")), jobs=2)
    assert bench.ran == ["a", "b", "c"]
    bench.write(s="y")
    assert bench.run(listener=BadDisplay(BrokenPipeError())) == ["a", "b", "c"], "nobody listens any more: no error"


def test_a_missing_source_is_a_users_error(bench: Bench) -> None:
    bench.run()
    (bench.base / "s").unlink()
    bench.run()
    assert bench.ran == []
    error = bench.outcomes["a"].error
    assert isinstance(error, MissingInputError)
    assert "a cannot be done without s" in str(error)


def test_a_source_that_is_removed_during_the_run_is_a_users_error(bench: Bench) -> None:
    def lose(node: TaskNode) -> None:
        bench.do(node)
        (bench.base / "s").unlink()

    bench.special["a"] = lose
    bench.run()
    assert isinstance(bench.outcomes["a"].error, MissingInputError)


def test_a_state_that_cannot_be_written_is_reported(bench: Bench) -> None:
    bench.run()
    (bench.base / STATE).write_bytes(b"no database at all")
    with pytest.raises(StateError, match="cannot be used"):
        bench.run()


def test_a_state_that_breaks_meanwhile_fails_the_task_and_ends_well(bench: Bench) -> None:
    def damage(node: TaskNode) -> None:
        bench.do(node)
        (bench.base / STATE).write_bytes(b"x" * 8192)

    bench.special["a"] = damage
    bench.run(jobs=2)
    assert isinstance(bench.outcomes["a"].error, StateError)
    assert "b" not in bench.ran
