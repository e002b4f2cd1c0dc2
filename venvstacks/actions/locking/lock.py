"""Locking one layer: is its lock valid, and if not, resolve it anew for all of its targets.

Nothing is written unless every target could be resolved. Files are replaced one by one, each whole, the metadata
last: whatever an interruption leaves behind is either the earlier lock or one that the next run sees as stale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from venvstacks.actions.locking.lock_files import LockState, made_from, read_state
from venvstacks.actions.locking.lock_request import LockPaths, LockPolicy, LockRequest
from venvstacks.actions.toolset import Tools
from venvstacks.digests import sha256_file
from venvstacks.errors import LockError, StaleLockError
from venvstacks.locking.lock_changes import LockChanges, compare_locks
from venvstacks.locking.lock_metadata import LockMetadata, next_metadata, resolution_reasons, stale_reasons
from venvstacks.locking.locks import LayerLock
from venvstacks.locking.pylock import format_lock
from venvstacks.locking.uv_texts import requirements_text, summary_text
from venvstacks.reasons import Reason
from venvstacks.tools.files import write_if_changed

__all__ = ["LockPolicy", "LockRequest", "LockResult", "lock_layer", "lock_reasons"]


@dataclass(frozen=True)
class LockResult:
    """What locking a layer came to.

    Attributes:
        env_name: The layer's environment name.
        reasons: Why the lock was not valid before; empty where it was.
        resolved: Whether packages were resolved.
        changed: Whether the content of the lock is another than before.
        before: The lock before, or None if there was none that can be read.
        after: The lock now.
        metadata: The metadata now.
    """

    env_name: str
    reasons: tuple[Reason, ...]
    resolved: bool
    changed: bool
    before: LayerLock | None
    after: LayerLock
    metadata: LockMetadata

    @property
    def changes(self) -> LockChanges:
        """What the layer installs now, against before."""
        return compare_locks(self.before, self.after)


def lock_reasons(request: LockRequest, hash_file: Callable[[Path], str] = sha256_file) -> tuple[Reason, ...]:
    """Why the layer's lock is not valid; empty where it is. Reads files, starts nothing.

    Args:
        request: The layer and its surroundings.
        hash_file: Gives a file's SHA-256; a caller with a cache of hashes passes its own.

    Raises:
        LockError: A file that must be read cannot be.
    """
    return _reasons(read_state(request, hash_file))


def _reasons(state: LockState) -> tuple[Reason, ...]:
    return _stale(state) or tuple(Reason("missing output", name) for name in state.missing_companions)


def _stale(state: LockState) -> tuple[Reason, ...]:
    """Why the lock itself is not valid; what is generated beside it for people does not count."""
    return stale_reasons(state.metadata, state.lock_text, state.wanted, fault=state.metadata_fault)


def is_refused(request: LockRequest, hash_file: Callable[[Path], str] = sha256_file) -> bool:
    """Whether the lock is there but not valid, and the request's policy forbids to renew it."""
    return _is_refused(request, read_state(request, hash_file))


def _is_refused(request: LockRequest, state: LockState) -> bool:
    return request.policy == "require-valid" and state.lock_text is not None and bool(_stale(state))


def lock_layer(request: LockRequest, tools: Tools) -> LockResult:
    """Make the layer's lock valid, as far as the request's policy allows.

    Raises:
        StaleLockError: The lock is there but not valid, and the policy is to require a valid one.
        MissingWheelsError: Packages have no wheel for some targets.
        LockError: The layer cannot be locked, for any other reason that its message names.
        InterruptedRunError: The run is being stopped.
    """
    state = read_state(request, tools.digests)
    reasons = _reasons(state)
    if request.policy != "renew" and not reasons:
        return _unchanged(state, reasons)
    if _is_refused(request, state):
        raise _refusal(state, reasons)
    if request.policy != "renew" and _resolution_holds(state):
        return _write(request, state, tools, state.read_lock(), reasons=reasons, resolved=False)
    from venvstacks.actions.locking.resolve import resolve_layer  # noqa: PLC0415 - valid locks, which are the rule, need no uv

    lock = resolve_layer(request, state.earlier_lock, tools)
    return _write(request, state, tools, lock, reasons=reasons, resolved=True)


def _refusal(state: LockState, reasons: tuple[Reason, ...]) -> StaleLockError:
    why, hint = "does not fit its inputs any more", "run `venvstacks lock`, or build with --lock-if-needed"
    if state.is_damaged:
        why = "was damaged or edited"
        hint = "restore its files from version control, or run `venvstacks lock`, which keeps versions that can be read"
    details = tuple(str(reason) for reason in reasons)
    return StaleLockError(f"the lock of layer '{state.env_name}' {why}", details=details, hint=hint)


def _resolution_holds(state: LockState) -> bool:
    """Whether only a version input or a file beside the lock changed, so that uv need not be asked.

    What stale_reasons finds wrong with the lock itself comes first, so an intact lock is the precondition.
    """
    metadata = state.metadata
    if metadata is None or metadata.venvstacks is None or not state.is_intact:
        return False
    return not resolution_reasons(metadata.venvstacks, state.wanted)


def _unchanged(state: LockState, reasons: tuple[Reason, ...]) -> LockResult:
    lock = state.read_lock()
    assert state.metadata is not None  # noqa: S101 - a lock without metadata is never valid
    return LockResult(
        state.env_name, reasons, resolved=False, changed=False, before=lock, after=lock, metadata=state.metadata
    )


def _write(
    request: LockRequest,
    state: LockState,
    tools: Tools,
    lock: LayerLock,
    *,
    reasons: tuple[Reason, ...],
    resolved: bool,
) -> LockResult:
    text = format_lock(lock)
    metadata = next_metadata(
        state.metadata,
        text,
        made_from(request, state, lock),
        now=tools.now(),
        uv=request.uv,
        numbered=state.numbered,
    )
    paths = LockPaths.to_write(request)
    try:
        changed = write_if_changed(paths.lock, text)
        write_if_changed(paths.requirements, requirements_text(request.layer))
        write_if_changed(paths.summary, summary_text(request.layer, lock))
        write_if_changed(paths.metadata, metadata.to_text())
    except OSError as error:
        raise LockError(
            f"the lock of layer '{state.env_name}' cannot be written: {error.strerror or error}",
            hint=f"make {paths.lock.parent} writable, and see whether its disk is full",
        ) from error
    return LockResult(
        state.env_name, reasons, resolved=resolved, changed=changed, before=state.earlier_lock, after=lock,
        metadata=metadata,
    )  # fmt: skip
