"""The state of a layer's lock on disk: its files, the locks below, local wheels, modules."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.actions.locking.local_wheels import wheels_now
from venvstacks.actions.locking.lock_request import LockPaths, LockRequest, read_text
from venvstacks.actions.locking.pinned_wheels import wheels_to_lock
from venvstacks.digests import TreeEntry, prefixed, tree_digest
from venvstacks.errors import LockError
from venvstacks.locking.conflict_markers import has_conflict, highest_version, our_side
from venvstacks.locking.lock_inputs import lock_inputs, version_inputs
from venvstacks.locking.lock_metadata import (
    LockMetadata,
    WantedLock,
    hash_lock,
    parse_metadata,
)
from venvstacks.locking.own_digests import without_own_digests
from venvstacks.model.platforms import PythonImplementation
from venvstacks.model.source_trees import SourceTree
from venvstacks.model.stack import Layer
from venvstacks.reasons import Reason

if TYPE_CHECKING:
    from venvstacks.locking.locks import LayerLock
    from venvstacks.locking.original_locks import PlatformLock
    from venvstacks.locking.pylock import ReadLock
    from venvstacks.locking.uv_resolution import UnusableLockError

# Modules that only invalid locks, or locks of the original, need are imported where they are used.


@dataclass(frozen=True)
class LockState:
    """A layer's lock as it is on disk.

    Attributes:
        layer: The layer.
        paths: The files of its lock.
        lock_text: The lock file's text, or None.
        metadata: The metadata, or None where it is missing or damaged.
        metadata_fault: How the metadata is damaged; None if it is intact or missing.
        wanted: What the lock would be made from now.
        numbered: The highest lock version that damaged metadata still names; 0 if none.
        original_reasons: Why a lock of the original's 0.8 is not valid by its rules; None for locks of our own.
        platform_locks: Locks of the original's 0.2 to 0.7; read only where there is no lock file.
    """

    layer: Layer
    paths: LockPaths
    lock_text: str | None
    metadata: LockMetadata | None
    metadata_fault: str | None
    wanted: WantedLock
    numbered: int = 0
    original_reasons: tuple[Reason, ...] | None = None
    platform_locks: tuple[PlatformLock, ...] = ()

    @property
    def env_name(self) -> str:
        """The layer's environment name."""
        return self.layer.env_name

    @property
    def adapted(self) -> frozenset[str]:
        """Names of the packages whose versions were chosen because layers above need them."""
        recorded = self.metadata.venvstacks.adapted if self.metadata and self.metadata.venvstacks else None
        return frozenset(each.package for each in recorded or ())

    @property
    def exists(self) -> bool:
        """Whether the layer has a lock in any form."""
        return self.lock_text is not None or bool(self.platform_locks)

    @property
    def is_intact(self) -> bool:
        """Whether the lock file is the one that its metadata describes."""
        if self.lock_text is None or self.metadata is None:
            return False
        if self.original_reasons is not None:
            return not any(reason.kind == "invalid record" for reason in self.original_reasons)
        return hash_lock(self.lock_text) == self.metadata.requirements_hash

    @property
    def is_damaged(self) -> bool:
        """Whether lock and metadata both exist, but the metadata does not describe this lock."""
        both = self.lock_text is not None and (self.metadata is not None or self.metadata_fault is not None)
        return both and not self.is_intact

    @property
    def missing_companions(self) -> tuple[str, ...]:
        """Names of the generated files next to the lock that are missing."""
        companions = (self.paths.requirements, self.paths.summary)
        return tuple(path.name for path in companions if not path.is_file())

    @cached_property
    def _found(self) -> tuple[ReadLock | None, UnusableLockError | None]:
        """What can be read of the lock, or why nothing can."""
        if self.lock_text is None:
            return (_pins_of(self.layer, self.platform_locks) if self.platform_locks else None), None
        from venvstacks.locking.pylock import read_lock  # noqa: PLC0415
        from venvstacks.locking.uv_resolution import UnusableLockError  # noqa: PLC0415

        text = our_side(self.lock_text) if has_conflict(self.lock_text) else self.lock_text
        try:
            return read_lock(text, self.layer.python), None
        except UnusableLockError as error:
            return None, error

    def earlier_pins(self) -> LayerLock | None:
        """The pins of the present lock, as far as its entries can be read; None if there is no lock.

        Of a lock with merge conflicts, our side is read. A file without entries gives no pins and no error.

        Raises:
            LockError: The lock file has entries, but cannot be read at all.
        """
        _, fault = self._found
        if fault and "packages" in (self.lock_text or ""):
            raise LockError(
                f"the lock of layer '{self.env_name}' cannot be read, so that its versions cannot be kept",
                details=(f"{self.paths.lock}: {fault}",),
                hint=f"restore the file, or drop its versions with --reset-lock {self.env_name}",
            ) from fault
        return self.earlier_lock

    @property
    def earlier_lock(self) -> LayerLock | None:
        """As `earlier_pins`, but None for a lock that cannot be read."""
        found, _ = self._found
        return found.lock if found else None

    @property
    def entry_faults(self) -> tuple[str, ...]:
        """What is wrong with single entries of the lock, one sentence each."""
        found, _ = self._found
        return found.faults if found else ()

    def read_lock(self) -> LayerLock:
        """The lock, which must be there.

        Raises:
            LockError: It cannot be used.
        """
        if self.earlier_lock is None or self.entry_faults:
            raise LockError(
                f"the lock of layer '{self.env_name}' cannot be read: {self.paths.lock}",
                details=self.entry_faults,
                hint="restore the file, or run `venvstacks lock`, which keeps the versions that can be read",
            )
        return self.earlier_lock


def _pins_of(layer: Layer, platform_locks: tuple[PlatformLock, ...]) -> ReadLock:
    from venvstacks.locking.merge import requires_python  # noqa: PLC0415
    from venvstacks.locking.original_locks import pins_of_platform_locks  # noqa: PLC0415
    from venvstacks.locking.pylock import ReadLock  # noqa: PLC0415

    faults = tuple(fault for lock in platform_locks for fault in lock.faults())
    return ReadLock(pins_of_platform_locks(platform_locks, requires_python(layer)), faults)


def hash_lower_lock(request: LockRequest, lower: Layer) -> str | None:
    """The hash of the lock of a layer below the request's layer; None if that layer has no lock."""
    text = read_text(LockPaths.of(request, lower).lock)
    return None if text is None else hash_lock(without_own_digests(text))


LowerHash = Callable[[LockRequest, Layer], str | None]
"""A function like `hash_lower_lock`; it may cache what it reads, for checks between which no lock changes."""


def read_state(
    request: LockRequest, hash_file: Callable[[Path], str], lower_hash: LowerHash = hash_lower_lock
) -> LockState:
    """Read everything that decides whether a layer's lock is valid.

    Raises:
        LockError: A file cannot be read.
    """
    layer, paths = request.layer, LockPaths.of(request, request.layer)
    try:
        lock_text, metadata_text = read_text(paths.lock), read_text(paths.metadata)
        metadata, fault = _read_metadata(metadata_text)
        below = {lower.env_name: lower_hash(request, lower) for lower in layer.below}
        recorded = metadata.venvstacks.local_wheels if metadata and metadata.venvstacks else {}
        wanted = WantedLock(
            inputs=lock_inputs(layer, request.uv),
            version_inputs=version_inputs(layer, _module_hashes(request, hash_file)),
            below=below,
            local_wheels=wheels_now(request, recorded, lock_text, hash_file),
            wheels=wheels_to_lock(request),
            lower_changes=_lower_changes(request, metadata, lock_text, below),
            targets_alone=layer.targets_alone,
        )
        original = _original_reasons(request, metadata, lock_text, hash_file)
        platform_locks = _platform_locks(request) if lock_text is None else ()
    except OSError as error:
        from venvstacks.actions.locking.lock_write_hints import hint_for  # noqa: PLC0415 - a rare failure

        message = f"the lock of layer '{layer.env_name}' cannot be read: {error.strerror or error}"
        raise LockError(message, hint=hint_for(error, paths.lock.parent)) from error
    numbered = highest_version(metadata_text) if fault and metadata_text else 0
    return LockState(layer, paths, lock_text, metadata, fault, wanted, numbered, original, platform_locks)


def _original_reasons(
    request: LockRequest, metadata: LockMetadata | None, lock_text: str | None, hash_file: Callable[[Path], str]
) -> tuple[Reason, ...] | None:
    if metadata is None or metadata.venvstacks or lock_text is None or has_conflict(lock_text):
        return None
    from venvstacks.actions.locking.locks_of_original import original_reasons  # noqa: PLC0415

    return original_reasons(request, metadata, lock_text, hash_file)


def _platform_locks(request: LockRequest) -> tuple[PlatformLock, ...]:
    from venvstacks.actions.locking.locks_of_original import read_platform_locks  # noqa: PLC0415

    return read_platform_locks(request)


def read_layer_lock(path: Path, python: PythonImplementation) -> LayerLock:
    """The lock in a file.

    Raises:
        LockError: It is missing or cannot be used.
    """
    from venvstacks.locking.pylock import parse_lock  # noqa: PLC0415
    from venvstacks.locking.uv_resolution import UnusableLockError  # noqa: PLC0415

    try:
        text = read_text(path)
        if text is not None:
            return parse_lock(text, python)
        fault = "there is no such file"
    except (OSError, UnusableLockError) as error:
        fault = str(error)
    raise LockError(f"the lock {path} cannot be used: {fault}", hint="run `venvstacks lock` to make it again")


def chosen_names(path: Path, layer: Layer) -> frozenset[str]:
    """Names of the packages whose versions a layer's lock chose; none if it cannot be read.

    Args:
        path: The lock file; where there is none, the layer may have locks of the original's 0.2 to 0.7 next to it.
        layer: The layer.
    """
    from venvstacks.actions.locking.locks_of_original import find_platform_locks  # noqa: PLC0415
    from venvstacks.locking.pylock import read_lock  # noqa: PLC0415
    from venvstacks.locking.uv_resolution import UnusableLockError  # noqa: PLC0415

    with contextlib.suppress(OSError, UnusableLockError):
        if (text := read_text(path)) is not None:
            return read_lock(text, layer.python).lock.chosen_names
        return _pins_of(layer, tuple(find_platform_locks(path.parent, layer.env_name))).lock.chosen_names
    return frozenset()


def _read_metadata(text: str | None) -> tuple[LockMetadata | None, str | None]:
    if text is None:
        return None, None
    try:
        return parse_metadata(text), None
    except ValueError as error:
        return None, str(error)


def _lower_changes(
    request: LockRequest, metadata: LockMetadata | None, lock_text: str | None, below: Mapping[str, str | None]
) -> dict[str, tuple[str, str]]:
    """For each lower lock that has changed: the packages that this layer takes from it, as recorded and now."""
    recorded = metadata.venvstacks.below if metadata and metadata.venvstacks else {}
    found = {}
    for lower in request.layer.below if lock_text is not None and recorded else ():
        if below[lower.env_name] is None or recorded.get(lower.env_name) in {None, below[lower.env_name]}:
            continue
        text = read_text(LockPaths.of(request, lower).lock)
        if text is None or lock_text is None:
            continue
        from venvstacks.locking.lock_changes import compare_with_lower  # noqa: PLC0415
        from venvstacks.locking.pylock import parse_lock  # noqa: PLC0415
        from venvstacks.locking.uv_resolution import UnusableLockError  # noqa: PLC0415

        with contextlib.suppress(UnusableLockError):  # reported when that lock itself is checked
            lock, other = parse_lock(lock_text, request.layer.python), parse_lock(text, lower.python)
            if change := compare_with_lower(lock, lower.env_name, other):
                found[lower.env_name] = change
    return found


def _module_hashes(request: LockRequest, hash_file: Callable[[Path], str]) -> dict[str, str]:
    if not request.layer.versioned:
        return {}
    return {
        source.module: prefixed(tree_digest(_entries(request.base, source, hash_file)))
        for source in request.layer.sources
    }


def _entries(base: Path, source: SourceTree, hash_file: Callable[[Path], str]) -> Iterator[TreeEntry]:
    for name, path in zip(source.files, source.file_paths, strict=True):
        yield TreeEntry(name, sha256=hash_file(base / path), executable=name in source.executable)
