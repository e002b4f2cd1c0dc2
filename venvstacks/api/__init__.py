"""The Python API. The names that are exported here, and by `venvstacks` itself, are stable; other modules may change.

    from venvstacks import Request, load_project, run
    report = run(load_project("venvstacks.toml"), Request(("build", "publish")))

Each name is loaded from its module when it is first used, so that a command loads only what it needs. docs/api.md
describes the API.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from venvstacks import errors

if TYPE_CHECKING:
    from venvstacks.api.applications import (
        application_command,
        application_environment,
        find_application,
        start_application,
    )
    from venvstacks.api.doit_door import doit_config, doit_tasks
    from venvstacks.api.lock_state import deployed_names, lock_staleness, preview_locks
    from venvstacks.api.predictions import plan
    from venvstacks.api.run_reports import Report
    from venvstacks.api.runs import run
    from venvstacks.api.verification import verify
    from venvstacks.archives.compare import ArchiveDifference
    from venvstacks.engine.cancellation import Cancellation
    from venvstacks.engine.outcomes import Listener, Outcome, Silence
    from venvstacks.errors import *  # noqa: F403 - all of them
    from venvstacks.graph.configuration import Configuration
    from venvstacks.graph.schedule import CriticalPath
    from venvstacks.graph.selection import Operation, Selection
    from venvstacks.graph.taskgraph import TaskGraph, TaskNode
    from venvstacks.loading.options import Options
    from venvstacks.loading.project import Project, load_project
    from venvstacks.loading.remote_cache import RemoteCache
    from venvstacks.locking.lock_changes import LockChanges
    from venvstacks.model.stack import Layer, Stack
    from venvstacks.planning.forecast import Plan, Span
    from venvstacks.planning.plan import PlannedTask
    from venvstacks.planning.requests import Request
    from venvstacks.reasons import Reason
    from venvstacks.reproducing import Verification, Verified

_MODULES = {
    "venvstacks.api.applications": (
        "application_command",
        "application_environment",
        "find_application",
        "start_application",
    ),
    "venvstacks.api.doit_door": ("doit_config", "doit_tasks"),
    "venvstacks.api.lock_state": ("deployed_names", "lock_staleness", "preview_locks"),
    "venvstacks.api.predictions": ("plan",),
    "venvstacks.api.run_reports": ("Report",),
    "venvstacks.api.runs": ("run",),
    "venvstacks.api.verification": ("verify",),
    "venvstacks.archives.compare": ("ArchiveDifference",),
    "venvstacks.engine.cancellation": ("Cancellation",),
    "venvstacks.engine.outcomes": ("Listener", "Outcome", "Silence"),
    "venvstacks.graph.configuration": ("Configuration",),
    "venvstacks.graph.schedule": ("CriticalPath",),
    "venvstacks.graph.selection": ("Operation", "Selection"),
    "venvstacks.graph.taskgraph": ("TaskGraph", "TaskNode"),
    "venvstacks.loading.options": ("Options",),
    "venvstacks.loading.project": ("Project", "load_project"),
    "venvstacks.loading.remote_cache": ("RemoteCache",),
    "venvstacks.locking.lock_changes": ("LockChanges",),
    "venvstacks.model.stack": ("Layer", "Stack"),
    "venvstacks.planning.forecast": ("Plan", "Span"),
    "venvstacks.planning.plan": ("PlannedTask",),
    "venvstacks.planning.requests": ("Request",),
    "venvstacks.reasons": ("Reason",),
    "venvstacks.reproducing": ("Verification", "Verified"),
}
_ERRORS = [name for name, value in vars(errors).items() if getattr(value, "__module__", "") == errors.__name__]
_HOMES = {name: module for module, names in _MODULES.items() for name in names} | dict.fromkeys(
    _ERRORS, errors.__name__
)

__all__ = [
    "ArchiveDifference", "Cancellation", "Configuration", "CriticalPath", "Layer", "Listener", "LockChanges",
    "Operation", "Options", "Outcome", "Plan", "PlannedTask", "Project", "Reason", "RemoteCache", "Report", "Request",
    "Selection", "Silence", "Span", "Stack", "TaskGraph", "TaskNode", "Verification", "Verified", "application_command",
    "application_environment", "deployed_names", "doit_config", "doit_tasks", "find_application", "load_project",
    "lock_staleness", "plan", "preview_locks", "run", "start_application", "verify",
]  # fmt: skip
__all__ += list(_ERRORS)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'venvstacks.api' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
