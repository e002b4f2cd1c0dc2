"""The Python API of deployments: install published applications on this machine, change, check and start them.

from venvstacks.deployment import deploy, rollback
deploy("https://example.com/stack", "/opt/tadpoles", applications=["tadpole-counter"])
"""

from __future__ import annotations

from venvstacks.api.deploying import deploy
from venvstacks.api.deployment_options import Cancellation, DeployOptions, Settings
from venvstacks.api.deployment_status import Status, current_number, status
from venvstacks.api.installed_applications import execute, start_command, start_environment
from venvstacks.api.installed_generations import activate, collect, purge, remove, rollback
from venvstacks.api.update_check import check
from venvstacks.deployment.phases import PhaseProgress
from venvstacks.deployment.release_steps import ReleaseStep
from venvstacks.deployment.state import Generation, Installed
from venvstacks.deployment.steps.deploy import Deployed
from venvstacks.deployment.steps.installed_files import Difference
from venvstacks.deployment.steps.update_plan import Update
from venvstacks.errors import (
    DamagedRecordError,
    DeployError,
    InterruptedRunError,
    ProcessFailedError,
    TrustError,
    UnreadableError,
    UnsafeArchiveError,
    UsageError,
    VenvstacksError,
)
from venvstacks.trust.trust_record import TrustRecord

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
