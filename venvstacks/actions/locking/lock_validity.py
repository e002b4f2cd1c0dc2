"""Whether the lock of a layer on disk is valid, and whether a run may renew it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from venvstacks.actions.locking.lock_files import LockState, LowerHash, hash_lower_lock, read_state
from venvstacks.actions.locking.lock_request import LockRequest
from venvstacks.digests import sha256_file
from venvstacks.locking.lock_staleness import only_rebuilt, resolution_reasons, stale_reasons
from venvstacks.reasons import Reason


def lock_reasons(
    request: LockRequest, hash_file: Callable[[Path], str] = sha256_file, lower_hash: LowerHash = hash_lower_lock
) -> tuple[Reason, ...]:
    """Why the layer's lock is not valid; empty if it is valid. Reads files, starts no process.

    Args:
        request: The layer and its surroundings.
        hash_file: Gives a file's SHA-256; a caller with a cache of hashes passes its own.
        lower_hash: Gives the hash of a lower layer's lock.

    Raises:
        LockError: A file that must be read cannot be.
    """
    return reasons_of(read_state(request, hash_file, lower_hash))


def reasons_of(state: LockState) -> tuple[Reason, ...]:
    """Why a lock, or a file next to it, is not valid; empty if everything is."""
    return stale(state) or tuple(Reason("missing output", name) for name in state.missing_companions)


def stale(state: LockState) -> tuple[Reason, ...]:
    """Why the lock itself is not valid; the generated files next to it that only people read do not count."""
    if state.platform_locks:
        return (Reason("invalid record", "the lock has the form of venvstacks 0.2 to 0.7, one file per platform"),)
    if state.original_reasons is not None:
        return state.original_reasons
    return stale_reasons(state.metadata, state.lock_text, state.wanted, fault=state.metadata_fault)


def is_refused(request: LockRequest, hash_file: Callable[[Path], str] = sha256_file) -> bool:
    """Whether a lock exists but is not valid, and the request's policy does not allow renewing it."""
    return refuses(request, read_state(request, hash_file))


def refuses(request: LockRequest, state: LockState) -> bool:
    """As `is_refused`, for a state that was read before."""
    may_renew = only_wheels_rebuilt(state) and not request.locked
    return request.policy == "require-valid" and state.exists and bool(stale(state)) and not may_renew


def only_wheels_rebuilt(state: LockState) -> bool:
    """Whether nothing changed but wheels of own packages, which were built again from changed sources."""
    made_from = state.metadata.venvstacks if state.metadata else None
    return made_from is not None and state.is_intact and only_rebuilt(made_from, state.wanted)


def resolution_holds(state: LockState) -> bool:
    """Whether only a version input or a file next to the lock changed, so that uv need not run.

    A lock that `stale_reasons` finds changed or damaged is always resolved again. So are locks of the original, since
    they lack some of what our locks record.
    """
    metadata = state.metadata
    if metadata is None or metadata.venvstacks is None or not state.is_intact:
        return False
    return not resolution_reasons(metadata.venvstacks, state.wanted)
