"""Tiny graphs as text, and fake actions that note what ran, for tests of the engine and of plans.

A line of a graph is `name: inputs -> outputs`, with `< task` at its end for a mere ordering. An output in brackets,
`[x]`, is in an environment, and an input in brackets names the task in whose environment this one works.
`[x@t]` is in the environment that task `t` creates, and is removed with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from venvstacks.engine.build_lock import FolderLock
from venvstacks.engine.engine_run import EngineRun, OtherMachines
from venvstacks.engine.journal import Journal
from venvstacks.engine.outcomes import Outcome, Silence
from venvstacks.engine.paths import Paths
from venvstacks.engine.runner import run_graph
from venvstacks.engine.state_view import view_state
from venvstacks.graph.taskgraph import TaskGraph, TaskNode
from venvstacks.planning.plan import PlannedTask, make_plan, unneeded_environments
from venvstacks.reasons import Reason
from venvstacks.records.task_store import TaskStore

CHAIN = """
a: s -> a.out
b: a.out -> b.out
c: b.out -> c.out
"""

FAN = """
a: s -> a.out
b: t -> b.out
c: a.out -> c.out
d: b.out -> d.out
e: c.out -> e.out
"""

STATE = ".state/tasks.db"


def graph_of(text: str, versions: Mapping[str, object] | None = None) -> TaskGraph:
    """The graph that `text` describes; `versions` are the tasks' fingerprints, and what nobody makes is a source."""
    nodes = [_node(line, versions or {}) for line in text.strip().splitlines()]
    made = {path: node.name for node in nodes for path in node.outputs}
    nodes = [replace(node, uses=tuple(made[path] for path in node.uses)) for node in nodes]
    sources = {path for node in nodes for path in node.inputs} - made.keys()
    return TaskGraph(tuple(nodes), frozenset(sources))


def _node(line: str, versions: Mapping[str, object]) -> TaskNode:
    name, _, rest = line.strip().partition(":")
    rest, _, after = rest.partition("<")
    read, _, written = rest.partition("->")
    inputs = tuple(path for path in read.split() if path[0] != "[")
    return TaskNode(
        name, "build", name, inputs, outputs=tuple(_path(word) for word in written.split()),
        after=tuple(after.split()), fingerprint={"version": versions.get(name, 0)},
        trees=_bracketed(written), uses=_bracketed(read),
        within=next((word.partition("@")[2].strip("]") for word in written.split() if "@" in word), None),
    )  # fmt: skip


def _bracketed(text: str) -> tuple[str, ...]:
    return tuple(_path(word) for word in text.split() if word[0] == "[")


def _path(word: str) -> str:
    return word.strip("[]").partition("@")[0]


@dataclass
class Bench:
    """A folder, a graph, and what ran in it.

    An action joins the letters of all inputs, each letter once: so different inputs may give the same output.

    Attributes:
        base: The folder.
        text: The graph.
        versions: Fingerprints by task.
        special: What to do instead of the ordinary action, by task; called with the node.
        ran: Tasks that ran, in the order in which they began.
        outcomes: Those of the last run, by task.
        on_wait: Called when a run has to wait for another.
        journal: Takes down what happens.
        others: Other machines that do tasks.
    """

    base: Path
    text: str = CHAIN
    versions: dict[str, object] = field(default_factory=dict)
    special: dict[str, Callable[[TaskNode], Any]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    on_wait: Callable[[], None] | None = None
    journal: Journal = field(default_factory=lambda: Journal(None))
    others: OtherMachines | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def write(self, **content: str) -> None:
        """Write files; `_` in a name stands for a dot."""
        for name, text in content.items():
            (self.base / name.replace("_", ".")).write_text(text)

    def read(self, name: str) -> str:
        return (self.base / name).read_text()

    @property
    def graph(self) -> TaskGraph:
        return graph_of(self.text, self.versions)

    def perform(self, node: TaskNode) -> Mapping[str, object]:
        with self._guard:
            self.ran.append(node.name)
        if node.name in self.special:
            return self.special[node.name](node) or {}
        self.do(node)
        return {}

    def do(self, node: TaskNode) -> None:
        letters = sorted({letter for path in node.inputs for letter in self.read(path)})
        for path in (path for other in self.graph.nodes if other.within == node.name for path in other.trees):
            (self.base / path).unlink(missing_ok=True)
        for path in node.outputs:
            (self.base / path).write_text("".join(letters))

    def engine_run(
        self, forced: Iterable[str] = (), cwd: Path | None = None, unneeded: frozenset[str] = frozenset()
    ) -> EngineRun:
        paths = Paths(self.base, cwd or Path.cwd())
        lock = FolderLock(self.base / ".state" / "run.lock", self.on_wait)
        trees = {node.name: node.trees for node in self.graph.nodes if node.trees}
        return EngineRun(
            self.perform, _never_described, paths, lock, frozenset(forced), unneeded=unneeded, trees=trees,
            journal=self.journal, others=self.others,
        )  # fmt: skip

    def run(self, forced: Iterable[str] = (), wanted: Iterable[str] = (), **options: Any) -> list[str]:
        """Run the graph and return the names of the tasks that ran, in the graph's order."""
        self.ran.clear()
        options = {"jobs": 1, "listener": Silence(), **options}
        engine_run = self.engine_run(forced, unneeded=self.look(forced, wanted)[0])
        engine_run.lock.acquire()
        try:
            outcomes = run_graph(self.graph, engine_run, state=str(self.base / STATE), **options)
        finally:
            engine_run.lock.release()
        self.outcomes = {outcome.name: outcome for outcome in outcomes}
        return [node.name for node in self.graph.nodes if node.name in self.ran]

    def statuses(self) -> dict[str, str]:
        return {name: outcome.status for name, outcome in self.outcomes.items()}

    def reasons(self, name: str) -> list[str]:
        return [str(reason) for reason in self.outcomes[name].reasons]

    def plan(self, forced: Iterable[str] = (), wanted: Iterable[str] = ()) -> dict[str, PlannedTask]:
        """What a plan says, by task."""
        return self.look(forced, wanted)[1]

    def look(self, forced: Iterable[str], wanted: Iterable[str]) -> tuple[frozenset[str], dict[str, PlannedTask]]:
        """The tasks whose environments may stay away, and what a plan says by task."""
        forced, wanted = frozenset(forced), frozenset(wanted)
        with TaskStore(self.base / STATE, writable=False) as store:
            look = view_state(store, Paths(self.base, self.base), _never_described)
            unneeded = unneeded_environments(self.graph, look, forced, wanted)
            return unneeded, {task.name: task for task in make_plan(self.graph, look, forced, unneeded)}


def _never_described(node: TaskNode) -> tuple[Reason, ...]:
    raise AssertionError(f"{node.name} does not describe itself")
