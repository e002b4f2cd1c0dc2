"""Tasks that other machines do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.tiny_graphs import Bench
from venvstacks.engine.journal import Journal
from venvstacks.errors import BuildError
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.records.event_log import read_events


@dataclass
class Elsewhere:
    """Another machine, which does what it is good for.

    Attributes:
        bench: Where the result goes.
        good_for: Names of tasks.
        asked: Tasks, with the digest of the first input.
    """

    bench: Bench
    good_for: str
    asked: list[str] = field(default_factory=list)
    expected: dict[str, float] = field(default_factory=dict)
    ready: list[list[str]] = field(default_factory=list)

    def expect(self, seconds: Mapping[str, float]) -> None:
        self.expected = dict(seconds)

    def choose(self, ready: Mapping[str, float]) -> str:
        self.ready.append(list(ready))
        return list(ready)[-1]

    def perform(self, node: TaskNode, digest: Callable[[str], str | None]) -> Mapping[str, object] | None:
        assert digest(node.inputs[0])
        self.asked.append(node.name)
        if node.name not in self.good_for:
            return None
        if node.name in self.bench.special:
            self.bench.special[node.name](node)
        self.bench.do(node)
        return {"worker": "far", "seconds": 7.0}


def test_their_results_count_as_done_here(bench: Bench) -> None:
    bench.others = others = Elsewhere(bench, "ab")
    bench.journal = Journal(bench.base / "runs")
    assert bench.run() == ["c"]
    assert others.asked == ["a", "b", "c"]
    assert set(bench.statuses().values()) == {"done"}
    assert (bench.outcomes["b"].values or {})["seconds"] == 7.0
    bench.journal.close()
    assert bench.journal.path is not None
    ended = [event for event in read_events(bench.journal.path) if event.event == "task ended"]
    assert [event.facts.get("worker") for event in ended] == ["far", "far", None]
    assert bench.run() == []
    assert others.asked == ["a", "b", "c"], "nothing is to be done"


def test_their_failures_are_the_tasks(bench: Bench) -> None:
    def fail(_: TaskNode) -> None:
        raise BuildError("far from here")

    bench.others = Elsewhere(bench, "abc")
    bench.special["b"] = fail
    assert bench.run() == []
    assert bench.statuses() == {"a": "done", "b": "failed", "c": "not run"}
    assert str(bench.outcomes["b"].error) == "far from here"


def test_they_choose_what_begins_next(bench: Bench) -> None:
    bench.others = others = Elsewhere(bench, "ab")
    assert bench.run() == ["c"]
    assert set(others.expected) == {"a", "b", "c"}
    assert others.ready == [], "there was one task at a time"


def test_the_task_that_they_choose_begins(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "a: s -> a.out\nb: s -> b.out\nc: s -> c.out")
    bench.write(s="x")
    bench.others = others = Elsewhere(bench, "abc")
    assert bench.run(jobs=1) == []
    assert others.asked == ["c", "b", "a"]
    assert others.ready == [["a", "b", "c"], ["a", "b"]]
