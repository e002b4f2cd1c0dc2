"""The state of a deployment: its generations, disk use and trust, and what differs from what was installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from venvstacks.api.deployment_options import DeployOptions
from venvstacks.deployment.state import Generation
from venvstacks.deployment.steps import generations
from venvstacks.deployment.steps.disk_use import disk_use
from venvstacks.deployment.steps.generations import generation_numbers, look, require_current
from venvstacks.deployment.steps.installed_files import Difference, verify_generation
from venvstacks.deployment.steps.place import open_place, place_of
from venvstacks.deployment.steps.signed_source import read_trust
from venvstacks.trust.trust_record import TrustRecord

_MOST_LOOKS = 10  # a deployment that changes more often while it is compared is reported as it was the last time


def current_number(folder: Path | str) -> int | None:
    """The number of the current generation; None before the first deploy, and where there is no deployment."""
    return generations.current_number(place_of(Path(folder)))


@dataclass(frozen=True)
class Status:
    """The state of a deployment.

    Attributes:
        root: The deployment's folder.
        generation: The current generation.
        kept: Numbers of all generations that `rollback` can go to, the current one included.
        differences: What is not as it was installed; None if files were not compared.
        disk_use: Bytes on the disk of all stored instances by id, those of earlier generations included; empty where
            the store cannot be read.
        trust: Whom the deployment trusts, and what was verified last; None where publications are not signed.
    """

    root: Path
    generation: Generation
    kept: tuple[int, ...]
    differences: tuple[Difference, ...] | None = None
    disk_use: Mapping[str, int] = field(default_factory=dict)
    trust: TrustRecord | None = None


def status(folder: Path | str, *, verify: bool = False, options: DeployOptions | None = None) -> Status:
    """The state of a deployment, with differences from what was installed if that is wanted.

    Args:
        folder: The deployment.
        verify: Whether to compare every file of the current generation with the manifests.
        options: The number of threads that compare files.

    Raises:
        DeployError: The folder is no deployment, or cannot be read.
    """
    options = options or DeployOptions()
    place = open_place(Path(folder))
    for _ in range(_MOST_LOOKS):
        generation = look(place, lambda: require_current(place))
        differences = verify_generation(place, generation, options.tools(place)) if verify else None
        found = Status(
            place.root, generation, look(place, lambda: generation_numbers(place)), differences, trust=read_trust(place)
        )
        if not differences or current_number(place.root) == generation.number:
            break  # else another process may have removed what was being compared
    return replace(found, disk_use=disk_use(place))
