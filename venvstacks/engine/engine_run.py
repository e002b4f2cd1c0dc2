"""What the doit tasks of one run need from outside: actions, paths, the build lock, and other machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from venvstacks.actions.table import TaskActions
from venvstacks.engine.build_lock import FolderLock
from venvstacks.engine.journal import Journal
from venvstacks.engine.paths import Paths
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.loading.project import Project
from venvstacks.reasons import Reason


class ResultSharing(Protocol):
    """Sharing of results with other machines, as tasks use it; no failure of a store is a failure of a task."""

    def take(self, node: TaskNode, digest: Callable[[str], str | None]) -> Mapping[str, object] | None:
        """Fetch the result of a task instead of doing it; None if it is to be done.

        Args:
            node: The task.
            digest: Content digest of an input, by stored path.

        Returns:
            What is to be recorded, as of a task that was done.
        """

    def give(self, node: TaskNode, digest: Callable[[str], str | None], values: Mapping[str, object]) -> None:
        """Offer the result of a task that was done to other machines."""


class OtherMachines(Protocol):
    """Machines that do tasks for this one."""

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Take note of how long each task is expected to take."""

    def choose(self, ready: Mapping[str, float]) -> str:
        """Which of several tasks is to begin next.

        Args:
            ready: Tasks that may begin, each with the seconds from its beginning to the end of the run.
        """

    def perform(self, node: TaskNode, digest: Callable[[str], str | None]) -> Mapping[str, object] | None:
        """Have a task done there, and put its result in place here; None if it is to be done here.

        Args:
            node: The task.
            digest: Content digest of an input, by stored path.

        Returns:
            What is to be recorded, as of a task that was done here, and the `worker` that did it.

        Raises:
            VenvstacksError: It failed.
        """


@dataclass(frozen=True, repr=False)
class EngineRun:
    """What tasks need from outside.

    Attributes:
        perform: Does a task and returns what is worth remembering about it (JSON values).
        describe_staleness: Why the outputs of a self-described task (a lock, a wheel, a manifest) are not valid; empty
            if they are.
        paths: Where stored paths are.
        lock: Held while anything in the build folder is changed.
        forced: Names of tasks that run in any case.
        found: What else is known to be wrong with results, by task.
        unneeded: Names of tasks whose environments may be missing, since no task of this run needs them.
        trees: Paths in environments that may be missing, by the task that creates them.
        journal: The event log.
        clean: What `doit clean` removes of a task: files and folders.
        prefix: What the names of the tasks begin with in doit: two stacks in one `dodo.py` may have equal names.
        shared: Results that machines share, if they do.
        others: Other machines that do tasks, if there are any.
    """

    perform: Callable[[TaskNode], Mapping[str, object]]
    describe_staleness: Callable[[TaskNode], tuple[Reason, ...]]
    paths: Paths
    lock: FolderLock
    forced: frozenset[str] = frozenset()
    found: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)
    unneeded: frozenset[str] = frozenset()
    trees: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    journal: Journal = field(default_factory=lambda: Journal(None))
    clean: Callable[[TaskNode], tuple[Path, ...]] = lambda _: ()
    prefix: str = ""
    shared: ResultSharing | None = None
    others: OtherMachines | None = None

    def __repr__(self) -> str:
        """Short, and without the environment: doit prints parts of its tasks."""
        return f"<run in {self.paths.base}>"

    def awaited_outputs(self, node: TaskNode) -> tuple[str, ...]:
        """The outputs that must be there for `node` to be up to date."""
        return tuple(path for path in node.outputs if node.name not in self.unneeded or path not in node.trees)


def make_engine_run(project: Project, actions: TaskActions, lock: FolderLock, **settings: Any) -> EngineRun:  # noqa: ANN401
    """What the tasks of a project need, for the command and for doit; `settings` are further fields of `EngineRun`."""
    trees = {node.name: node.trees for node in project.graph.nodes if node.trees}
    paths = Paths(project.base, Path.cwd())
    settings.setdefault("found", actions.lost_results(project.graph.nodes))
    perform: Callable[[TaskNode], Mapping[str, object]] = actions.perform
    if (seconds := project.options.timeout) is not None:
        from venvstacks.actions.time_limit import limited  # noqa: PLC0415 - for some runs

        perform = limited(actions, seconds)
    return EngineRun(perform, actions.describe_staleness, paths, lock, trees=trees, **settings)
