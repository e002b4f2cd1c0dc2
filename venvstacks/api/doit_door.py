"""The API for a `dodo.py`: the tasks of a stack, and the doit configuration that shares the task state."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from venvstacks.engine.build_lock import folder_lock
from venvstacks.engine.journal import keep_journal
from venvstacks.engine.paths import Paths
from venvstacks.graph.selection import Operation, Selection
from venvstacks.loading.options import Options
from venvstacks.loading.project import Project, load_project
from venvstacks.planning.requests import Request, task_actions, work_out


def doit_config(path: Path | str, options: Options | None = None) -> dict[str, Any]:
    """`DOIT_CONFIG` for a `dodo.py` that shares its state with the `venvstacks` command.

    Raises:
        doit's InvalidDodoFile: The specification is wrong (all faults are reported), or an option makes no sense.
    """
    from venvstacks.engine.dodo_tasks import configuration, reporting_faults  # noqa: PLC0415

    with reporting_faults():
        project = load_project(path, options)
    return configuration(Paths(project.base, Path.cwd()), project.configuration.layout.task_state, project.jobs)


def doit_tasks(
    path: Path | str, options: Options | None = None, *, prefix: str = "", selection: Selection | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the tasks of a stack, for a task creator in a `dodo.py`.

    In full:

        def task_stack():
            yield from doit_tasks("venvstacks.toml")

    Args:
        path: The specification.
        options: Options of the whole project.
        prefix: What the names of all tasks begin with. Of two stacks in one `dodo.py`, at least one needs a prefix, as
            `lock`, `manifest:archives` and perhaps layers are named alike in both.
        selection: The layers to yield tasks of, and of what they need; None for all.

    Raises:
        doit's InvalidDodoFile: The specification is wrong (all faults are reported), or an option makes no sense.
    """
    from venvstacks.engine.dodo_tasks import report_waiting, reporting_faults, task_dictionaries  # noqa: PLC0415
    from venvstacks.engine.engine_run import make_engine_run  # noqa: PLC0415

    with reporting_faults():
        project = load_project(path, options)
        requested = work_out(project, Request(_operations(project), selection or Selection()))
    actions = task_actions(project, requested.options)
    atexit.register(actions.tools.processes.stop)  # an interrupted doit ends, but does not know our child processes
    lock = folder_lock(project, report_waiting, shared=True)
    journal = keep_journal(project, actions, "doit")
    atexit.register(journal.close)
    atexit.register(actions.tools.digests.keep)
    engine_run = make_engine_run(
        project, actions, lock, forced=requested.forced, journal=journal, clean=actions.removable_files, prefix=prefix
    )
    state = project.base / project.configuration.layout.task_state
    yield from task_dictionaries(requested.graph, engine_run, state)


def _operations(project: Project) -> tuple[Operation, ...]:
    """All tasks that can run on this machine."""
    return get_args(Operation) if project.configuration.platform else ("lock",)
