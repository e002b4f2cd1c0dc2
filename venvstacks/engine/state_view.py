"""The read-only view of task state and files that plans use; without doit."""

from __future__ import annotations

import os
from collections.abc import Callable

from venvstacks.engine.paths import Paths
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.planning.plan import StateView
from venvstacks.reasons import Reason
from venvstacks.records.input_facts import input_digest, input_facts
from venvstacks.records.task_store import TaskStore


def view_state(
    store: TaskStore, paths: Paths, describe_staleness: Callable[[TaskNode], tuple[Reason, ...]]
) -> StateView:
    """A view of the task state in `store` and of the files around the specification."""
    digests: dict[str, str | None] = {}
    base = str(paths.base)

    def digest(path: str) -> str | None:
        if path not in digests:
            try:
                digests[path] = input_digest(paths.absolute(path))
            except OSError:
                digests[path] = None
        return digests[path]

    return StateView(
        store,
        digest,
        lambda path: os.path.lexists(os.path.join(base, path)),  # noqa: PTH118 - for each output of each task
        describe_staleness,
        facts=lambda path: input_facts(paths.absolute(path)),
    )
