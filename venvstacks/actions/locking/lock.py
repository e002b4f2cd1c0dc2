"""Locking one layer: a lock that is not valid is resolved again for all of the layer's targets.

Nothing is written unless every target can be resolved. Each file is replaced atomically, the metadata last: an
interruption leaves either the earlier lock or one that the next run finds stale.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from venvstacks.actions.locking.lock_files import LockState, read_state
from venvstacks.actions.locking.lock_origins import made_from
from venvstacks.actions.locking.lock_request import LockPaths, LockRequest
from venvstacks.actions.locking.lock_validity import (
    only_wheels_rebuilt,
    reasons_of,
    refuses,
    resolution_holds,
    stale,
)
from venvstacks.actions.locking.locks_of_original import earlier_original
from venvstacks.actions.locking.own_wheels import with_rebuilt_wheels
from venvstacks.errors import LockError, StaleLockError, UsageError
from venvstacks.locking.adaptation import describe_needed
from venvstacks.locking.lock_changes import LockChanges, compare_locks
from venvstacks.locking.lock_metadata import LockedFrom, LockMetadata
from venvstacks.locking.locks import LayerLock
from venvstacks.locking.next_lock import EarlierLock, next_metadata
from venvstacks.locking.original_locks import lacks_shared_wheels, same_pins
from venvstacks.locking.pylock_text import format_lock
from venvstacks.locking.uv_texts import requirements_text, summary_text
from venvstacks.reasons import Reason
from venvstacks.tools.files import write_if_changed

if TYPE_CHECKING:
    from venvstacks.actions.toolset import Tools


@dataclass(frozen=True)
class LockResult:
    """The result of locking a layer.

    Attributes:
        env_name: The layer's environment name.
        reasons: Why the lock was not valid before; empty where it was.
        resolved: Whether packages were resolved.
        changed: Whether the text of the lock changed.
        before: The lock before, or None if there was none that can be read.
        after: The lock now.
        metadata: The metadata now.
        notes: Sentences for the user, e.g. about entries of the earlier lock that could not be read.
    """

    env_name: str
    reasons: tuple[Reason, ...]
    resolved: bool
    changed: bool
    before: LayerLock | None
    after: LayerLock
    metadata: LockMetadata
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> LockChanges:
        """How the installed packages differ from those of the lock before."""
        return compare_locks(self.before, self.after)


def lock_layer(request: LockRequest, tools: Tools) -> LockResult:
    """Make the layer's lock valid, as far as the request's policy allows.

    Raises:
        StaleLockError: The lock exists but is not valid, and the policy is to require a valid one.
        MissingWheelsError: Packages have no wheel for some targets.
        LockError: The layer cannot be locked, for any other reason that its message names.
        UsageError: A folder of local wheels is missing.
        InterruptedRunError: The run is being stopped.
    """
    state = read_state(request, tools.digests)
    reasons = reasons_of(state)
    if request.policy != "renew" and not reasons:
        return _unchanged(state, reasons)
    if request.policy != "renew" and state.original_reasons == ():
        _write_companions(request, state.read_lock(), LockPaths.to_write(request))
        return _unchanged(state, reasons)
    if refuses(request, state):
        raise _refusal(state, reasons)
    if request.policy != "renew" and resolution_holds(state):
        return _write(request, state, tools, state.read_lock(), reasons=reasons, resolved=False)
    if request.policy != "renew" and only_wheels_rebuilt(state):
        lock = with_rebuilt_wheels(request, state.read_lock())
        return _write(request, state, tools, lock, reasons=reasons, resolved=False)
    from venvstacks.actions.locking.resolve import resolve_layer  # noqa: PLC0415 - valid locks, which are the rule, need no uv

    for folder in request.local_wheel_dirs:
        if not folder.is_dir():
            raise UsageError(f"there is no folder of local wheels {folder}", hint="check --local-wheels")
    keeps_pins = not (request.ignore_pins or request.upgrade)
    earlier = _without(state.earlier_pins(), state.adapted) if keeps_pins else None
    found = resolve_layer(request, earlier, tools, same_inputs=not stale(state) and state.original_reasons is None)
    return _write(request, state, tools, found.lock, reasons=reasons, resolved=True, notes=found.notes)


def _without(lock: LayerLock | None, packages: Collection[str]) -> LayerLock | None:
    """The lock without packages whose versions were chosen for layers above: those versions are chosen again."""
    if lock is None or not packages:
        return lock
    return replace(lock, packages=tuple(package for package in lock.packages if package.name not in packages))


def _refusal(state: LockState, reasons: tuple[Reason, ...]) -> StaleLockError:
    why, hint = "does not fit its inputs any more", "run `venvstacks lock`, or build with --lock-if-needed"
    if state.platform_locks:
        why = "has the form of venvstacks 0.2 to 0.7, which cannot be built from"
        hint = "run `venvstacks lock`: it keeps the versions, and lock version and time where no version changes"
    elif state.is_damaged:
        why = "was damaged or edited"
        hint = "restore its files from version control, or run `venvstacks lock`, which keeps versions that can be read"
    details = tuple(str(reason) for reason in reasons)
    return StaleLockError(f"the lock of layer '{state.env_name}' {why}", details=details, hint=hint)


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
    notes: tuple[str, ...] = (),
) -> LockResult:
    text, inputs = format_lock(lock), made_from(request, state, lock, resolved=resolved)
    metadata = next_metadata(
        _earlier(request, state, lock, (text, inputs), tools),
        text,
        inputs,
        now=tools.now(),
        uv=request.settings if resolved else request.uv,
        numbered=state.numbered,
    )
    paths = LockPaths.to_write(request)
    with _writing(request):
        changed = write_if_changed(paths.lock, text)
        _write_companions(request, lock, paths)
        write_if_changed(paths.metadata, metadata.to_text())
    needed = [each for each in request.adaptation.needed if each.layer == state.env_name]
    faults = (f"the earlier lock of layer '{state.env_name}': {fault}" for fault in state.entry_faults)
    return LockResult(
        state.env_name, reasons, resolved=resolved, changed=changed, before=state.earlier_lock, after=lock,
        metadata=metadata, notes=(*notes, *describe_needed(needed), *faults),
    )  # fmt: skip


def _write_companions(request: LockRequest, lock: LayerLock, paths: LockPaths) -> None:
    """Write the generated files next to a lock, which are for people."""
    with _writing(request):
        write_if_changed(paths.requirements, requirements_text(request.layer))
        write_if_changed(paths.summary, summary_text(request.layer, lock))


@contextlib.contextmanager
def _writing(request: LockRequest) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        from venvstacks.actions.locking.lock_write_hints import hint_for  # noqa: PLC0415 - a rare failure

        raise LockError(
            f"the lock of layer '{request.layer.env_name}' cannot be written: {error.strerror or error}",
            hint=hint_for(error, LockPaths.to_write(request).lock.parent),
        ) from error


def _earlier(
    request: LockRequest, state: LockState, lock: LayerLock, new: tuple[str, LockedFrom], tools: Tools
) -> EarlierLock | None:
    """What the earlier lock, ours or the original's, determines about version and time of the new one."""
    before = state.earlier_lock or lock
    if state.metadata and state.metadata.venvstacks:
        earlier = EarlierLock.of(state.metadata, *new)
        # old locks list shared packages without wheels; adding the wheels does not change what is locked
        is_same = state.is_intact and lacks_shared_wheels(before) and same_pins(before, lock)
        return replace(earlier, same_content=earlier.same_content or is_same)
    found = state.metadata or state.platform_locks
    if not found:
        return None
    is_intact = state.earlier_lock is not None and (bool(state.platform_locks) or state.is_intact)
    return earlier_original(request, found, (before, lock), tools.digests, is_intact=is_intact)
