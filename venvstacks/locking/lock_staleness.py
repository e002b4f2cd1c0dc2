"""Whether a lock is still valid: what it was made from, against what it would be made from now."""

from __future__ import annotations

from collections.abc import Mapping

from venvstacks.locking.conflict_markers import has_conflict
from venvstacks.locking.lock_metadata import LockedFrom, LockMetadata, WantedLock, hash_lock
from venvstacks.reasons import Reason, compare_settings

_NOTHING_KNOWN: Mapping[str, tuple[str, str]] = {}


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
        *compare_settings(made_from.inputs, _comparable(wanted, made_from.inputs)),
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


def _comparable(wanted: WantedLock, recorded: Mapping[str, object]) -> dict[str, object]:
    """The wanted inputs, with what a valid lock may have instead of them.

    Python is shortened to `X.Y` if the lock was recorded for all maintenance releases. A lock for an older system than
    that of the layers below stays valid if it is the one that the layer has without them, as earlier versions locked.
    """
    python = str(wanted.inputs.get("python", ""))
    others: dict[str, object] = {"python": python.rpartition(".")[0], **wanted.targets_alone}
    return wanted.inputs | {key: value for key, value in others.items() if recorded.get(key) == value}


def version_reasons(made_from: LockedFrom, wanted: WantedLock) -> tuple[Reason, ...]:
    """Changed inputs because of which the lock version must rise even if the packages stay the same."""
    return compare_settings(made_from.version_inputs, wanted.version_inputs)


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
