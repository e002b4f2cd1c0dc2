"""The store of unpacked wheels: each is fetched and unpacked once, and kept under the digest that locks name it by.

    <cache>/wheels/<algorithm>-<digest>/tree            what the wheel holds
    <cache>/wheels/<algorithm>-<digest>/contents.json   its files with their digests, sealed

uv fetches the wheels, since it knows indexes, credentials and proxies: into an empty cache folder of its own, so that
it has to compare the digest of each whole file with the lock and to unpack it. What it unpacked there is moved into
the store. The user's own uv cache is not changed, and read only where nothing can be fetched
(`obtaining_wheels`): uv does not check its cache again.
"""

from __future__ import annotations

import json
import os
import posixpath
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from venvstacks.actions.building.fetch_progress import watching
from venvstacks.actions.building.unsafe_wheels import name_unsafe_wheels
from venvstacks.actions.building.wheel_records import listed_paths, read_record
from venvstacks.actions.toolset import Tools
from venvstacks.digests import TreeEntry, canonical_json, scan_tree, sha256_file
from venvstacks.errors import BuildError, UnsafeWheelError
from venvstacks.locking.locks import LayerLock, LockedPackage, Wheel
from venvstacks.locking.pylock_text import format_lock
from venvstacks.locking.wheel_choice import WheelTarget, fitting_wheel, wheel_name
from venvstacks.tools.cache_locks import entries_locked, note_use
from venvstacks.tools.files import remove_leftovers, staging_folder, write_atomically
from venvstacks.tools.patience import rename_patiently
from venvstacks.tools.seals import read_sealed, sealed
from venvstacks.tools.tree_comparison import compare_tree, other_spellings
from venvstacks.tools.tree_removal import remove_tree
from venvstacks.tools.uv import InstallRequest, install

_FORMAT = 1
_READ_BEFORE = (".dist-info/RECORD", ".dist-info/entry_points.txt")
_ANY_PYTHON = ">=3"


@dataclass(frozen=True)
class UnpackedWheel:
    """One wheel, unpacked.

    Attributes:
        name: Normalised name of the distribution.
        version: Its version.
        tree: The folder of its files.
        entries: These files, as they were when the wheel was unpacked.
        key: Name of its folder in the store; empty if it is not from there.
    """

    name: str
    version: str
    tree: Path
    entries: tuple[TreeEntry, ...]
    key: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class WheelRequest:
    """Which wheels are wanted.

    Attributes:
        layer: What messages call the environment.
        lock: The lock.
        folder: The folder of the lock file; paths of wheels are relative to it.
        target: What wheels have to fit.
        use_index: Whether wheels may be fetched; without that, those of local folders still are.
        settings: Text of the `uv.toml` that names indexes.
        interpreter: A Python of the target's implementation that has imported nobody's packages.
        log: File that collects what uv prints.
    """

    layer: str
    lock: LayerLock
    folder: Path
    target: WheelTarget
    use_index: bool
    settings: str
    log: Path
    interpreter: Path = field(default_factory=lambda: Path(sys.executable))

    def wanted(self) -> Iterator[tuple[LockedPackage, Wheel]]:
        """What is installed, each package with its wheel.

        Raises:
            BuildError: A package has no wheel that fits.
        """
        for package in self.lock.installed(self.target.platform.name):
            wheel = fitting_wheel(package, self.target)
            if wheel is None:
                raise BuildError(
                    f"layer '{self.layer}': the lock has no wheel of {package.name} for {self.target.platform.name}",
                    details=tuple(wheel_name(other) for other in package.wheels),
                    hint="lock the layer again",
                )
            yield package, wheel


def store_key(wheel: Wheel) -> str:
    """The name of a wheel's folder in the store: its SHA-256 where the lock has that."""
    algorithm, digest = next((pair for pair in wheel.hashes if pair[0] == "sha256"), wheel.hashes[0])
    return f"{algorithm}-{digest}"


def unpacked_wheels(request: WheelRequest, tools: Tools) -> list[UnpackedWheel]:
    """All wheels that a lock names for a target, unpacked; what is not in the store yet is fetched first.

    Raises:
        BuildError: A wheel cannot be had, or is not the one that is locked.
        UnsafeWheelError: A wheel has members that lead out of it.
        OSError: The wheel cannot be written to the cache.
    """
    wanted = list(request.wanted())
    found = {package.name: stored(package, wheel, tools) for package, wheel in wanted}
    missing = [(package, wheel) for package, wheel in wanted if found[package.name] is None]
    if missing:
        found |= {wheel.name: wheel for wheel in _obtain(request, missing, tools)}
    return [wheel for wheel in found.values() if wheel is not None]


def drop(wheels: Sequence[UnpackedWheel], tools: Tools) -> None:
    """Take wheels out of the store; they are fetched again when they are wanted next.

    Raises:
        OSError: Something cannot be removed.
    """
    for wheel in wheels:
        remove_tree(tools.cache / "wheels" / wheel.key / "contents.json")
        remove_tree(tools.cache / "wheels" / wheel.key)


def stored(package: LockedPackage, wheel: Wheel, tools: Tools) -> UnpackedWheel | None:
    """A wheel from the store; None if it is not there."""
    place = tools.cache / "wheels" / store_key(wheel)
    note_use(place / "contents.json")
    entries = _recorded_entries(place, tools.seal_key)
    if entries is None or not _seems_whole(place / "tree", entries):
        return None
    return UnpackedWheel(package.name, package.version, place / "tree", entries, place.name)


def is_sound_wheel(place: Path, seal_key: bytes) -> bool:
    """Whether an entry of the store is sealed with this key, and every file is as it was unpacked.

    Raises:
        OSError: A file cannot be read.
    """
    entries = _recorded_entries(place, seal_key)
    listed = {entry.path: entry for entry in entries or ()}
    return entries is not None and next(compare_tree(place / "tree", listed), None) is None


def _recorded_entries(place: Path, seal_key: bytes) -> tuple[TreeEntry, ...] | None:
    content = read_sealed(seal_key, place / "contents.json")
    if content is None:
        return None
    record = json.loads(content)  # sealed, so it is ours
    if record["format"] != _FORMAT or record["key"] != place.name:
        return None
    return tuple(TreeEntry(*row) for row in record["entries"])


def _seems_whole(tree: Path, entries: Sequence[TreeEntry]) -> bool:
    """Whether all files are there, and lists and scripts are what they were; installing reads the others."""
    if not all(os.path.lexists(f"{tree}/{entry.path}") for entry in entries):
        return False
    used = [entry for entry in entries if entry.path.endswith(_READ_BEFORE) or ".data/scripts/" in entry.path]
    return all(sha256_file(tree / entry.path) == entry.sha256 for entry in used)


def _obtain(
    request: WheelRequest, missing: Sequence[tuple[LockedPackage, Wheel]], tools: Tools
) -> Iterator[UnpackedWheel]:
    """Fetch wheels into the store; of several runs that want the same one, the first fetches it."""
    store = tools.cache / "wheels"
    names = sorted({store_key(wheel) for _, wheel in missing})
    with entries_locked(store, names):
        for name in names:
            remove_leftovers(store / "unfinished", name)  # of killed runs: the locks are ours
        found = [(package, wheel, stored(package, wheel, tools)) for package, wheel in missing]
        yield from (known for _, _, known in found if known)
        rest = [(package, wheel) for package, wheel, known in found if not known]
        if rest:
            with staging_folder(store / "unfinished", names[0]) as staging:
                cache = _fetch(request, rest, staging, tools)
                for package, wheel in rest:
                    yield _take_over(cache, package, wheel, store, tools)


def _fetch(request: WheelRequest, missing: Sequence[tuple[LockedPackage, Wheel]], staging: Path, tools: Tools) -> Path:
    """Have uv fetch, check and unpack wheels; give its cache folder."""
    packages = tuple(replace(package, wheels=(_absolute(wheel, request.folder),)) for package, wheel in missing)
    lock = LayerLock(_ANY_PYTHON, request.lock.targets, packages)
    lock_file, settings = staging / "pylock.fetch.toml", staging / "uv.toml"
    lock_file.write_text(format_lock(lock), "utf-8")
    settings.write_text(request.settings, "utf-8")
    target = request.target
    call = InstallRequest(
        layer=request.layer,
        lock_file=lock_file,
        python=request.interpreter,
        platform=target.platform.uv_platform(target.glibc),
        macos=target.macos,
        use_index=request.use_index,
        log=request.log,
        settings=settings,
        cache=staging / "cache",
        target=staging / "installed",
        python_version=target.python.version,
    )
    try:
        with watching(staging / "cache", _fetching(request.layer, missing), tools.progress):
            install(call, tools.processes, tools.environment)
    except UnsafeWheelError as error:
        raise name_unsafe_wheels(error, lock, target.platform.name, call, tools) from None
    return staging / "cache"


def _fetching(layer: str, missing: Sequence[tuple[LockedPackage, Wheel]]) -> str:
    """What is fetched, for people: uv unpacks wheels while they arrive, so what is on the disk is larger."""
    packed = sum(wheel.size or 0 for _, wheel in missing)
    count = f"{len(missing)} wheel{'' if len(missing) == 1 else 's'}"
    return f"fetching {count} of {layer}{f', {packed / 1e6:.1f} MB packed' if packed else ''}"


def _absolute(wheel: Wheel, folder: Path) -> Wheel:
    if not wheel.is_path:
        return wheel
    return replace(wheel, location=Path(os.path.normpath(folder / wheel.location)).as_posix())


def _take_over(cache: Path, package: LockedPackage, wheel: Wheel, store: Path, tools: Tools) -> UnpackedWheel:
    """Move what uv has unpacked into the store, and write down what it is."""
    key = store_key(wheel)
    place, tree = store / key, find_unpacked(cache, package)
    if tree is None:
        raise BuildError(
            f"uv fetched {package.name} {package.version}, but it is not in uv's cache where it is looked for",
            hint="use a version of uv that this program was tried with",
        )
    remove_tree(place)
    place.mkdir(parents=True)
    rename_patiently(tree, place / "tree")
    entries = scan_wheel(place / "tree")
    rows = [list(asdict(entry).values()) for entry in entries]
    record = canonical_json({"format": _FORMAT, "key": key, "entries": rows})
    write_atomically(place / "contents.json", sealed(tools.seal_key, record))
    return UnpackedWheel(package.name, package.version, place / "tree", entries, key)


def scan_wheel(tree: Path) -> tuple[TreeEntry, ...]:
    """The files of an unpacked wheel, under the paths in its RECORD even where the file system folds names.

    Raises:
        OSError: A file cannot be read.
    """
    entries = scan_tree(tree)
    record = next((entry.path for entry in entries if entry.path.endswith(".dist-info/RECORD")), None)
    if record is None:
        return entries
    listed = {posixpath.normpath(path) for path in listed_paths(read_record(tree / record))}
    present = {entry.path: entry for entry in entries}
    for path, spelling in other_spellings(tree, listed - present.keys(), present.keys() - listed).items():
        present[path] = replace(present.pop(spelling), path=path)
    return tuple(sorted(present.values()))


def find_unpacked(cache: Path, package: LockedPackage, digest: str = "") -> Path | None:
    """The folder in a cache of uv's that holds a wheel, unpacked (seen with uv 0.13); None if there is none.

    Args:
        cache: The cache.
        package: What the wheel is of.
        digest: The digest that uv must have noted for it, where the cache may hold several wheels of that package.
    """
    found = [
        info.parent
        for info in cache.glob(f"archive-v*/*/{_any_case(package.name)}-*.dist-info")
        if canonicalize_name(info.name.partition("-")[0]) == package.name
    ]
    if not digest:
        return found[0] if found else None
    notes = [path.read_bytes() for path in cache.glob(f"wheels-v*/**/{package.name}/*") if path.is_file()]
    known = [note for note in notes if digest.encode() in note]
    return next((tree for tree in found if any(tree.name.encode() in note for note in known)), None)


def _any_case(name: str) -> str:
    """A pattern for the spellings of a normalised name in names of folders."""
    return "".join(f"[{char}{char.upper()}]" if char.isalpha() else "[-_.]" if char == "-" else char for char in name)
