"""Runs a task graph with doit's control and thread runner; outcomes are values, a listener gets the events."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from doit.control import TaskControl
from doit.dependency import Dependency
from doit.exceptions import BaseFail, TaskError, UnmetDependency
from doit.runner import MThreadRunner
from doit.task import Stream, dict_to_task

from venvstacks.engine.cancellation import Cancellation
from venvstacks.engine.dispatch import PriorityDispatcher
from venvstacks.engine.doit_state import ContentChecker, PathCodec, StateBackend
from venvstacks.engine.doit_tasks import task_attributes
from venvstacks.engine.engine_run import EngineRun
from venvstacks.engine.outcomes import Listener, Outcome
from venvstacks.engine.reporter import Reporter
from venvstacks.errors import InterruptedRunError, LayerConflictError, StateError
from venvstacks.graph.schedule import Pools, bottom_levels, first_estimates
from venvstacks.graph.taskgraph import TaskGraph
from venvstacks.tools.interruptions import LOOK_SECONDS
from venvstacks.tools.process import KILL
from venvstacks.urls import without_secrets


def run_graph(
    graph: TaskGraph,
    engine_run: EngineRun,
    *,
    state: str,
    listener: Listener,
    jobs: int = 2,
    pools: Pools | None = None,
    keep_going: bool = False,
    on_interrupt: Callable[[int], None] = lambda _: None,
    cancellation: Cancellation | None = None,
) -> tuple[Outcome, ...]:
    """Bring every task of `graph` up to date.

    Args:
        graph: What to run: exactly these tasks, e.g. a closure.
        engine_run: What the tasks need.
        state: Path of the task state.
        listener: Is informed while the run goes on.
        jobs: Tasks that may run at the same time.
        pools: How many tasks of a kind may run at the same time; None for what this machine can do with so many jobs.
        keep_going: Go on with what does not depend on a failed task.
        on_interrupt: Called with the number of the signal that child processes are to get when the run is to end.
        cancellation: Lets another thread end the run.

    Returns:
        One outcome per task, in the graph's order.

    Raises:
        InterruptedRunError: A signal or another thread ended the run.
    """
    tasks = [dict_to_task({"name": node.name, **task_attributes(node, graph, engine_run)}) for node in graph.nodes]
    control = TaskControl(tasks)
    control.process(None)
    dependency = _Dependency(
        StateBackend, state, checker_cls=ContentChecker, codec_cls=PathCodec.bound_to(engine_run.paths)
    )
    reporter = Reporter(listener)
    runner = _Runner(dependency, reporter, keep_going, False, Stream(0, True), max(1, jobs))  # noqa: FBT003 - doit's signature
    runner.graph = graph

    def cancel() -> None:
        runner._stop_running = True  # noqa: SLF001 - doit offers no other way; pinned by tests/engine
        on_interrupt(signal.SIGTERM)

    reporter.begin(len(graph.nodes))
    with _stopping_on_signals(runner, on_interrupt), (cancellation or Cancellation()).calling(cancel):
        try:
            runner.run_all(_dispatcher(control, graph, dependency, engine_run, pools or Pools.for_jobs(jobs)))
        finally:
            reporter.end()
    if reporter.defects:
        raise RuntimeError("; ".join(reporter.defects))
    return tuple(reporter.outcomes.get(node.name) or Outcome(node.name, "not run") for node in graph.nodes)


def _dispatcher(
    control: TaskControl, graph: TaskGraph, dependency: Dependency, engine_run: EngineRun, pools: Pools
) -> PriorityDispatcher:
    """Hands tasks out by the seconds that they took the last time."""
    backend: StateBackend = dependency.backend
    estimates = first_estimates(graph, lambda path: _size(engine_run.paths.absolute(path)))

    for name in estimates:
        record = backend.record(name)
        if record and (record.seconds or record.finished):  # less than a millisecond is no reason to guess
            estimates[name] = record.seconds
    kinds = {node.name: node.kind for node in graph.nodes}
    others = engine_run.others
    if others:
        others.expect(estimates)
    levels = bottom_levels(graph, estimates.__getitem__)
    return PriorityDispatcher(control, levels, kinds, pools, others.choose if others else None)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


class _Dependency(Dependency):  # type: ignore[misc] # doit has no types
    """What doit knows of the task state, for runs of this program."""

    def status_is_ignore(self, task: Any) -> bool:  # noqa: ANN401, ARG002
        """Ignore `doit ignore`: it is for doit's own commands."""
        return False


class _Queue(queue.Queue[Any]):
    """A queue on which the main thread handles signals while it waits."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: ANN401, FBT001, FBT002 - as its base
        """The next item."""
        while block and timeout is None and threading.current_thread() is threading.main_thread():
            with suppress(queue.Empty):
                return super().get(timeout=LOOK_SECONDS)
        return super().get(block, timeout)


class _Runner(MThreadRunner):  # type: ignore[misc] # doit has no types
    """doit's thread runner, changed where it does not fit.

    doit removes the valid records of tasks that were only blocked by the failure of another one, and it runs the
    teardown of tasks once per worker (there is none here, but the list is shared between threads). An exception while
    a task is checked or recorded ends the whole run while other tasks are still running.
    """

    graph: TaskGraph
    Queue = _Queue

    def select_task(self, node: Any, tasks_dict: Mapping[str, Any]) -> bool:  # noqa: ANN401
        """Whether a task is to run; a task that cannot be checked fails."""
        required = self.graph.requires(self.graph.by_name[node.task.name])
        node.bad_deps = [bad for bad in node.bad_deps if bad.task.name in required]
        try:
            return bool(super().select_task(node, tasks_dict))
        except Exception as error:  # noqa: BLE001 - it is reported as this task's failure
            self._fail(node, error)
            return False

    def process_task_result(self, node: Any, base_fail: BaseFail | None) -> None:  # noqa: ANN401
        """Record how a task ended; a task that cannot be recorded fails."""
        try:
            super().process_task_result(node, base_fail)
        except Exception as error:  # noqa: BLE001 - it is reported as this task's failure
            self._fail(node, error)

    def _fail(self, node: Any, error: Exception) -> None:  # noqa: ANN401
        node.task.actions[0].error = error
        self._handle_task_error(node, TaskError(str(error)))

    def _handle_task_error(self, node: Any, base_fail: BaseFail) -> None:  # noqa: ANN401
        """Report a failure, and stop the run unless it is to go on, or another round can mend it.

        The record of a failed task is removed. That of a blocked task stays valid, and that of an interrupted task
        has a mark that makes it stale and says why.
        """
        blocked = isinstance(base_fail, UnmetDependency)
        if not blocked and not isinstance(node.task.actions[0].error, InterruptedRunError):
            with suppress(StateError):  # a damaged database has been reported already, or the next write reports it
                error = node.task.actions[0].error
                backend = self.dep_manager.backend
                message = without_secrets(str(error or base_fail.get_msg()).partition("\n")[0])
                backend.mark_failed(node.task.name, message, self.graph.by_name[node.task.name].outputs)
        node.run_status = "failure"
        self.final_result = 2
        mendable = not blocked and isinstance(node.task.actions[0].error, LayerConflictError)
        if not (blocked or self.continue_ or mendable):
            self._stop_running = True
        self.reporter.add_failure(node.task, base_fail)

    def teardown(self) -> None:
        """Nothing to tear down."""


@contextmanager
def _stopping_on_signals(runner: _Runner, on_interrupt: Callable[[int], None]) -> Iterator[None]:
    """The first signal ends children and lets running tasks clean up; a second one waits for nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def stop(signum: int, frame: object) -> None:  # noqa: ARG001
        received.append(signum)
        runner._stop_running = True  # noqa: SLF001 - doit offers no other way; pinned by tests/engine
        on_interrupt(signal.SIGTERM if len(received) == 1 else KILL)
        if len(received) > 1:
            raise KeyboardInterrupt

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if received:
        raise InterruptedRunError(terminated=received[0] == signal.SIGTERM)
