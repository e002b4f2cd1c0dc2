"""The locking of a run, in rounds: where a layer cannot be resolved, the layers below it are adapted and locked again.

Locks come first, before anything is built from them: what a later round changes must not have been published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from venvstacks.engine.outcomes import Listener, Outcome, Progress
from venvstacks.errors import LayerConflictError, NeededVersion
from venvstacks.graph.selection import select_layers
from venvstacks.graph.taskgraph import TaskGraph
from venvstacks.loading.project import Project
from venvstacks.locking.adaptation import Adaptation
from venvstacks.model.layout import StackLayout
from venvstacks.model.stack import Layer, Stack
from venvstacks.planning.requests import Request, RequestedRun
from venvstacks.tools.files import write_atomically

_ENDED = ("done", "up to date")

Go = Callable[[RequestedRun, Listener], tuple[Outcome, ...]]
"""Carries out one round."""


def adaptable_layers(project: Project, request: Request, graph: TaskGraph) -> frozenset[str]:
    """Environment names of the layers whose locks a request may adapt: those that it locks, or that have no lock."""
    if request.strict_layers:
        return frozenset()
    layout, base = project.configuration.layout, project.base
    selected = select_layers(project.stack, request.selection).lock if "lock" in request.operations else ()
    locked = [project.stack.by_env_name[node.env_name] for node in graph.nodes if node.kind == "lock"]
    return frozenset(
        layer.env_name
        for layer in locked
        if layer.env_name in selected or not (base / layout.lock_file(layer)).exists()
    )


@dataclass
class Rounds:
    """The adaptations of one run, round after round. They end: one that comes again is the last one.

    Attributes:
        stack: The stack.
        adaptable: Environment names of the layers that may be adapted.
        current: What is adapted in the present round.
    """

    stack: Stack
    adaptable: frozenset[str]
    current: Adaptation = field(init=False)
    _seen: set[frozenset[NeededVersion]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Begin without adapting anything."""
        self.current = Adaptation(adaptable=self.adaptable)

    def advance(self, conflicts: Sequence[LayerConflictError]) -> frozenset[NeededVersion]:
        """Go on to the adaptation that a round's conflicts need; where they disagree, the stack's order decides.

        If it has been tried before, nothing may be adapted any more, so that the failure is explained.

        Returns:
            What it adds and takes away.
        """
        order = {name: number for number, name in enumerate(self.stack.by_env_name)}
        known = set(self.current.needed)
        chosen: dict[tuple[str, str, str], NeededVersion] = {}
        for each in sorted(
            {each for error in conflicts for each in error.needed}, key=lambda e: (e in known, order[e.needed_by], e)
        ):
            chosen.setdefault((each.layer, each.package, each.target), each)
        needed = frozenset(chosen.values())
        layers = tuple(self.stack.by_env_name[name] for name in sorted({each.needed_by for each in needed}))
        allowed = frozenset[str]() if needed in self._seen else self.adaptable
        self._seen.add(needed)
        self.current = Adaptation(tuple(sorted(needed)), layers, allowed)
        return needed ^ known


@dataclass(frozen=True)
class LockedFirst:
    """What the rounds of locking came to.

    Attributes:
        rest: What is left to run.
        outcomes: The outcomes of all tasks that ran or that failures keep from running, by name.
    """

    rest: RequestedRun
    outcomes: Mapping[str, Outcome]

    def all_outcomes(self, graph: TaskGraph, later: Iterable[Outcome]) -> tuple[Outcome, ...]:
        """One outcome per task of the whole run: of what ran first, or else of what ran later."""
        found = {outcome.name: outcome for outcome in later}
        first = {name: o for name, o in self.outcomes.items() if o.status != "up to date" or name not in found}
        return tuple((found | first).get(node.name) or Outcome(node.name, "not run") for node in graph.nodes)


def lock_first(project: Project, request: Request, requested: RequestedRun, go: Go, heard: OneRun) -> LockedFirst:
    """Carry out the lock tasks of a run, and adapt lower layers until all layers can be resolved or nothing helps.

    Args:
        project: The project.
        request: What is asked for.
        requested: The same, resolved.
        go: Carries out a round.
        heard: Is informed about each round.
    """
    graph = requested.graph.closure(node.name for node in requested.graph.nodes if node.kind == "lock")
    files = _LockFiles.read(project, graph)
    rounds = Rounds(project.stack, adaptable_layers(project, request, graph))
    this = replace(requested, graph=graph, forced=requested.forced & graph.by_name.keys())
    this = replace(this, options=replace(this.options, adaptation=rounds.current))
    outcomes: dict[str, Outcome] = {}
    while True:
        for outcome in go(this, heard):
            if outcome.status != "up to date" or outcome.name not in outcomes:
                outcomes[outcome.name] = outcome
        conflicts = [o.error for o in outcomes.values() if isinstance(o.error, LayerConflictError)]
        if not conflicts:
            break
        changed = rounds.advance(conflicts)
        affected = _affected(project.stack, changed)
        files.restore(affected)
        for name in [n for n, o in outcomes.items() if o.status not in _ENDED or n.partition(":")[2] in affected]:
            del outcomes[name]
        renewed = (requested.options.renewed_locks - outcomes.keys()) | {f"lock:{each.layer}" for each in changed}
        options = replace(requested.options, renewed_locks=renewed, adaptation=rounds.current)
        forced = (requested.forced & graph.by_name.keys()) - outcomes.keys()
        this = replace(this, forced=forced | renewed, options=options)
    return LockedFirst(
        _rest(requested, graph, outcomes, keep_going=request.keep_going), _with_blocked(requested, outcomes)
    )


def _affected(stack: Stack, changed: Iterable[NeededVersion]) -> frozenset[str]:
    """Environment names of the layers whose adaptation changed, and of all layers above them."""
    adapted = {each.layer for each in changed}
    above = {name for name, layer in stack.by_env_name.items() if any(low.env_name in adapted for low in layer.below)}
    return frozenset(adapted | above)


def _rest(
    requested: RequestedRun, graph: TaskGraph, outcomes: Mapping[str, Outcome], *, keep_going: bool
) -> RequestedRun:
    """What is left to run once the tasks of `graph` have ended."""
    failed = {name for name, outcome in outcomes.items() if outcome.status not in _ENDED}
    names = set() if failed and not keep_going else _without_dependants(requested.graph, failed)
    left = frozenset() if names <= graph.by_name.keys() else frozenset(names)
    rest = TaskGraph(tuple(node for node in requested.graph.nodes if node.name in left), requested.graph.sources)
    options = replace(requested.options, renewed_locks=frozenset())
    return replace(requested, graph=rest, forced=(requested.forced & left) - graph.by_name.keys(), options=options)


def _without_dependants(graph: TaskGraph, failed: set[str]) -> set[str]:
    """Names of the tasks that need none of the failed ones; nodes are in an order in which needs come first."""
    left: set[str] = set()
    for node in graph.nodes:
        if node.name not in failed and graph.requires(node) <= left:
            left.add(node.name)
    return left


def _with_blocked(requested: RequestedRun, outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """The outcomes, and those of the tasks that a failure keeps from running."""
    failed = {name for name, outcome in outcomes.items() if outcome.status == "failed"}
    found = dict(outcomes)
    blocked: set[str] = set()
    for node in requested.graph.nodes if failed else ():
        causes = sorted(requested.graph.requires(node) & (failed | blocked))
        if causes and node.name not in failed:
            blocked.add(node.name)
            found.setdefault(node.name, Outcome(node.name, "blocked", blocked_by=tuple(causes)))
    return found


class OneRun:
    """Shows a listener several runs of tasks as one: each task once, and no failure that a later round mends.

    Attributes:
        is_last: Whether no task will be run again.
    """

    def __init__(self, listener: Listener, total: int) -> None:
        self.is_last = False
        self._listener = listener
        self._names: set[str] = set()
        listener.begin(total)

    def begin(self, total: int) -> None:
        """Pass on nothing: the whole run has begun."""

    def started(self, name: str) -> None:
        """Pass it on."""
        self._listener.started(name)

    def ended(self, outcome: Outcome) -> None:
        """Pass on what is final, or has not been passed on yet."""
        is_open = isinstance(outcome.error, LayerConflictError) or outcome.status in {"blocked", "not run"}
        if is_open and not self.is_last:
            return
        if outcome.name not in self._names or outcome.status == "failed":
            self._listener.ended(outcome)
        self._names.add(outcome.name)

    def end(self) -> None:
        """Pass on nothing: other runs may follow; see `close`."""

    def waiting(self) -> None:
        """Pass it on."""
        self._listener.waiting()

    def foresee(self, seconds: Mapping[str, float]) -> None:
        """Pass it on."""
        self._listener.foresee(seconds)

    def warn(self, warning: str) -> None:
        """Pass it on."""
        self._listener.warn(warning)

    @property
    def progress(self) -> Progress | None:
        """That of the listener."""
        return self._listener.progress

    def close(self) -> None:
        """Say that all has ended."""
        self._listener.end()


@dataclass(frozen=True)
class _LockFiles:
    """The files of locks as they were before a run, by layer: a round that is repeated begins with these."""

    contents: Mapping[str, Mapping[Path, bytes | None]]

    @classmethod
    def read(cls, project: Project, graph: TaskGraph) -> _LockFiles:
        layout = project.configuration.layout
        layers = [project.stack.by_env_name[node.env_name] for node in graph.nodes if node.kind == "lock"]
        places = {layer.env_name: [project.base / path for path in _lock_files(layout, layer)] for layer in layers}
        return cls(
            {
                name: {path: path.read_bytes() if path.is_file() else None for path in paths}
                for name, paths in places.items()
            }
        )

    def restore(self, names: Iterable[str]) -> None:
        for name in names:
            for path, content in self.contents.get(name, {}).items():
                if content is None:
                    path.unlink(missing_ok=True)
                else:
                    write_atomically(path, content)


def _lock_files(layout: StackLayout, layer: Layer) -> tuple[str, ...]:
    return (
        layout.lock_metadata(layer), layout.lock_file(layer), layout.declared_requirements(layer),
        layout.package_summary(layer),
    )  # fmt: skip
