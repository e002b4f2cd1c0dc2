"""The Python API: load a specification, plan, run, deploy. What is exported here is stable; other rooms may change.

    from venvstacks.api import Request, load_project, run
    report = run(load_project("venvstacks.toml"), Request(("build", "publish")))

Each name is loaded from its module when it is first used, so that a command loads only what it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venvstacks.api.applications import find_application, start_application
    from venvstacks.api.doit_door import doit_config, doit_tasks
    from venvstacks.api.lock_state import deployed_names, lock_staleness, preview_locks
    from venvstacks.api.runs import Report, plan, run
    from venvstacks.graph.selection import Selection
    from venvstacks.loading.options import Options
    from venvstacks.loading.project import Project, load_project
    from venvstacks.planning.requests import Request

_HOMES = {
    "Options": "venvstacks.loading.options",
    "Project": "venvstacks.loading.project",
    "Report": "venvstacks.api.runs",
    "Request": "venvstacks.planning.requests",
    "Selection": "venvstacks.graph.selection",
    "deployed_names": "venvstacks.api.lock_state",
    "doit_config": "venvstacks.api.doit_door",
    "doit_tasks": "venvstacks.api.doit_door",
    "find_application": "venvstacks.api.applications",
    "load_project": "venvstacks.loading.project",
    "lock_staleness": "venvstacks.api.lock_state",
    "plan": "venvstacks.api.runs",
    "preview_locks": "venvstacks.api.lock_state",
    "run": "venvstacks.api.runs",
    "start_application": "venvstacks.api.applications",
}

__all__ = [
    "Options", "Project", "Report", "Request", "Selection", "deployed_names", "doit_config", "doit_tasks",
    "find_application", "load_project", "lock_staleness", "plan", "preview_locks", "run", "start_application",
]  # fmt: skip


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'venvstacks.api' has no attribute '{name}'")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
