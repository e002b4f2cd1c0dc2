"""Doors for a `dodo.py`: the tasks of a stack as doit takes them, and the settings under which state is shared."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from venvstacks.actions.table import Orders
from venvstacks.engine.build_lock import folder_lock
from venvstacks.engine.journal import keep_journal
from venvstacks.engine.paths import Paths
from venvstacks.loading.options import Options
from venvstacks.loading.project import load_project
from venvstacks.planning.jobs import workshop_for


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
    from venvstacks.engine.assembly import make_services  # noqa: PLC0415
    from venvstacks.engine.dodo_tasks import reporting_faults, task_dictionaries, tell_waiting  # noqa: PLC0415

    with reporting_faults():
        project = load_project(path, options)
    orders = Orders(use_index=project.options.use_index, local_wheel_folders=project.local_wheel_folders)
    workshop = workshop_for(project, orders)
    atexit.register(workshop.tools.processes.stop)  # an interrupted doit ends, but knows nothing of our children
    lock = folder_lock(project, tell_waiting, shared=True)
    journal = keep_journal(project, workshop, "doit")
    atexit.register(journal.close)
    atexit.register(workshop.tools.digests.keep)
    services = make_services(project, workshop, lock, journal=journal, clean=workshop.leavings)
    yield from task_dictionaries(project.graph, services)
