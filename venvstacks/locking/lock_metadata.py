"""Lock metadata: what a lock was made from and when, whether it is still valid, and which version comes next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from venvstacks.data_faults import first_fault
from venvstacks.digests import prefixed, sha256_bytes, sha256_json
from venvstacks.locking.conflict_markers import has_conflict
from venvstacks.locking.lock_inputs import newest_upload
from venvstacks.model.specification import UvTable
from venvstacks.reasons import Reason, compare_settings

_HASH = r"^sha256:[0-9a-f]{64}$"


class _Model(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)


class LockedWheel(_Model):
    """A wheel that is built from source.

    Attributes:
        metadata: Digest of what resolving reads of it.
        wheel: Digest of the wheel; None where a lower layer holds it.
    """

    metadata: str = Field(pattern=_HASH)
    wheel: str | None = Field(None, pattern=_HASH)


class AdaptedVersion(_Model):
    """A version that a layer was locked with because a layer above needs it.

    Attributes:
        package: Normalised name of the package.
        version: The version.
        instead: The version that the layer would have got otherwise.
        target: Name of the target platform.
        needed_by: Environment name of the layer above.
    """

    package: str
    version: str
    instead: str
    target: str
    needed_by: str


class LockedFrom(_Model):
    """The inputs of a lock themselves, not only their hashes, so that a stale lock's old and new values can be shown.

    Attributes:
        inputs: `lock_inputs.lock_inputs`; `python` is `cpython@X.Y` if the lock is for all maintenance releases.
        below: Environment names of the lower layers to the hashes of their locks.
        local_wheels: Paths of local wheels, relative to the specification's folder, to their hashes.
        wheels: Wheels that are built from source, of this layer and of those below, by label; None if there are none.
        version_inputs: `lock_inputs.version_inputs`.
        adapted: Versions that the layer was locked with because layers above need them; a later lock tries without.
    """

    inputs: dict[str, Any]
    below: dict[str, str] = Field(default_factory=dict)
    local_wheels: dict[str, str] = Field(default_factory=dict)
    wheels: dict[str, LockedWheel] | None = None
    version_inputs: dict[str, Any]
    adapted: tuple[AdaptedVersion, ...] | None = None

    @property
    def hashes(self) -> dict[str, str]:
        """The three input hashes of FORMATS section 3 by key."""
        declared, gathered = self.inputs.get("requirements"), self.inputs.get("requirements-from")
        others = {key: value for key, value in self.inputs.items() if key not in {"requirements", "requirements-from"}}
        wheels = {label: wheel.model_dump() for label, wheel in (self.wheels or {}).items()}
        files = [others, self.below, self.local_wheels, *([wheels] if wheels else [])]
        return {
            "lock_input_hash": prefixed(sha256_json([declared, gathered] if gathered else declared)),
            "other_inputs_hash": prefixed(sha256_json(files)),
            "version_inputs_hash": prefixed(sha256_json(self.version_inputs)),
        }


class LockMetadata(_Model):
    """`pylock.<env>.meta.json` (FORMATS, section 3).

    Attributes:
        requirements_hash: Hash of the lock file's text.
        lock_input_hash: Hash of the declared requirements.
        other_inputs_hash: Hash of everything else that the resolution depends on.
        version_inputs_hash: Hash of the inputs that, in addition to the lock's content, give the layer a new version.
        lock_version: Counts up from 1 for versioned layers.
        locked_at: When the lock's content last changed (ISO 8601, UTC).
        venvstacks: The inputs themselves; None in files of the original, which `original_locks` judges.
    """

    requirements_hash: str = Field(pattern=_HASH)
    lock_input_hash: str = Field(pattern=_HASH)
    other_inputs_hash: str = Field(pattern=_HASH)
    version_inputs_hash: str = Field(pattern=_HASH)
    lock_version: int = Field(ge=1)
    locked_at: str
    venvstacks: LockedFrom | None = None

    def to_text(self) -> str:
        """The file's exact text."""
        return json.dumps(self.model_dump(exclude_none=True), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class WantedLock:
    """What a lock would be made from now.

    Attributes:
        inputs: As in `LockedFrom`.
        below: As in `LockedFrom`; None for a lower lock that does not exist.
        local_wheels: As in `LockedFrom`; None for a recorded wheel that does not exist any more.
        version_inputs: As in `LockedFrom`.
        wheels: As in `LockedFrom`; None for a wheel that is not built yet.
        lower_changes: Environment names of changed lower layers to the packages that the lock takes from them, with
            the recorded and the present versions, as text.
    """

    inputs: dict[str, object]
    version_inputs: dict[str, object]
    below: Mapping[str, str | None] = field(default_factory=dict)
    local_wheels: Mapping[str, str | None] = field(default_factory=dict)
    wheels: Mapping[str, LockedWheel | None] = field(default_factory=dict)
    lower_changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def parse_metadata(text: str) -> LockMetadata:
    """Read lock metadata.

    Raises:
        ValueError: The text is damaged; the message says in one line how.
    """
    try:
        metadata = LockMetadata.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(first_fault(error)) from None
    made_from = metadata.venvstacks
    if made_from and any(getattr(metadata, key) != value for key, value in made_from.hashes.items()):
        raise ValueError("its hashes do not fit the inputs that it names")
    return metadata


def hash_lock(text: str) -> str:
    r"""`sha256:<hex>` of a lock's text; the same for every kind of line end, since a checkout may change those."""
    return prefixed(sha256_bytes(text.replace("\r\n", "\n").encode()))


def stale_reasons(
    metadata: LockMetadata | None, lock_text: str | None, wanted: WantedLock, *, fault: str | None = None
) -> tuple[Reason, ...]:
    """Everything that makes a lock invalid; empty if it is valid.

    Args:
        metadata: The metadata of the lock, or None if it is missing or damaged.
        lock_text: The lock file, or None if it is missing.
        wanted: What the lock would be made from now.
        fault: How the metadata is damaged.
    """
    if lock_text is None:
        return (Reason("missing output", "lock file"),)
    if has_conflict(lock_text):
        return (Reason("invalid record", "the lock file holds merge-conflict markers"),)
    if metadata is None:
        damaged = Reason("invalid record", f"the lock metadata is damaged ({fault})")
        return (damaged if fault else Reason("missing output", "lock metadata"),)
    if hash_lock(lock_text) != metadata.requirements_hash:
        return (Reason("invalid record", "the lock file was changed since it was locked"),)
    if metadata.venvstacks is None:
        return (Reason("invalid record", "the lock metadata does not name what the lock was made from"),)
    return resolution_reasons(metadata.venvstacks, wanted) + version_reasons(metadata.venvstacks, wanted)


def resolution_reasons(made_from: LockedFrom, wanted: WantedLock) -> tuple[Reason, ...]:
    """Changed inputs because of which packages must be resolved again."""
    return (
        *compare_settings(made_from.inputs, _for_release(wanted.inputs, made_from.inputs)),
        *_compare_files("lock of layer ", made_from.below, wanted.below, wanted.lower_changes),
        *_compare_files("local wheel ", made_from.local_wheels, wanted.local_wheels),
        *_compare_files("wheel of ", *_wheel_digests(made_from, wanted)),
    )


def _wheel_digests(made_from: LockedFrom, wanted: WantedLock) -> tuple[dict[str, str], dict[str, str | None]]:
    old = {label: wheel.wheel or wheel.metadata for label, wheel in (made_from.wheels or {}).items()}
    return old, {label: (wheel.wheel or wheel.metadata) if wheel else None for label, wheel in wanted.wheels.items()}


def only_rebuilt(made_from: LockedFrom, wanted: WantedLock) -> bool:
    """Whether wheels were built again, with the same versions and requirements, and nothing else changed."""
    recorded = made_from.wheels or {}
    present = {label: wheel for label, wheel in wanted.wheels.items() if wheel is not None}
    same = {label: wheel.metadata for label, wheel in recorded.items()} == {k: v.metadata for k, v in present.items()}
    others = [reason for reason in resolution_reasons(made_from, wanted) if not reason.subject.startswith("wheel of ")]
    return same and recorded != present and not others


def _for_release(wanted: dict[str, object], recorded: Mapping[str, object]) -> dict[str, object]:
    """The wanted inputs; Python is shortened to `X.Y` if the lock was recorded for all maintenance releases."""
    python = str(wanted.get("python", ""))
    if recorded.get("python") == python.rpartition(".")[0]:
        return {**wanted, "python": recorded["python"]}
    return wanted


def version_reasons(made_from: LockedFrom, wanted: WantedLock) -> tuple[Reason, ...]:
    """Changed inputs because of which the lock version must rise even if the packages stay the same."""
    return compare_settings(made_from.version_inputs, wanted.version_inputs)


_NOTHING_KNOWN: Mapping[str, tuple[str, str]] = {}


def _compare_files(
    what: str,
    old: Mapping[str, str],
    new: Mapping[str, str | None],
    known: Mapping[str, tuple[str, str]] = _NOTHING_KNOWN,
) -> tuple[Reason, ...]:
    """Reasons for files whose hashes differ: with the old and new values of `known`, or else with short hashes."""
    reasons = []
    for name in sorted(old.keys() | new.keys()):
        subject = f"{what}{name}"
        present = new.get(name)
        if name not in new:
            reasons.append(Reason("dropped input", subject))
        elif present is None:
            reasons.append(Reason("missing input", subject))
        elif name not in old:
            reasons.append(Reason("new input", subject))
        elif old[name] != present:
            reasons.append(Reason("changed input", subject, *known.get(name, (_short(old[name]), _short(present)))))
    return tuple(reasons)


def _short(digest: str) -> str:
    return digest[: len("sha256:") + 8]


@dataclass(frozen=True)
class EarlierLock:
    """What the next lock's version and time are derived from, in addition to its own content.

    Attributes:
        lock_version: The earlier lock's version.
        locked_at: The earlier lock's time, None if unknown.
        same_content: Whether the next lock has the same content.
        same_version_inputs: Whether the other inputs that give a layer a new version are the same.
    """

    lock_version: int
    locked_at: str | None
    same_content: bool
    same_version_inputs: bool

    @classmethod
    def of(cls, metadata: LockMetadata, lock_text: str, made_from: LockedFrom) -> EarlierLock:
        """Compare metadata of our own form with the next lock, `lock_text`, which is made from `made_from`."""
        return cls(
            metadata.lock_version,
            metadata.locked_at,
            metadata.requirements_hash == hash_lock(lock_text),
            metadata.version_inputs_hash == made_from.hashes["version_inputs_hash"],
        )


def next_metadata(
    earlier: EarlierLock | None,
    lock_text: str,
    made_from: LockedFrom,
    *,
    now: datetime,
    uv: UvTable,
    numbered: int = 0,
) -> LockMetadata:
    """The metadata of a lock that was just made.

    If the lock's content did not change, its time stays, and so does its version unless a version input changed.

    Args:
        earlier: What is known of the earlier lock, or None.
        lock_text: The new lock.
        made_from: What it was made from.
        now: The present time, UTC.
        uv: uv settings; `exclude-newer` is the lock time of content that changed.
        numbered: The highest version that damaged metadata still names; 0 if none.
    """
    kept = earlier.locked_at if earlier and earlier.same_content else None
    versioned = bool(made_from.version_inputs.get("versioned"))
    return LockMetadata(
        requirements_hash=hash_lock(lock_text),
        **made_from.hashes,
        lock_version=next_version(earlier, versioned=versioned, numbered=numbered),
        locked_at=kept or lock_time(now, uv),
        venvstacks=made_from,
    )


def next_version(earlier: EarlierLock | None, *, versioned: bool, numbered: int = 0) -> int:
    """The version of a new lock.

    Unversioned layers keep their version, which is 1 unless they once were versioned: so a layer that becomes versioned
    again never repeats a version that was deployed. The version of a versioned layer rises by one when the content or
    a version input changed.

    Args:
        earlier: What is known of the earlier lock, or None.
        versioned: Whether the layer is versioned now.
        numbered: As for `next_metadata`; without an earlier lock, the new version is higher than this one.
    """
    if earlier is None:
        return max(1, numbered + 1 if versioned else numbered)
    if not versioned or (earlier.same_content and earlier.same_version_inputs):
        return earlier.lock_version
    return earlier.lock_version + 1


def lock_time(now: datetime, uv: UvTable) -> str:
    """The recorded time of a new lock: `exclude-newer` where it is a point in time, else `now`."""
    moment = now
    if newest := newest_upload(uv):
        try:
            moment = datetime.fromisoformat(newest)
        except ValueError:
            moment = now  # a time span such as "1 week", counted from now
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="seconds")
