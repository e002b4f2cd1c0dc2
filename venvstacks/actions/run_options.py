"""The options of one run, as actions use them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.actions.locking.lock_request import LockPolicy
from venvstacks.locking.adaptation import Adaptation

if TYPE_CHECKING:
    from venvstacks.actions.publishing.published_deltas import OlderPublication


@dataclass(frozen=True)
class RunOptions:
    """Options of one run; nothing here is part of a task's fingerprint.

    Attributes:
        lock_policy: Whether locks that are not valid are renewed, or only those that are missing.
        locked: Whether every lock has to stay as it is.
        renewed_locks: Names of lock tasks that resolve again even if the lock is valid.
        reset_locks: Names of environments whose earlier pins are dropped.
        clean: Whether environments are removed before they are built, and pins dropped before they are locked.
        use_index: Whether package indexes may be asked.
        local_wheel_folders: Folders of local wheels.
        force_archives: Whether archives are written even if their metadata is current.
        upgrade: Whether renewed locks are resolved without regard to their earlier versions.
        upgrade_packages: Normalised names of packages whose earlier versions are not kept.
        align: Whether one version of each package is sought for all targets.
        drafts: A folder that lock files are written to instead of their places, or None.
        adaptation: What lower layers are locked with because layers above need it.
        older: Publications that deltas are made from.
    """

    lock_policy: LockPolicy = "if-needed"
    locked: bool = False
    renewed_locks: frozenset[str] = frozenset()
    reset_locks: frozenset[str] = frozenset()
    clean: bool = False
    use_index: bool = True
    local_wheel_folders: tuple[Path, ...] = ()
    force_archives: bool = False
    upgrade: bool = False
    upgrade_packages: frozenset[str] = frozenset()
    align: bool = False
    drafts: Path | None = None
    adaptation: Adaptation = field(default_factory=Adaptation)
    older: tuple[OlderPublication, ...] = ()
