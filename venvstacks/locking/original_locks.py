"""Locks of the original venvstacks: recognised, judged by its own rules, and read for their pins and numbers.

0.8 wrote one PEP 751 lock per layer, which can be built from as it is. 0.2 to 0.7 wrote one requirements file per layer
and platform: these name no addresses of wheels, so they are pins for the next lock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from venvstacks.digests import prefixed, sha256_bytes
from venvstacks.locking import original_hashes as hashes
from venvstacks.locking.lock_metadata import LockMetadata
from venvstacks.locking.locks import LayerLock, LockedPackage
from venvstacks.locking.uv_resolution import UnusableLockError, load_packages
from venvstacks.model.platforms import PLATFORMS
from venvstacks.model.stack import Layer
from venvstacks.reasons import Reason

_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*==\s*(?P<version>[^\s;\\]+)(?P<rest>.*)")


def stale_original_lock(
    metadata: LockMetadata, lock_text: str, layer: Layer, modules: Sequence[str]
) -> tuple[Reason, ...]:
    """Why a lock that 0.8 wrote is not valid by its rules; empty where it is.

    The layers below are not checked here, although by those rules a lock is also invalid if a lower lock is.

    Args:
        metadata: What 0.8 recorded.
        lock_text: The lock file.
        layer: The layer as it is declared now.
        modules: Hashes of launch and support modules by the original's algorithm, in declared order.
    """
    try:
        content = hashes.hash_lock_entries(load_packages(lock_text))
    except (UnusableLockError, ValueError) as error:
        return (Reason("invalid record", f"the lock file cannot be read: {error}"),)
    if content != metadata.requirements_hash:
        return (Reason("invalid record", "the lock file was changed since it was locked"),)
    reasons = []
    if metadata.lock_input_hash not in _declared_hashes(layer):
        reasons.append(Reason("changed setting", "requirements"))
    if metadata.other_inputs_hash not in hashes.other_inputs_hashes(layer):
        reasons.append(Reason("changed setting", "Python, layers below, linux_target or macosx_target"))
    return (*reasons, *stale_original_version(metadata.version_inputs_hash, layer, modules))


def stale_original_version(recorded: str, layer: Layer, modules: Sequence[str]) -> tuple[Reason, ...]:
    """Why the lock version of a layer must rise by the rules of 0.6 to 0.8; empty where it stays."""
    if not layer.versioned or recorded == hashes.version_inputs_hash(layer, modules):
        return ()
    return (Reason("changed setting", "environment name, versioned, launch module or support modules"),)


def _declared_hashes(layer: Layer) -> frozenset[str]:
    return frozenset(map(hashes.hash_requirements, hashes.requirement_spellings(layer.declared)))


@dataclass(frozen=True)
class PlatformLock:
    """The lock of one platform, as 0.2 to 0.7 wrote it.

    Attributes:
        target: Name of the platform.
        text: The text of the requirements file.
        metadata: The JSON metadata next to that file; None if it is missing or damaged.
    """

    target: str
    text: str
    metadata: Mapping[str, Any] | None

    @property
    def lock_version(self) -> int:
        """The recorded lock version, 1 if there is none."""
        version = (self.metadata or {}).get("lock_version", 1)
        return version if isinstance(version, int) and version >= 1 else 1

    @property
    def locked_at(self) -> str | None:
        """The recorded lock time (ISO 8601), None if there is none."""
        moment = (self.metadata or {}).get("locked_at")
        try:
            return moment if isinstance(moment, str) and datetime.fromisoformat(moment) else None
        except ValueError:
            return None

    @property
    def is_intact(self) -> bool:
        """Whether the requirements file is the one that its metadata describes."""
        recorded = (self.metadata or {}).get("requirements_hash")
        if "lock_input_hash" not in (self.metadata or {}):  # 0.2 to 0.4 hashed the file's bytes
            return recorded == prefixed(sha256_bytes(self.text.encode()))
        return recorded == hashes.hash_requirements_with_hashes(self.text.splitlines())

    def keeps_version(self, layer: Layer, modules: Sequence[str]) -> bool:
        """Whether the recorded inputs other than packages keep the version of `layer`; 0.2 to 0.4 recorded none."""
        recorded = self.metadata or {}
        if "version_inputs_hash" in recorded:
            return not stale_original_version(str(recorded["version_inputs_hash"]), layer, modules)
        if "other_inputs_hash" in recorded:
            return not layer.versioned or recorded["other_inputs_hash"] == hashes.mixed_inputs_hash(layer, modules[:1])
        return True

    def packages(self) -> Iterator[LockedPackage]:
        """The pins of this lock; they name no files."""
        for line in self.text.splitlines():
            found = _PIN.match(line.strip())
            if found and _is_version(found["version"]):
                yield LockedPackage(str(canonicalize_name(found["name"])), found["version"], (self.target,))

    def faults(self) -> tuple[str, ...]:
        """A sentence for each line that should be a pin but is not; comments, options and hashes are allowed."""
        lines = (line.strip() for line in self.text.splitlines())
        return tuple(
            f"line '{line}' of the lock for {self.target} is no pin"
            for line in lines
            if line and line[0] not in "#-" and not _is_pin(line)
        )


def _is_pin(line: str) -> bool:
    found = _PIN.match(line)
    return bool(found and _is_version(found["version"]))


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def read_platform_lock(target: str, text: str, metadata: str | None) -> PlatformLock:
    """A lock of 0.2 to 0.7 from the text of its two files."""
    try:
        found = json.loads(metadata) if metadata is not None else None
    except (ValueError, RecursionError):
        found = None
    return PlatformLock(target, text, found if isinstance(found, dict) else None)


def pins_of_platform_locks(locks: Sequence[PlatformLock], requires_python: str) -> LayerLock:
    """The pins of all platforms as one lock without files."""
    order = list(PLATFORMS)
    packages = sorted(
        (package for lock in locks for package in lock.packages()),
        key=lambda package: (package.name, package.version, order.index(package.targets[0])),
    )
    return LayerLock(requires_python, tuple(lock.target for lock in locks), tuple(packages))


def stale_shared_packages(
    lock: LayerLock, targets: Iterable[str], below: Sequence[tuple[str, LayerLock]]
) -> tuple[Reason, ...]:
    """Packages that a lock of 0.8 takes from lower layers, but that these now hold in another version or not at all.

    0.8 records no hashes of lower locks; it calls a lock invalid if a lower one is invalid.

    Args:
        lock: The lock of the upper layer, which names no targets.
        targets: Names of the layer's target platforms.
        below: Environment names and locks of the lower layers in import order.
    """
    changes: dict[str, None] = {}
    for target in targets:
        held: dict[str, str] = {}
        for _, lower in below:
            for package in lower.installed(target):
                held.setdefault(package.name, package.version)
        for package in lock.shared(target):
            now = held.get(package.name)
            if now != package.version:
                changes[f"{package.name} {package.version} -> {now or 'nothing'}"] = None
    return (Reason("changed input", "locks of the layers below", details=tuple(changes)),) if changes else ()


def same_pins(before: LayerLock, after: LayerLock) -> bool:
    """Whether two locks need the same versions and, as far as both name files, no other wheels than before.

    Only targets that both are for are compared: a new target takes nothing from what was locked.
    """
    common = [target for target in before.targets if target in after.targets]
    return all(_pins(before, target) == _pins(after, target) for target in common) and _known_wheels(before, after)


def _pins(lock: LayerLock, target: str) -> set[tuple[str, str]]:
    chosen = (*lock.installed(target), *lock.shared(target), *lock.left_out(target))
    return {(package.name, str(Version(package.version))) for package in chosen}


def _known_wheels(before: LayerLock, after: LayerLock) -> bool:
    known: dict[str, set[object]] = {}
    for package in before.packages:
        known.setdefault(package.name, set()).update(wheel.hashes for wheel in package.wheels)
    return all(
        wheel.hashes in known[package.name]
        for package in after.packages
        if package.is_installed and known.get(package.name)
        for wheel in package.wheels
    )


def lacks_shared_wheels(lock: LayerLock) -> bool:
    """Whether a lock lists shared packages without the wheels of their provider, as 0.8 did."""
    return any(package.is_shared and not package.wheels for package in lock.packages)
