"""doit tasks made from task nodes: file dependencies, targets, an up-to-date check with reasons, one action."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from doit.action import BaseAction
from doit.dependency import Dependency, UptodateCalculator
from doit.exceptions import BaseFail, InvalidTask, TaskError, TaskFailed
from doit.task import Task

from venvstacks.engine.doit_state import ContentChecker, StateBackend
from venvstacks.engine.engine_run import EngineRun
from venvstacks.errors import MissingInputError, VenvstacksError
from venvstacks.graph.taskgraph import TaskGraph, TaskNode
from venvstacks.reasons import Reason
from venvstacks.records.input_facts import input_facts
from venvstacks.records.staleness import Present, why_stale, with_history, with_missing_outputs
from venvstacks.tools.tree_removal import remove_tree
from venvstacks.urls import without_secrets


@dataclass(repr=False)
class Freshness(UptodateCalculator):  # type: ignore[misc] # doit has no types
    """Whether a task is up to date, and if not, why.

    doit asks it like any `uptodate` callable; it applies `why_stale`, so that doit's commands, this program's own
    runs and its plans decide alike.
    """

    node: TaskNode
    run: EngineRun
    reasons: tuple[Reason, ...] = ()
    _dependency: Dependency | None = None

    def __repr__(self) -> str:
        """What `doit info` prints if the task is not up to date."""
        return "; ".join(map(str, self.reasons)) or f"{self.node.name} is up to date"

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
        record = self.backend.record(self._name)
        saved: dict[str, object] = {}
        if self.node.self_described:
            said = with_missing_outputs(self.run.describe_staleness(self.node), self._missing())
            self.reasons = with_history(record, said)
        else:
            present = self._present()
            self.reasons = why_stale(record, present)
            saved = {
                "fingerprint": dict(present.fingerprint),
                "outputs": sorted(present.outputs),
                # as they were before the task ran: a file that was changed meanwhile has not been built
                "inputs": dict(present.inputs),
            }
        self.reasons = (*self.run.found.get(self.node.name, ()), *self.reasons)
        if self.node.name in self.run.forced:
            self.reasons = (Reason("forced"), *self.reasons)
        task.value_savers[:] = [lambda: {**saved, **self._facts()}]
        return not self.reasons

    @property
    def _name(self) -> str:
        """The task's name in doit."""
        return self.run.prefix + self.node.name

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
        inputs = {path: self.digest(path) for path in self.node.inputs}
        return Present(inputs, self.node.fingerprint, self.node.outputs, self._missing(), self._facts_of)

    def _facts_of(self, path: str) -> Mapping[str, str]:
        return input_facts(self.run.paths.absolute(path))

    def _facts(self) -> dict[str, object]:
        """Facts about inputs (versions in a lock, say), recorded so that a later plan can say what has changed."""
        known = {path: dict(facts) for path in self.node.inputs if (facts := self._facts_of(path))}
        return {"facts": known} if known and not self.node.self_described else {}

    def _missing(self) -> list[str]:
        shown = self.run.paths.shown
        awaited = self.run.awaited_outputs(self.node)
        return [path for path in awaited if not self._checker.exists(shown(path))]

    def digest(self, path: str) -> str | None:
        """Content digest of a file at a stored path; None if it cannot be read."""
        try:
            return self._checker.digest(self.run.paths.shown(path))
        except OSError:
            return None

    def begin(self) -> None:
        """Note in the database that the task begins.

        Raises:
            MissingInputError: An input does not exist, although the task that creates it has had its turn.
            StateError: The database cannot be written.
        """
        missing = [reason.subject for reason in self.reasons if reason.kind == "missing input"]
        if missing and not self.node.self_described:
            raise MissingInputError(
                f"{self.node.name} cannot be done without {', '.join(missing)}",
                hint="restore the file, or have the layers below built (without --no-...-dependencies)",
            )
        self.backend.mark_started(self._name)

    def require_environments(self) -> None:
        """Check that the environments that the task works in exist.

        They are missing in one case only: an environment that was missing was built again with another result than
        the recorded one, as the Python of another machine has, and this task, which seemed up to date, has to run.
        """
        shown = self.run.paths.shown
        for name, paths in self.run.trees.items():
            missing = [path for path in paths if name in self.node.uses and not self._checker.exists(shown(path))]
            if missing:
                raise MissingInputError(
                    f"{self.node.name} works in an environment that is not here: {missing[0]} is missing",
                    hint="a layer below was built again with another result; run the same command again",
                )


class TaskAction(BaseAction):  # type: ignore[misc] # doit has no types
    """The one action of a task.

    doit's own Python action replaces `sys.stdout` of the whole process, which mixes the output of threads; and an
    exception that leaves an action ends the whole run. This action prints nothing and catches everything.

    Attributes:
        error: What went wrong, or None.
        seconds: How long the task took.
        fetched: Whether the result came from the store of shared results.
        worker: The worker that did the task; empty for this machine.
    """

    def __init__(self, freshness: Freshness) -> None:
        self.node = freshness.node
        self.run = freshness.run
        self.freshness = freshness
        self.task: Task | None = None
        self.out = self.err = ""
        self.result: object = None
        self.values: dict[str, Any] = {}
        self.error: BaseException | None = None
        self.seconds = 0.0
        self.fetched = False
        self.worker = ""

    def execute(self, out: object = None, err: object = None) -> BaseFail | None:  # noqa: ARG002
        """Do the task; doit's protocol: None for success, an object that describes the failure otherwise."""
        journal = self.run.journal
        begun = time.perf_counter()
        try:
            self.run.lock.acquire()
            journal.write("task began", self.node.name, reasons=[reason.as_json() for reason in self.freshness.reasons])
            begun = time.perf_counter()  # waiting for another run is no part of the task
            self.freshness.begin()
            values = self._result()
            self.fetched = "cached_bytes" in values
            self.worker = str(values.get("worker", ""))
        except VenvstacksError as error:
            self.error = error
            return TaskFailed(without_secrets(str(error)))
        except BaseException as error:  # noqa: BLE001 - a worker thread that dies would hang the run
            self.error = error
            return TaskError(without_secrets(f"{type(error).__name__}: {error}\n{traceback.format_exc()}"))
        finally:
            self.seconds = time.perf_counter() - begun
            error_text = "" if self.error is None else without_secrets(str(self.error)) or type(self.error).__name__
            reported: dict[str, Any] = {"error": error_text} if error_text else {}
            status = "failed" if self.error else "cached" if self.fetched else "done"
            reported |= {"worker": self.worker} if self.worker else {}
            journal.write("task ended", self.node.name, seconds=round(self.seconds, 4), status=status, **reported)
        self.values = {"seconds": round(self.seconds, 3), **values}  # a fetched result says how long making it took
        if self.run.shared and not (self.fetched or self.worker):
            self.run.shared.give(self.node, self.freshness.digest, self.values)
        return None

    def _result(self) -> dict[str, object]:
        """The result of the task: fetched, or made by another machine, or here."""
        run, digest = self.run, self.freshness.digest
        taken = run.shared.take(self.node, digest) if run.shared else None
        if taken is None and run.others:
            taken = run.others.perform(self.node, digest)
        if taken is not None:
            return dict(taken)
        self.freshness.require_environments()
        return dict(self.run.perform(self.node))

    def __str__(self) -> str:
        return f"{self.node.kind} {self.node.env_name}".rstrip()


class _Cleaning:
    """What `doit clean` does with a task; doit passes `dryrun` to callables that take it."""

    def __init__(self, node: TaskNode, engine_run: EngineRun) -> None:
        self._node = node
        self._run = engine_run

    def __str__(self) -> str:
        return f"<what {self._node.name} has left"  # doit drops the first character, and what follows an " at "

    def __call__(self, dryrun: bool) -> None:  # noqa: FBT001 - doit's protocol
        """Remove what exists and print it; only print it for a dry run."""
        found = [place for place in self._run.clean(self._node) if os.path.lexists(place)]
        if found and not dryrun:
            self._run.lock.acquire()
        for place in found:
            print(f"{self._node.name} - removing '{place}'")  # noqa: T201 - as doit's own cleaning does
            if not dryrun:
                remove_tree(place)


def task_attributes(node: TaskNode, graph: TaskGraph, engine_run: EngineRun) -> dict[str, Any]:
    """What makes a doit task of `node`, without its name."""
    shown = engine_run.paths.shown
    freshness = Freshness(node, engine_run)
    file_dep = [] if node.self_described else [shown(path) for path in node.inputs]
    return {
        "actions": [TaskAction(freshness)],
        "file_dep": file_dep,
        "targets": [shown(path) for path in engine_run.awaited_outputs(node)],
        "task_dep": sorted(engine_run.prefix + name for name in graph.needs(node) if name in graph.by_name),
        "uptodate": [freshness],
        "clean": [_Cleaning(node, engine_run)],
        "io": {"capture": False},
        "doc": f"{node.kind} {node.env_name or node.name.partition(':')[2]}",
        "meta": {"node": node.name, "kind": node.kind},
    }
