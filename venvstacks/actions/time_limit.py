"""The time that one task may take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from venvstacks.actions.toolset import Tools
from venvstacks.errors import BuildError, LockError, PublishError, VenvstacksError
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.tools.task_processes import TaskProcesses

if TYPE_CHECKING:
    from venvstacks.actions.table import TaskActions

_ResultT = TypeVar("_ResultT")
_ERRORS = {"lock": LockError, "archive": PublishError, "export": PublishError, "manifest": PublishError}


def limited(actions: TaskActions, seconds: float) -> Callable[[TaskNode], Mapping[str, object]]:
    """What does tasks, each within `seconds`."""

    def perform(node: TaskNode) -> Mapping[str, object]:
        log = actions.base / actions.configuration.layout.log(node.name)

        def work(tools: Tools) -> Mapping[str, object]:
            return replace(actions, make_tools=lambda: tools).perform(node)

        return within_limit(seconds, node, log, actions.tools, work)

    return perform


def within_limit(
    seconds: float, node: TaskNode, log: Path, tools: Tools, work: Callable[[Tools], _ResultT]
) -> _ResultT:
    """The result of a task's work; its children and transfers are ended when its time is over.

    What this program does itself is not interrupted: a task that ends a little late has succeeded.

    Args:
        seconds: How long it may take.
        node: The task.
        log: Its log.
        tools: What actions work with.
        work: The work, with the tools that it is to use.

    Raises:
        VenvstacksError: It failed, or took too long.
    """
    processes = TaskProcesses(tools.processes, seconds)
    try:
        return work(replace(tools, processes=processes))
    except VenvstacksError as error:
        if not processes.is_over or tools.processes.stopping:
            raise
        raise _ERRORS.get(node.kind, BuildError)(
            f"{node.name} took longer than {seconds:g} s, and was ended",
            details=(error.message,),
            hint=f"give it more time with --timeout, or see what it was doing in {log}",
        ) from error
