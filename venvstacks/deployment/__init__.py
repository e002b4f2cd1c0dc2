"""Deployments: published applications on this machine, installed, updated, checked and started.

The names below are the stable API (`venvstacks.api.deployments`), with every type that its functions return or raise.
They are loaded when they are first used, so that the rooms of this package can be imported on their own.

    from venvstacks.deployment import deploy, start_command
    deploy("https://example.com/stack", "/opt/tadpoles", applications=["tadpole-counter"])
    subprocess.run(start_command("/opt/tadpoles", "tadpole-counter", ["--help"]))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venvstacks.api.deployments import (
        Cancellation,
        DamagedRecordError,
        Deployed,
        DeployError,
        DeployOptions,
        Difference,
        Generation,
        Installed,
        InterruptedRunError,
        PhaseProgress,
        ProcessFailedError,
        ReleaseStep,
        Settings,
        Status,
        TrustError,
        TrustRecord,
        UnreadableError,
        UnsafeArchiveError,
        Update,
        UsageError,
        VenvstacksError,
        activate,
        check,
        collect,
        current_number,
        deploy,
        execute,
        purge,
        remove,
        rollback,
        start_command,
        start_environment,
        status,
    )

__all__ = [
    "Cancellation",
    "DamagedRecordError",
    "DeployError",
    "DeployOptions",
    "Deployed",
    "Difference",
    "Generation",
    "Installed",
    "InterruptedRunError",
    "PhaseProgress",
    "ProcessFailedError",
    "ReleaseStep",
    "Settings",
    "Status",
    "TrustError",
    "TrustRecord",
    "UnreadableError",
    "UnsafeArchiveError",
    "Update",
    "UsageError",
    "VenvstacksError",
    "activate",
    "check",
    "collect",
    "current_number",
    "deploy",
    "execute",
    "purge",
    "remove",
    "rollback",
    "start_command",
    "start_environment",
    "status",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'venvstacks.deployment' has no attribute '{name}'")
    from venvstacks.api import deployments  # noqa: PLC0415

    return getattr(deployments, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
