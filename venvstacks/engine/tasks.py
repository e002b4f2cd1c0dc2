"""From task nodes to doit tasks: file dependencies, targets, an up-to-date check that gives reasons, one action."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from doit.action import BaseAction
from doit.dependency import Dependency, UptodateCalculator
from doit.exceptions import BaseFail, InvalidTask, TaskError, TaskFailed
from doit.task import Task

from venvstacks.engine.folderlock import FolderLock
from venvstacks.engine.paths import Paths
from venvstacks.engine.state import ContentChecker, StateBackend
from venvstacks.errors import MissingInputError, VenvstacksError
from venvstacks.graph.taskgraph import TaskGraph, TaskNode
from venvstacks.reasons import Reason
from venvstacks.records.tasks import Present, why_stale, with_missing_outputs


@dataclass(frozen=True)
class Services:
    """What tasks need from outside.

    Attributes:
        perform: Does a task and returns what is worth remembering about it (JSON values).
        describe_staleness: For tasks whose outputs describe themselves: why they are not valid; empty if they are.
        paths: Where stored paths are.
        lock: Held while anything in the build folder is changed.
        forced: Names of tasks that run in any case.
        found: What else is known to be wrong with results, by task.
    """

    perform: Callable[[TaskNode], Mapping[str, object]]
    describe_staleness: Callable[[TaskNode], tuple[Reason, ...]]
    paths: Paths
    lock: FolderLock
    forced: frozenset[str] = frozenset()
    found: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)


@dataclass
class Freshness(UptodateCalculator):  # type: ignore[misc] # doit has no types
    """Whether a task is up to date, and if not, why.

    doit asks it like any `uptodate` callable; it applies `why_stale`, so that doit's commands, this program's own
    runs and its plans decide alike.
    """

    node: TaskNode
    services: Services
    reasons: tuple[Reason, ...] = ()
    _dependency: Dependency | None = field(default=None, repr=False)

    def setup(self, dep_manager: Dependency, tasks_dict: Mapping[str, Task]) -> None:  # noqa: ARG002
        """Take the database from doit, which calls this before each check."""
        if not isinstance(dep_manager.backend, StateBackend) or not isinstance(dep_manager.checker, ContentChecker):
            raise InvalidTask(
                f"task {self.node.name} needs the task state of venvstacks: "
                "use DOIT_CONFIG = doit_config(<specification>) in dodo.py"
            )
        self._dependency = dep_manager

    def __call__(self, task: Task, values: Mapping[str, object]) -> bool:  # noqa: ARG002
        """Answer doit's question."""
        if self.node.self_described:
            self.reasons = with_missing_outputs(self.services.describe_staleness(self.node), self._missing())
            saved: dict[str, object] = {}
        else:
            present = self._present()
            self.reasons = why_stale(self.backend.store.record(self.node.name), present)
            saved = {
                "fingerprint": dict(present.fingerprint),
                "outputs": sorted(present.outputs),
                # as they were before the task ran: a file that is saved again meanwhile has not been built
                "inputs": dict(present.inputs),
            }
        self.reasons = (*self.services.found.get(self.node.name, ()), *self.reasons)
        if self.node.name in self.services.forced:
            self.reasons = (Reason("forced"), *self.reasons)
        task.value_savers[:] = [lambda: saved]
        return not self.reasons

    @property
    def backend(self) -> StateBackend:
        """The database that doit checked this task against."""
        assert self._dependency is not None  # noqa: S101 - doit calls setup first
        backend: StateBackend = self._dependency.backend
        return backend

    @property
    def _checker(self) -> ContentChecker:
        assert self._dependency is not None  # noqa: S101 - doit calls setup first
        checker: ContentChecker = self._dependency.checker
        return checker

    def _present(self) -> Present:
        inputs = {path: self._digest(path) for path in self.node.inputs}
        return Present(inputs, self.node.fingerprint, self.node.outputs, self._missing())

    def _missing(self) -> list[str]:
        shown = self.services.paths.shown
        return [path for path in self.node.outputs if not self._checker.exists(shown(path))]

    def _digest(self, path: str) -> str | None:
        try:
            return self._checker.digest(self.services.paths.shown(path))
        except OSError:
            return None

    def begin(self) -> None:
        """Note in the database that the task begins.

        Raises:
            MissingInputError: An input is not there; whatever makes it has had its turn.
            StateError: The database cannot be written.
        """
        missing = [reason.subject for reason in self.reasons if reason.kind == "missing input"]
        if missing and not self.node.self_described:
            raise MissingInputError(
                f"{self.node.name} cannot be done without {', '.join(missing)}",
                hint="restore the file, or let the layers below be made (without --no-...-dependencies)",
            )
        self.backend.mark_started(self.node.name)


class TaskAction(BaseAction):  # type: ignore[misc] # doit has no types
    """The one action of a task.

    doit's own Python action swaps `sys.stdout` for the whole process, which mixes up the output of threads; and an
    exception that leaves an action ends the whole run. This one prints nothing and lets nothing out.

    Attributes:
        error: What went wrong, or None.
        seconds: How long the task took.
    """

    def __init__(self, freshness: Freshness) -> None:
        self.node = freshness.node
        self.services = freshness.services
        self.freshness = freshness
        self.task: Task | None = None
        self.out = self.err = ""
        self.result: object = None
        self.values: dict[str, Any] = {}
        self.error: BaseException | None = None
        self.seconds = 0.0

    def execute(self, out: object = None, err: object = None) -> BaseFail | None:  # noqa: ARG002
        """Do the task; doit's protocol: None for success, an object that describes the failure otherwise."""
        begun = time.perf_counter()
        try:
            self.services.lock.acquire()
            self.freshness.begin()
            values = dict(self.services.perform(self.node))
        except VenvstacksError as error:
            self.error = error
            return TaskFailed(str(error))
        except BaseException as error:  # noqa: BLE001 - a worker thread that dies would hang the run
            self.error = error
            return TaskError(f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
        finally:
            self.seconds = time.perf_counter() - begun
        self.values = {**values, "seconds": round(self.seconds, 3)}
        return None

    def __str__(self) -> str:
        return f"{self.node.kind} {self.node.env_name}".rstrip()


def task_attributes(node: TaskNode, graph: TaskGraph, services: Services) -> dict[str, Any]:
    """What makes a doit task of `node`, without its name."""
    shown = services.paths.shown
    freshness = Freshness(node, services)
    file_dep = [] if node.self_described else [shown(path) for path in node.inputs]
    return {
        "actions": [TaskAction(freshness)],
        "file_dep": file_dep,
        "targets": [shown(path) for path in node.outputs],
        "task_dep": sorted(name for name in graph.needs(node) if name in graph.by_name),
        "uptodate": [freshness],
        "io": {"capture": False},
        "doc": f"{node.kind} {node.env_name or node.name.partition(':')[2]}",
        "meta": {"node": node.name, "kind": node.kind},
    }
