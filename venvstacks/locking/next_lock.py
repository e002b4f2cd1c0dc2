"""Version and time of the next lock, from the earlier lock and what has changed since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from venvstacks.locking.lock_inputs import newest_upload
from venvstacks.locking.lock_metadata import LockedFrom, LockMetadata, hash_lock
from venvstacks.model.specification import UvTable


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
