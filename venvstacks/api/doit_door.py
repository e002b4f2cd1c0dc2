"""Doors for a `dodo.py`: the tasks of a stack as doit takes them, and the settings under which state is shared."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from venvstacks.actions.table import RunOptions
from venvstacks.engine.build_lock import folder_lock
from venvstacks.engine.journal import keep_journal
from venvstacks.engine.paths import Paths
from venvstacks.loading.options import Options
from venvstacks.loading.project import load_project
from venvstacks.planning.requests import task_actions


def doit_config(path: Path | str, options: Options | None = None) -> dict[str, Any]:
    """`DOIT_CONFIG` for a `dodo.py` that shares its state with the `venvstacks` command.

    Raises:
        doit's InvalidDodoFile: The specification is wrong; says everything that is.
    """
    from venvstacks.engine.dodo_tasks import configuration, reporting_faults  # noqa: PLC0415

    with reporting_faults():
        project = load_project(path, options)
    return configuration(Paths(project.base, Path.cwd()), project.configuration.layout.task_state, project.jobs)


def doit_tasks(path: Path | str, options: Options | None = None) -> Iterator[dict[str, Any]]:
    """Yield all tasks of a stack, for a task creator in a `dodo.py`.

    In full:

        def task_stack():
            yield from doit_tasks("venvstacks.toml")

    Raises:
        doit's InvalidDodoFile: The specification is wrong; says everything that is.
    """
    from venvstacks.engine.assembly import make_engine_run  # noqa: PLC0415
    from venvstacks.engine.dodo_tasks import reporting_faults, task_dictionaries, tell_waiting  # noqa: PLC0415

    with reporting_faults():
        project = load_project(path, options)
    run_options = RunOptions(use_index=project.options.use_index, local_wheel_folders=project.local_wheel_folders)
    actions = task_actions(project, run_options)
    atexit.register(actions.tools.processes.stop)  # an interrupted doit ends, but knows nothing of our children
    lock = folder_lock(project, tell_waiting, shared=True)
    journal = keep_journal(project, actions, "doit")
    atexit.register(journal.close)
    atexit.register(actions.tools.digests.keep)
    engine_run = make_engine_run(project, actions, lock, journal=journal, clean=actions.leavings)
    yield from task_dictionaries(project.graph, engine_run)
