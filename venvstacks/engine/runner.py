"""Runs a task graph with doit's control and thread runner; outcomes are values, events go to a listener."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from doit.control import TaskControl
from doit.dependency import Dependency
from doit.exceptions import BaseFail, UnmetDependency
from doit.globals import Globals
from doit.runner import MThreadRunner
from doit.task import Stream, dict_to_task

from venvstacks.engine.events import Listener, Outcome, Status
from venvstacks.engine.state import ContentChecker, PathCodec, StateBackend
from venvstacks.engine.tasks import Freshness, Services, TaskAction, task_attributes
from venvstacks.errors import InterruptedRunError
from venvstacks.graph.taskgraph import TaskGraph


def run_graph(
    graph: TaskGraph,
    services: Services,
    *,
    state: str,
    listener: Listener,
    jobs: int = 2,
    keep_going: bool = False,
    on_interrupt: Callable[[int], None] = lambda _: None,
) -> tuple[Outcome, ...]:
    """Bring every task of `graph` up to date.

    Args:
        graph: What to run: exactly these tasks, e.g. a closure.
        services: What the tasks need.
        state: Path of the task state.
        listener: Is told what happens.
        jobs: Tasks that may run at the same time.
        keep_going: Go on with what does not depend on a failed task.
        on_interrupt: Called with the number of a signal (SIGINT, SIGTERM) that is to end the run.

    Returns:
        One outcome per task, in the graph's order.
    """
    tasks = [dict_to_task({"name": node.name, **task_attributes(node, graph, services)}) for node in graph.nodes]
    control = TaskControl(tasks)
    control.process(None)
    dependency = Dependency(
        StateBackend, state, checker_cls=ContentChecker, codec_cls=PathCodec.bound_to(services.paths)
    )
    Globals.dep_manager = dependency
    reporter = _Reporter(listener)
    runner = _Runner(dependency, reporter, keep_going, False, Stream(0, True), max(1, jobs))  # noqa: FBT003 - doit's signature
    listener.begin(len(graph.nodes))
    with _stopping_on_signals(runner, on_interrupt):
        try:
            runner.run_all(control.task_dispatcher())
        finally:
            listener.end()
    if reporter.defects:
        raise RuntimeError("; ".join(reporter.defects))
    return tuple(reporter.outcomes.get(node.name) or Outcome(node.name, "not run") for node in graph.nodes)


class _Runner(MThreadRunner):  # type: ignore[misc] # doit has no types
    """doit's thread runner without two of its habits.

    It forgets the valid records of tasks that were only blocked by another's failure, and it runs the teardown of
    tasks once per worker (there is none here, but the list is shared between threads).
    """

    def _handle_task_error(self, node: Any, base_fail: BaseFail) -> None:  # noqa: ANN401
        if not isinstance(base_fail, UnmetDependency):
            super()._handle_task_error(node, base_fail)
            return
        node.run_status = "failure"
        self.final_result = 2
        self.reporter.add_failure(node.task, base_fail)

    def teardown(self) -> None:
        """Nothing to tear down."""


class _Reporter:
    """doit's reporter protocol; `execute_task` comes from worker threads, everything else from the main one."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.outcomes: dict[str, Outcome] = {}
        self.defects: list[str] = []
        self._guard = threading.Lock()

    def initialize(self, tasks: object, selected_tasks: object) -> None:
        pass

    def get_status(self, task: Any) -> None:  # noqa: ANN401
        pass

    def execute_task(self, task: Any) -> None:  # noqa: ANN401
        with self._guard:
            self.listener.started(task.name)

    def add_success(self, task: Any) -> None:  # noqa: ANN401
        self._end(task, "done")

    def skip_uptodate(self, task: Any) -> None:  # noqa: ANN401
        self._end(task, "up to date")

    def skip_ignore(self, task: Any) -> None:  # noqa: ANN401
        self._end(task, "not run")

    def add_failure(self, task: Any, fail: BaseFail) -> None:  # noqa: ANN401
        action: TaskAction = task.actions[0]
        if isinstance(fail, UnmetDependency):
            self._end(task, "blocked", blocked_by=tuple(str(fail.message).split()))
        elif isinstance(action.error, InterruptedRunError):
            self._end(task, "interrupted", error=action.error)
        else:
            self._end(task, "failed", error=action.error or RuntimeError(fail.get_msg()))

    def _end(
        self,
        task: Any,  # noqa: ANN401
        status: Status,
        error: BaseException | None = None,
        blocked_by: tuple[str, ...] = (),
    ) -> None:
        action: TaskAction = task.actions[0]
        freshness: Freshness = task.uptodate[0][0]
        ran = status in {"done", "failed", "interrupted"}
        outcome = Outcome(
            task.name,
            status,
            action.seconds if ran else 0.0,
            freshness.reasons if ran else (),
            error,
            action.values if status == "done" else None,
            blocked_by,
        )
        with self._guard:
            self.outcomes[task.name] = outcome
            self.listener.ended(outcome)

    def cleanup_error(self, exception: BaseFail) -> None:
        self.defects.append(exception.get_msg())

    def runtime_error(self, msg: str) -> None:
        self.defects.append(msg)

    def teardown_task(self, task: object) -> None:
        pass

    def complete_run(self) -> None:
        pass


@contextmanager
def _stopping_on_signals(runner: _Runner, on_interrupt: Callable[[int], None]) -> Iterator[None]:
    """The first signal ends children and lets running tasks clean up; a second one ends this process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def stop(signum: int, frame: object) -> None:  # noqa: ARG001
        received.append(signum)
        runner._stop_running = True  # noqa: SLF001 - doit offers no other way; pinned by tests/engine
        on_interrupt(signal.SIGTERM if len(received) == 1 else signal.SIGKILL)
        if len(received) > 1:
            raise KeyboardInterrupt

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if received:
        raise InterruptedRunError
