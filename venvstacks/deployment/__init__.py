"""Deployments: published applications on this machine, installed, updated, checked and started.

The names below are the stable API (`venvstacks.api.deployments`); they are loaded when they are first used, so that
the rooms of this package can be imported on their own.

    from venvstacks.deployment import deploy, rollback
    deploy("https://example.com/stack", "/opt/tadpoles", applications=["tadpole-counter"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venvstacks.api.deployments import (
        DeployOptions,
        Settings,
        Status,
        collect,
        deploy,
        execute,
        remove,
        rollback,
        status,
    )

__all__ = ["DeployOptions", "Settings", "Status", "collect", "deploy", "execute", "remove", "rollback", "status"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'venvstacks.deployment' has no attribute '{name}'")
    from venvstacks.api import deployments  # noqa: PLC0415

    return getattr(deployments, name)
