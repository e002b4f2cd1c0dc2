"""The store of prepared runtimes in the cache: each is made once, moved into place as a whole, checked at each use.

    <cache>/runtimes/<key>/tree             the runtime; it is never changed
    <cache>/runtimes/<key>/prepared.json    its files and its provider, sealed (`tools.seals`)

A folder without a record that this user has sealed, or whose tree differs from it in any file, is prepared again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from venvstacks.digests import TreeEntry, canonical_json, scan_tree, sha256_json
from venvstacks.runtimes.provider_request import PreparedRuntime, RuntimeRequest, RuntimeTools
from venvstacks.tools.cache_locks import entries_locked, note_use
from venvstacks.tools.files import staging_folder, swap_in, write_atomically
from venvstacks.tools.processors import usable_processors
from venvstacks.tools.seals import read_sealed, sealed
from venvstacks.tools.tree_comparison import compare_tree
from venvstacks.tools.tree_removal import remove_tree

_RECIPE = 1
"""Incremented when the same input gives another tree, so that trees in caches that older versions made are not used."""

_FORMAT = 2


@dataclass(frozen=True)
class Origin:
    """What a runtime is prepared from; equal origins give the same tree.

    Attributes:
        request: The Python that is wanted.
        provider: The provider's name.
        identity: Everything else that the result depends on, as plain data: an archive's digest, an installed
            interpreter's files.
    """

    request: RuntimeRequest
    provider: str
    identity: Mapping[str, object]

    @property
    def key(self) -> str:
        """Name of the folder in the cache; readable, and different for different origins."""
        python, platform = self.request.python, self.request.platform
        digest = sha256_json([_RECIPE, self.provider, str(python), platform.name, dict(self.identity)])
        return f"{python.name}-{python.version}-{platform.name}-{self.provider}-{digest[:16]}"


@dataclass(frozen=True)
class Made:
    """What a provider records about a tree that it has made.

    Attributes:
        build: As in `PreparedRuntime`.
        notes: As in `PreparedRuntime`.
    """

    build: str
    notes: tuple[str, ...] = ()


def obtain(tools: RuntimeTools, origin: Origin, make: Callable[[Path], Made]) -> PreparedRuntime:
    """The prepared runtime of `origin`: from the cache if it is there and sound, else made by `make`.

    `make` is given an empty folder to fill, on the cache's file system. Of several processes or threads that want
    the same runtime, one makes it and the others wait.

    Raises:
        BuildError: The cache cannot be written to.
        OSError: The runtime cannot be written there.
    """
    folder, key = tools.cache / "runtimes", tools.seal_key
    note_use(folder / origin.key / "prepared.json")
    found = _read(folder / origin.key, key)
    if found is not None:
        return found
    with entries_locked(folder, [origin.key]):
        return _read(folder / origin.key, key) or _prepare(folder, origin, make, key)


def _prepare(folder: Path, origin: Origin, make: Callable[[Path], Made], key: bytes) -> PreparedRuntime:
    place = folder / origin.key
    for leftover in (folder / "unfinished").glob(f"{origin.key}.*"):
        remove_tree(leftover)  # of a killed process: the lock is ours
    with staging_folder(folder / "unfinished", origin.key) as staging:
        new = staging / "new"
        tree = new / "tree"
        tree.mkdir(parents=True)
        made = make(tree)
        entries = scan_tree(tree)
        record = {
            "format": _FORMAT,
            "key": origin.key,
            "provider": origin.provider,
            "build": made.build,
            "notes": list(made.notes),
            "entries": [asdict(entry) for entry in entries],
        }
        write_atomically(new / "prepared.json", sealed(key, canonical_json(record)))
        swap_in(new, place, trash=folder / "unfinished")
    return PreparedRuntime(place / "tree", entries, origin.provider, made.build, made.notes)


def _read(place: Path, key: bytes) -> PreparedRuntime | None:
    """The runtime at `place`, or None if there is none, or one that is not exactly what its record says."""
    content = read_sealed(key, place / "prepared.json")
    if content is None:
        return None
    record = json.loads(content)  # sealed, so this program wrote it
    if (record["format"], record.get("key")) != (_FORMAT, place.name):
        return None
    entries = tuple(TreeEntry(**row) for row in record["entries"])
    found = PreparedRuntime(place / "tree", entries, record["provider"], record["build"], tuple(record["notes"]))
    try:
        return found if is_sound(found.tree, entries) else None
    except OSError:
        return None


def is_sound_runtime(place: Path, seal_key: bytes) -> bool:
    """Whether an entry of the store is sealed with this key, and its tree is exactly what was prepared."""
    return _read(place, seal_key) is not None


def is_sound(tree: Path, entries: tuple[TreeEntry, ...]) -> bool:
    """Whether `tree` holds exactly `entries`: names, link targets, executable bits, sizes, and then digests.

    Hashing 65 MB in 1,100 files takes about 0.05 s with two threads; it releases Python's lock.

    Raises:
        OSError: Something cannot be read.
    """
    listed = {entry.path: entry for entry in entries}
    return next(compare_tree(tree, listed, threads=min(4, usable_processors())), None) is None
