"""Tasks as data, and the graph that they form; without callables, absolute paths, times and access to the disk.

A `TaskGraph` that exists is consistent: task names and outputs are unique, every input is either made by exactly one
task or is one of the named source files, every ordering names a task, and there is no cycle. doit, which runs the
graph, checks none of these reliably.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from venvstacks.errors import GraphError

TaskKind = Literal["wheel", "lock", "build", "link", "check", "archive", "export", "manifest"]


@dataclass(frozen=True)
class TaskNode:
    """One task.

    Attributes:
        name: `<kind>:<environment>`, `wheel:<package>` or `manifest:<what>`.
        kind: The kind of task, such as `build`.
        env_name: The layer's environment name; empty for wheels and manifests.
        inputs: Files whose content matters, relative to the specification's folder.
        gathers: Files that are read if they are there, and whose makers go first if they run at all.
        outputs: Files that the task writes; each must exist for the task to be up to date.
        after: Tasks that must have run before, without their results mattering.
        follows: Tasks that go first, and must succeed, if they are part of the run; otherwise nobody waits for them.
        fingerprint: Everything else that matters: JSON values by name.
        self_described: Whether the outputs themselves say what they were made from (as committed locks do), so that
            they are valid without any record of a run.
        trees: Those of the outputs that are in an environment: they may be missing as long as no task works there.
        uses: Names of the tasks in whose environments this one works, so that it needs their `trees`.
        within: Name of the task that creates the environment in which `trees` are, if that is another task, whose
            result this one reads: whenever that task has run, `trees` are gone.
    """

    name: str
    kind: TaskKind
    env_name: str
    inputs: tuple[str, ...] = ()
    gathers: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    fingerprint: Mapping[str, object] = field(default_factory=dict)
    self_described: bool = False
    trees: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    within: str | None = None


@dataclass(frozen=True, eq=False)
class TaskGraph:
    """A consistent set of tasks; the module's docstring says what that means.

    Attributes:
        nodes: The tasks, each after those that it needs; otherwise in the order in which they were declared.
        sources: Files that no task makes.

    Raises:
        GraphError: The tasks are not consistent; the error names all reasons.
    """

    nodes: tuple[TaskNode, ...]
    sources: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        faults = [*_repeated(self.nodes), *self._dangling()]
        if faults:
            raise GraphError("the task graph does not hold together", details=tuple(faults))
        object.__setattr__(self, "nodes", self._ordered())

    def _ordered(self) -> tuple[TaskNode, ...]:
        """The nodes sorted topologically, earlier declared ones first: the same order in every process."""
        sorter = TopologicalSorter({node.name: self.needs(node) for node in self.nodes})
        try:
            sorter.prepare()
        except CycleError as error:
            cycle = " -> ".join(error.args[1])
            raise GraphError(f"the task graph has a cycle: {cycle}") from None
        declared = {node.name: place for place, node in enumerate(self.nodes)}
        ready: list[int] = []
        ordered: list[TaskNode] = []
        while sorter.is_active():
            for name in sorter.get_ready():
                heapq.heappush(ready, declared[name])
            ordered.append(self.nodes[heapq.heappop(ready)])
            sorter.done(ordered[-1].name)
        return tuple(ordered)

    def _dangling(self) -> Iterable[str]:
        for node in self.nodes:
            for path in node.inputs:
                if path not in self.makers and path not in self.sources:
                    yield f"{node.name}: nothing makes its input {path}, and it is not a source file"
            for name in node.after:
                if name not in self.by_name:
                    yield f"{node.name}: there is no task '{name}' to go after"

    @cached_property
    def by_name(self) -> Mapping[str, TaskNode]:
        """Tasks by name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def makers(self) -> Mapping[str, str]:
        """Output path to the name of the task that makes it."""
        return {path: node.name for node in self.nodes for path in node.outputs}

    def needs(self, node: TaskNode) -> set[str]:
        """Names of the tasks that must run before `node` if they are part of a run."""
        read = {self.makers[path] for path in (*node.inputs, *node.gathers) if path in self.makers}
        return read | set(node.after) | {name for name in node.follows if name in self.by_name}

    def requires(self, node: TaskNode) -> set[str]:
        """Names of the tasks whose results `node` cannot do without: `needs` without `gathers` and `follows`."""
        return {self.makers[path] for path in node.inputs if path in self.makers} | set(node.after)

    def closure(self, goals: Iterable[str]) -> TaskGraph:
        """The part of the graph that is needed to achieve `goals`.

        Raises:
            GraphError: A goal is not a task.
        """
        pending, wanted = list(goals), set[str]()
        while pending:
            name = pending.pop()
            if name in wanted:
                continue
            if name not in self.by_name:
                raise GraphError(f"there is no task '{name}'")
            wanted.add(name)
            pending.extend(self.requires(self.by_name[name]))
        if len(wanted) == len(self.nodes):
            return self  # to sort all of it again would give the same order
        return TaskGraph(tuple(node for node in self.nodes if node.name in wanted), self.sources)

    def without(self, names: Collection[str]) -> TaskGraph:
        """The graph without some tasks; what they would create is taken as it is, like source files."""
        dropped = [node for node in self.nodes if node.name in names]
        if not dropped:
            return self
        kept = [
            replace(node, after=tuple(name for name in node.after if name not in names))
            for node in self.nodes
            if node.name not in names
        ]
        return TaskGraph(tuple(kept), self.sources.union(*(node.outputs for node in dropped)))


def _repeated(nodes: Iterable[TaskNode]) -> Iterable[str]:
    names, outputs = set[str](), dict[str, str]()
    for node in nodes:
        if node.name in names:
            yield f"two tasks are called {node.name}"
        names.add(node.name)
        for path in node.outputs:
            if path in outputs:
                yield f"{outputs[path]} and {node.name} both make {path}"
            outputs[path] = node.name
