"""What a new lock was made from, as its metadata records it."""

from __future__ import annotations

import posixpath

from venvstacks.actions.locking.local_wheels import local_wheels, relative_to_base
from venvstacks.actions.locking.lock_files import LockState
from venvstacks.actions.locking.lock_request import LockRequest
from venvstacks.digests import prefixed, sha256_file
from venvstacks.errors import LockError
from venvstacks.locking.lock_metadata import AdaptedVersion, LockedFrom
from venvstacks.locking.locks import LayerLock
from venvstacks.locking.merge import requires_python


def made_from(request: LockRequest, state: LockState, lock: LayerLock, *, resolved: bool) -> LockedFrom:
    """What a lock was made from.

    Args:
        request: The layer and its surroundings.
        state: What was found on disk.
        lock: The lock.
        resolved: Whether the lock was just resolved; otherwise it is the earlier lock, which is still right.

    Raises:
        LockError: A local wheel cannot be read.
    """
    folder = posixpath.dirname(request.layout.lock_file(request.layer))
    others = [wheel for wheel in lock.path_wheels if not wheel.is_own]
    used = {posixpath.normpath(posixpath.join(folder, wheel.location)) for wheel in others}
    used |= {relative_to_base(request, path) for path in local_wheels(request, lock.chosen_names)}
    try:
        wheels = {path: prefixed(sha256_file(request.base / path)) for path in sorted(used)}
    except OSError as error:
        raise LockError(f"a local wheel of layer '{state.env_name}' cannot be read: {error}") from error
    python = str(request.layer.python)
    if not resolved and state.metadata and state.metadata.venvstacks:
        python = state.metadata.venvstacks.inputs["python"]
    elif lock.requires_python == requires_python(request.layer):
        python = python.rpartition(".")[0]
    return LockedFrom(
        inputs={**state.wanted.inputs, "python": python},
        below={name: found for name, found in state.wanted.below.items() if found is not None},
        local_wheels=wheels,
        wheels={label: wheel for label, wheel in state.wanted.wheels.items() if wheel is not None} or None,
        version_inputs=dict(state.wanted.version_inputs),
        adapted=_adapted(request, state, resolved=resolved),
    )


def _adapted(request: LockRequest, state: LockState, *, resolved: bool) -> tuple[AdaptedVersion, ...] | None:
    if not resolved:
        return state.metadata.venvstacks.adapted if state.metadata and state.metadata.venvstacks else None
    needed = (each for each in request.adaptation.needed if each.layer == state.env_name)
    return (
        tuple(AdaptedVersion(**{key: getattr(each, key) for key in AdaptedVersion.model_fields}) for each in needed)
        or None
    )
