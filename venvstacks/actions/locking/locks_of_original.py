"""Locks of the original venvstacks on disk: the files that 0.8 and 0.2 to 0.7 wrote next to a specification."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from venvstacks.actions.locking.lock_request import LockPaths, LockRequest, read_text
from venvstacks.errors import LockError
from venvstacks.locking import original_hashes as hashes
from venvstacks.locking.lock_metadata import LockMetadata
from venvstacks.locking.locks import LayerLock
from venvstacks.locking.next_lock import EarlierLock
from venvstacks.locking.original_locks import (
    PlatformLock,
    read_platform_lock,
    same_pins,
    stale_original_lock,
    stale_original_version,
    stale_shared_packages,
)
from venvstacks.locking.pylock import read_lock
from venvstacks.locking.uv_resolution import UnusableLockError
from venvstacks.model.platforms import PLATFORMS
from venvstacks.model.source_trees import SourceTree
from venvstacks.reasons import Reason

HashFile = Callable[[Path], str]


def read_platform_locks(request: LockRequest) -> tuple[PlatformLock, ...]:
    """The layer's locks of 0.2 to 0.7, one for each platform that has one.

    Raises:
        OSError: A file cannot be read.
    """
    return tuple(find_platform_locks(request.lock_folder(request.layer), request.layer.env_name))


def find_platform_locks(folder: Path, env_name: str) -> Iterator[PlatformLock]:
    """The locks of 0.2 to 0.7 in a folder, one for each platform that has one.

    Raises:
        OSError: A file cannot be read.
    """
    for target in PLATFORMS:
        place = folder / f"requirements-{env_name}-{target}.txt"
        if (text := read_text(place)) is not None:
            yield read_platform_lock(target, text, read_text(place.with_name(f"{place.name}.json")))


def module_hashes(request: LockRequest, hash_file: HashFile) -> tuple[str, ...]:
    """Hashes of launch and support modules by the original's algorithm, in declared order; only versions need them.

    Raises:
        OSError: A file cannot be read.
    """
    if not request.layer.versioned:
        return ()
    return tuple(_hash_module(request.base, source, hash_file) for source in request.layer.sources)


def _hash_module(base: Path, source: SourceTree, hash_file: HashFile) -> str:
    name = source.path.rstrip("/").rpartition("/")[2]
    if not source.is_package:
        return hashes.hash_module_file(name, hash_file(base / source.path))
    files = zip(source.files, source.file_paths, strict=True)
    return hashes.hash_module_folder(name, {path: hash_file(base / place) for path, place in files})


def original_reasons(
    request: LockRequest, metadata: LockMetadata, lock_text: str, hash_file: HashFile
) -> tuple[Reason, ...]:
    """Why a lock of 0.8 is not valid by its own rules, apart from the locks below; empty where it is.

    Raises:
        OSError: A file cannot be read.
    """
    modules = module_hashes(request, hash_file)
    if reasons := stale_original_lock(metadata, lock_text, request.layer, modules):
        return reasons
    below = []
    for lower in request.layer.below:
        text = read_text(LockPaths.of(request, lower).lock)
        if text is None:
            return (Reason("missing input", f"lock of layer {lower.env_name}"),)
        with contextlib.suppress(UnusableLockError):  # a reason of the layer that it belongs to
            below.append((lower.env_name, read_lock(text, lower.python).lock))
    try:
        lock = read_lock(lock_text, request.layer.python).lock
        return stale_shared_packages(lock, [target.name for target in request.layer.platforms], below)
    except UnusableLockError as error:
        return (Reason("invalid record", f"the lock file cannot be read: {error}"),)


def earlier_original(
    request: LockRequest,
    found: LockMetadata | tuple[PlatformLock, ...],
    locks: tuple[LayerLock, LayerLock],
    hash_file: HashFile,
    *,
    is_intact: bool,
) -> EarlierLock | None:
    """What a lock of the original determines about version and time of the next one.

    Args:
        request: The layer.
        found: The metadata of 0.8, or the locks of 0.2 to 0.7.
        locks: The lock before and the next one.
        hash_file: Gives a file's SHA-256.
        is_intact: Whether the lock before is the one that its metadata describes.

    Raises:
        LockError: A module cannot be read.
    """
    same_content = is_intact and same_pins(*locks)
    try:
        modules = module_hashes(request, hash_file)
    except OSError as error:
        raise LockError(f"the lock of layer '{request.layer.env_name}' cannot be written: {error}") from error
    if isinstance(found, LockMetadata):
        keeps = not stale_original_version(found.version_inputs_hash, request.layer, modules)
        return EarlierLock(found.lock_version, found.locked_at, same_content, keeps)
    if not found:
        return None
    return EarlierLock(
        max(lock.lock_version for lock in found),
        max((lock.locked_at for lock in found if lock.locked_at), default=None),
        same_content and all(lock.is_intact for lock in found),
        all(lock.keeps_version(request.layer, modules) for lock in found),
    )
