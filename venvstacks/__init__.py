"""Layered Python environments: specified, locked, built, linked and published as a graph of tasks.

The names below are the stable API (`venvstacks.api`); they are loaded when they are first used, so that importing
this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venvstacks.api import (
        Options,
        Project,
        Report,
        Request,
        Selection,
        doit_config,
        doit_tasks,
        load_project,
        plan,
        run,
    )

__all__ = [
    "Options", "Project", "Report", "Request", "Selection", "doit_config", "doit_tasks", "load_project", "plan", "run",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'venvstacks' has no attribute '{name}'")
    from venvstacks import api  # noqa: PLC0415

    return getattr(api, name)
