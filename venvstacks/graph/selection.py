"""Selections: from patterns and operations to the layers and tasks of a run.

A selection is a value. It names the included layers, and how far an operation extends to layers below and above them;
the functions here turn it into environment names and task names. Tasks that only run *because* a selected task needs
their results are not selected here: `TaskGraph.closure` finds them by the inputs of the selected tasks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from venvstacks.errors import UsageError
from venvstacks.graph.taskgraph import TaskGraph, TaskKind
from venvstacks.model.stack import Layer, Stack
from venvstacks.suggestions import suggestion

Operation = Literal["lock", "build", "publish", "export"]

_KINDS: dict[Operation, tuple[TaskKind, ...]] = {
    "lock": ("lock",),
    "build": ("build", "link", "check"),
    "publish": ("archive", "check"),
    "export": ("export", "check"),
}
_MANIFESTS: dict[Operation, str] = {"publish": "manifest:archives", "export": "manifest:exports"}


@dataclass(frozen=True)
class Selection:
    """The layers of a run, and how far each operation extends to the layers below and above them.

    The flags for dependencies (layers below): with None they are made if they are not current, with True the operation
    is done to them as to included layers, with False they are used as they are. Derived layers (layers above) are only
    built or published if their flag is True.

    Attributes:
        include: `fnmatch` patterns of environment names; empty for all layers.
        platforms: Names of target platforms: only layers that are made for one of them; empty for all layers.
        reset_lock: Patterns of environments whose earlier pins are dropped, where they are selected for locking.
        allow_missing: Whether a pattern may match nothing.
        lock_dependencies: About the locks of the layers below.
        build_dependencies: About the environments of the layers below.
        publish_dependencies: About the archives or exports of the layers below.
        include_dependencies: Used for each of these three that is None.
        build_derived: About the environments of the layers above.
        publish_derived: About the archives or exports of the layers above.
    """

    include: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    reset_lock: tuple[str, ...] = ()
    allow_missing: bool = False
    lock_dependencies: bool | None = None
    build_dependencies: bool | None = None
    publish_dependencies: bool | None = None
    include_dependencies: bool | None = None
    build_derived: bool | None = None
    publish_derived: bool | None = None

    def dependencies(self, operation: Operation) -> bool | None:
        """The flag that holds for the layers below in `operation`."""
        flag = {
            "lock": self.lock_dependencies,
            "build": self.build_dependencies,
            "publish": self.publish_dependencies,
            "export": self.publish_dependencies,
        }[operation]
        return self.include_dependencies if flag is None else flag

    def derived(self, operation: Operation) -> bool:
        """Whether `operation` includes the layers above; locking always does, since their locks depend on it."""
        flag = {
            "lock": True,
            "build": self.build_derived,
            "publish": self.publish_derived,
            "export": self.publish_derived,
        }[operation]
        return bool(flag)


@dataclass(frozen=True)
class SelectedLayers:
    """Environment names of the layers that each operation is done to, in the order of the stack.

    Attributes:
        included: Layers that the patterns name.
        reset: Layers in `lock` whose earlier pins are dropped.
        lock: Layers to lock.
        build: Layers to build and link.
        publish: Layers to archive.
        export: Layers to export.
    """

    included: tuple[str, ...]
    reset: tuple[str, ...]
    lock: tuple[str, ...]
    build: tuple[str, ...]
    publish: tuple[str, ...]
    export: tuple[str, ...]

    def of(self, operation: Operation) -> tuple[str, ...]:
        """Environment names of the layers that `operation` is done to."""
        return {"lock": self.lock, "build": self.build, "publish": self.publish, "export": self.export}[operation]


def select_layers(stack: Stack, selection: Selection) -> SelectedLayers:
    """The layers that each operation is done to.

    Only locks of layers that are selected for locking are reset: resetting a lock does not select its layer.

    Raises:
        UsageError: Patterns match no layer, and that is not allowed; the message names all of them.
    """
    names = tuple(stack.by_env_name)
    made = set(_made_for(stack, selection.platforms))
    unmatched = [p for p in (*selection.include, *selection.reset_lock) if not _matching(names, [p])]
    if unmatched and not selection.allow_missing:
        raise _no_such_layer(unmatched, names)
    chosen = _matching(names, selection.include) if selection.include else names
    included = tuple(name for name in chosen if name in made)
    asked = set(included)

    def reach(operation: Operation) -> tuple[str, ...]:
        found = set(asked)
        for layer in stack.layers:
            if selection.dependencies(operation) and layer.env_name in asked:
                found.update(other.env_name for other in layer.below)
            elif layer.env_name not in asked and selection.derived(operation):
                found.update({layer.env_name} if any(other.env_name in asked for other in layer.below) else ())
        return tuple(name for name in names if name in found & made)

    lock = reach("lock")
    reset = tuple(name for name in _matching(names, selection.reset_lock) if name in lock)
    return SelectedLayers(included, reset, lock, reach("build"), reach("publish"), reach("export"))


def _made_for(stack: Stack, platforms: tuple[str, ...]) -> tuple[str, ...]:
    """Environment names of the layers that are made for one of some platforms; all layers if there are none.

    Raises:
        UsageError: No layer is made for one of them.
    """
    found: set[str] = set()
    for platform in platforms:
        made = {layer.env_name for layer in stack.layers if platform in {target.name for target in layer.platforms}}
        if not made:
            targets = sorted({target.name for layer in stack.layers for target in layer.platforms})
            raise UsageError(f"no layer is made for {platform}", hint=f"layers are made for {', '.join(targets)}")
        found |= made
    return tuple(name for name in stack.by_env_name if name in found or not platforms)


def shown_layers(stack: Stack, selection: Selection) -> tuple[str, ...]:
    """The layers that `show` lists: the included ones, and those above and below them, without disabled ones."""
    related = replace(selection, lock_dependencies=True)
    return tuple(name for name in select_layers(stack, related).lock if stack.by_env_name[name].platforms)


def selected_operations(
    stack: Stack, operations: Collection[Operation], selection: Selection, *, renews_locks: bool
) -> dict[str, tuple[str, ...]]:
    """The operations that a run does to each of its layers, as words: `lock`, `build-if-needed`, ...

    Raises:
        UsageError: As `select_layers`.
    """
    selected = select_layers(stack, selection)
    enabled = {layer.env_name for layer in stack.layers if layer.platforms}
    touched = {name for operation in operations for name in selected.of(operation) if name in enabled}
    needed = _below(stack.layers, touched) - touched
    lock = "lock" if renews_locks else "lock-if-needed"
    found: dict[str, tuple[str, ...]] = {}
    for layer in stack.layers:
        name, words = layer.env_name, list[str]()
        if "lock" in operations and name in selected.lock:
            words += [*(["reset-lock"] if name in selected.reset else []), lock]
        elif name in needed and selection.dependencies("lock") is not False:
            words.append("lock-if-needed")
        if "build" in operations and name in selected.build:
            words.append("build")
        elif name in needed and set(operations) != {"lock"} and selection.dependencies("build") is not False:
            words.append("build-if-needed")
        words += [o for o in ("publish", "export") if o in operations and name in selected.of(o)]
        if name in enabled and (name in touched or words):
            found[name] = tuple(words)
    return found


def _matching(names: Iterable[str], patterns: Collection[str]) -> tuple[str, ...]:
    # Always case-sensitive: the same command line must select the same layers on every system.
    return tuple(name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns))


def _no_such_layer(patterns: list[str], names: tuple[str, ...]) -> UsageError:
    named = ", ".join(f"'{pattern}'" for pattern in dict.fromkeys(patterns))
    hint = suggestion(patterns[0], names, otherwise=f"environments are {', '.join(names) or 'none'}")
    return UsageError(f"no environment matches {named}", hint=f"{hint} (--allow-missing accepts such patterns)")


def goals(graph: TaskGraph, stack: Stack, operations: Collection[Operation], selection: Selection) -> tuple[str, ...]:
    """Names of the tasks that a run is to achieve, in the order of the graph; for `TaskGraph.closure`.

    Disabled layers and those that are not made for this platform have no such tasks and are skipped.

    Raises:
        UsageError: As `select_layers`.
    """
    selected = select_layers(stack, selection)
    wanted = {_MANIFESTS[operation] for operation in operations if operation in _MANIFESTS}
    for operation in operations:
        wanted |= _tasks(operation, selected.of(operation))
    return tuple(node.name for node in graph.nodes if node.name in wanted)


def _tasks(operation: Operation, env_names: Iterable[str]) -> set[str]:
    return {f"{kind}:{name}" for name in env_names for kind in _KINDS[operation]}


def renewed_locks(stack: Stack, selection: Selection, *, if_needed: bool) -> frozenset[str]:
    """Names of the lock tasks that run even if their locks are valid.

    With `if_needed` these are only the tasks whose pins are reset; without it, all that `select_layers` would lock.

    Raises:
        UsageError: As `select_layers`.
    """
    selected = select_layers(stack, selection)
    return frozenset(_tasks("lock", selected.reset if if_needed else selected.lock))


def held_tasks(stack: Stack, operations: Collection[Operation], selection: Selection) -> frozenset[str]:
    """Names of the tasks that must not run because the layers below are to be used as they are (`--no-...`).

    The names are meant for `TaskGraph.without`. Some of them may be missing in a graph.

    Raises:
        UsageError: As `select_layers`.
    """
    selected = select_layers(stack, selection)
    held: set[str] = set()
    for operation in ("lock", "build", "publish", "export"):
        if selection.dependencies(operation) is not False:
            continue
        # A layer that takes part in any requested operation may need locks and environments of layers below.
        chosen = {name for requested in operations for name in selected.of(requested)}
        kept = set(selected.of(operation))
        below = _below(stack.layers, chosen) - kept
        kinds = [kind for kind in _KINDS[operation] if kind != "check" or operation == "build"]
        held |= {f"{kind}:{name}" for kind in kinds for name in below}
    return frozenset(held)


def _below(layers: Iterable[Layer], env_names: Collection[str]) -> set[str]:
    return {below.env_name for layer in layers if layer.env_name in env_names for below in layer.below}
