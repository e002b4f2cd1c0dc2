"""What is on disk around a layer's lock: its files, the locks below, local wheels, modules."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_name

from venvstacks.digests import TreeEntry, prefixed, sha256_file, tree_digest
from venvstacks.errors import LockError
from venvstacks.locking.inputs import lock_inputs, version_inputs
from venvstacks.locking.locks import LayerLock
from venvstacks.locking.metadata import LockedFrom, LockMetadata, WantedLock, hash_lock, parse_metadata
from venvstacks.locking.pylock import parse_lock
from venvstacks.locking.resolution import UnusableLockError
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import PythonImplementation
from venvstacks.model.specification import UvTable
from venvstacks.model.stack import Layer, SourceTree

LockPolicy = Literal["renew", "if-needed", "require-valid"]


@dataclass(frozen=True)
class LockRequest:
    """A layer to lock, and how.

    Attributes:
        layer: The layer; it has at least one target platform.
        uv: uv settings as written.
        layout: Where everything is.
        base: Absolute folder of the specification.
        policy: "renew" resolves in any case, "if-needed" only where the lock is not valid; "require-valid" locks a
            layer that has no lock, and refuses one whose lock is not valid.
        ignore_pins: Resolve as if there were no earlier lock.
        local_wheel_dirs: Absolute folders of wheels to choose from beside the indexes.
        use_index: Whether package indexes may be asked.
        log: File that collects what uv prints, or None.
        upgrade: Resolve as if there were no earlier lock, and ask indexes anew about everything.
        upgrade_packages: Normalised names of packages whose earlier versions are not kept.
        align: Whether to seek one version of each package for all targets.
        drafts: A folder that takes the place of the specification's for the files of locks: they are written there, and
            read from there where they are there. None for the specification's own.
    """

    layer: Layer
    uv: UvTable
    layout: StackLayout
    base: Path
    policy: LockPolicy = "renew"
    ignore_pins: bool = False
    local_wheel_dirs: tuple[Path, ...] = ()
    use_index: bool = True
    log: Path | None = None
    upgrade: bool = False
    upgrade_packages: frozenset[str] = frozenset()
    align: bool = False
    drafts: Path | None = None


@dataclass(frozen=True)
class LockPaths:
    """The files of one layer's lock."""

    lock: Path
    metadata: Path
    requirements: Path
    summary: Path

    @classmethod
    def of(cls, request: LockRequest, layer: Layer) -> LockPaths:
        """Where the files of a layer are read: the request's own, or a lower one."""
        drafted = request.drafts is not None and (request.drafts / request.layout.lock_file(layer)).exists()
        return cls.below(request.drafts if drafted and request.drafts else request.base, request, layer)

    @classmethod
    def to_write(cls, request: LockRequest) -> LockPaths:
        """Where the files of the request's layer are written."""
        return cls.below(request.drafts or request.base, request, request.layer)

    @classmethod
    def below(cls, base: Path, request: LockRequest, layer: Layer) -> LockPaths:
        """The files of a layer below a folder."""
        layout = request.layout
        return cls(
            base / layout.lock_file(layer),
            base / layout.lock_metadata(layer),
            base / layout.declared_requirements(layer),
            base / layout.package_summary(layer),
        )


@dataclass(frozen=True)
class LockState:
    """What was found on disk.

    Attributes:
        env_name: The layer's environment name.
        python: The layer's Python.
        paths: Its files.
        lock_text: The lock file's text, or None.
        metadata: The metadata, or None where it is missing or damaged.
        metadata_fault: How it is damaged.
        wanted: What the lock would be made from now.
    """

    env_name: str
    python: PythonImplementation
    paths: LockPaths
    lock_text: str | None
    metadata: LockMetadata | None
    metadata_fault: str | None
    wanted: WantedLock

    @property
    def is_intact(self) -> bool:
        """Whether the lock file is the one that its metadata speaks of."""
        found = self.lock_text is not None and self.metadata is not None
        return found and hash_lock(self.lock_text or "") == self.metadata.requirements_hash  # type: ignore[union-attr]

    @property
    def missing_companions(self) -> tuple[str, ...]:
        """Names of the generated files beside the lock that are not there."""
        beside = (self.paths.requirements, self.paths.summary)
        return tuple(path.name for path in beside if not path.is_file())

    @cached_property
    def earlier_lock(self) -> LayerLock | None:
        """The lock as it is, or None where there is none that can be read."""
        try:
            return parse_lock(self.lock_text, self.python) if self.lock_text is not None else None
        except UnusableLockError:
            return None

    def read_lock(self) -> LayerLock:
        """The lock, which must be there.

        Raises:
            LockError: It cannot be used.
        """
        if self.earlier_lock is None:
            raise LockError(
                f"the lock of layer '{self.env_name}' cannot be read: {self.paths.lock}",
                hint="restore the file, or run `venvstacks lock` to make it anew",
            )
        return self.earlier_lock


def read_state(request: LockRequest, hash_file: Callable[[Path], str]) -> LockState:
    """Read everything that decides whether a layer's lock is valid.

    Raises:
        LockError: A file cannot be read.
    """
    layer, paths = request.layer, LockPaths.of(request, request.layer)
    try:
        lock_text, metadata_text = read_text(paths.lock), read_text(paths.metadata)
        metadata, fault = _read_metadata(metadata_text)
        recorded = metadata.venvstacks.local_wheels if metadata and metadata.venvstacks else {}
        wanted = WantedLock(
            inputs=lock_inputs(layer, request.uv),
            version_inputs=version_inputs(layer, _module_hashes(request, hash_file)),
            below=hash_lower_locks(request),
            local_wheels=_wanted_wheels(request, recorded, lock_text, hash_file),
        )
    except OSError as error:
        raise LockError(f"the lock of layer '{layer.env_name}' cannot be checked: {error}") from error
    return LockState(layer.env_name, layer.python, paths, lock_text, metadata, fault, wanted)


def read_text(path: Path) -> str | None:
    """A file's text, or None if there is no such file; bytes that are not UTF-8 become replacement characters.

    Raises:
        OSError: It is there but cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None


def read_layer_lock(path: Path, python: PythonImplementation) -> LayerLock:
    """The lock in a file.

    Raises:
        LockError: It is missing or cannot be used.
    """
    try:
        text = read_text(path)
        if text is not None:
            return parse_lock(text, python)
        fault = "there is no such file"
    except (OSError, UnusableLockError) as error:
        fault = str(error)
    raise LockError(f"the lock {path} cannot be used: {fault}", hint="run `venvstacks lock` to make it anew")


def _read_metadata(text: str | None) -> tuple[LockMetadata | None, str | None]:
    if text is None:
        return None, None
    try:
        return parse_metadata(text), None
    except ValueError as error:
        return None, str(error)


def hash_lower_locks(request: LockRequest) -> dict[str, str | None]:
    """Environment name of every lower layer to the hash of its lock, None where there is none."""
    texts = {lower.env_name: read_text(LockPaths.of(request, lower).lock) for lower in request.layer.below}
    return {name: None if text is None else hash_lock(text) for name, text in texts.items()}


def _module_hashes(request: LockRequest, hash_file: Callable[[Path], str]) -> dict[str, str]:
    if not request.layer.versioned:
        return {}
    return {
        source.module: prefixed(tree_digest(_entries(request.base, source, hash_file)))
        for source in request.layer.sources
    }


def _entries(base: Path, source: SourceTree, hash_file: Callable[[Path], str]) -> Iterator[TreeEntry]:
    for name, path in zip(source.files, source.file_paths, strict=True):
        yield TreeEntry(name, sha256=hash_file(base / path))


def _wanted_wheels(
    request: LockRequest, recorded: Mapping[str, str], lock_text: str | None, hash_file: Callable[[Path], str]
) -> dict[str, str | None]:
    """Recorded local wheels as they are now, and those that have come since.

    Only folders that the request names are searched for new ones: a lock stays valid where nobody names them.
    """
    places = {path: request.base / path for path in recorded}
    if request.local_wheel_dirs and lock_text is not None:
        names = _locked_names(lock_text, request.layer.python)
        places |= {relative_to_base(request, path): path for path in local_wheels(request, names)}
    return {path: prefixed(hash_file(place)) if place.is_file() else None for path, place in places.items()}


def _locked_names(lock_text: str, python: PythonImplementation) -> frozenset[str]:
    try:
        return parse_lock(lock_text, python).installed_names
    except UnusableLockError:
        return frozenset()  # the damage is a reason of its own


def local_wheels(request: LockRequest, names: frozenset[str]) -> Iterator[Path]:
    """Wheels in the request's local folders that belong to one of the distributions `names`."""
    for folder in request.local_wheel_dirs:
        for path in sorted(folder.glob("*.whl")):
            if canonicalize_name(path.name.partition("-")[0]) in names:
                yield path


def relative_to_base(request: LockRequest, path: Path) -> str:
    """A path relative to the specification's folder, forward slashes; may lead out of it."""
    return Path(os.path.relpath(path, request.base)).as_posix()


def made_from(request: LockRequest, state: LockState, lock: LayerLock) -> LockedFrom:
    """What a lock that was just resolved was made from.

    Raises:
        LockError: A local wheel cannot be read.
    """
    folder = posixpath.dirname(request.layout.lock_file(request.layer))
    used = {posixpath.normpath(posixpath.join(folder, wheel.location)) for wheel in lock.path_wheels}
    used |= {relative_to_base(request, path) for path in local_wheels(request, lock.installed_names)}
    try:
        wheels = {path: prefixed(sha256_file(request.base / path)) for path in sorted(used)}
    except OSError as error:
        raise LockError(f"a local wheel of layer '{state.env_name}' cannot be read: {error}") from error
    return LockedFrom(
        inputs=dict(state.wanted.inputs),
        below={name: found for name, found in state.wanted.below.items() if found is not None},
        local_wheels=wheels,
        version_inputs=dict(state.wanted.version_inputs),
    )
