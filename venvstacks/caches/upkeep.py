"""What is done with a cache: its size, removing what is not needed, comparing what it holds.

Runs may use the cache meanwhile. An entry that was used within the last hour is never removed. The lock of an entry is
held while it is removed, and before that its last use is asked for again. A folder is first renamed, so that nobody
finds half of it.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from venvstacks.caches.local_cache import LocalCache
from venvstacks.caches.result_folder import ResultFolder
from venvstacks.caches.retention import CacheEntry, Retention
from venvstacks.tools.patience import rename_patiently
from venvstacks.tools.tree_removal import remove_tree

Cache = LocalCache | ResultFolder


@dataclass(frozen=True)
class Pruned:
    """What pruning has removed, or would remove.

    Attributes:
        removed: The entries, least recently used first.
        kept_bytes: Bytes of all others.
        in_use: Those that somebody is using, or that could not be removed; they are kept.
    """

    removed: tuple[CacheEntry, ...]
    kept_bytes: int
    in_use: tuple[CacheEntry, ...] = ()


@dataclass(frozen=True)
class Compared:
    """What a comparison has found.

    Attributes:
        sound: How many entries are what they should be.
        unknown: How many have nothing to be compared with.
        damaged: The others, with what is wrong.
    """

    sound: int
    unknown: int
    damaged: Mapping[CacheEntry, str]


def open_cache(folder: Path, seal_key: bytes, secret: bytes | None) -> Cache:
    """What a folder is: shared results, or else a cache of this program."""
    now = time.time_ns() / 1e9
    return ResultFolder(folder, secret, now) if ResultFolder.is_one(folder) else LocalCache(folder, seal_key, now)


def sizes(cache: Cache) -> dict[str, tuple[int, int]]:
    """Kind of entries to their number and bytes, largest first.

    Raises:
        OSError: A folder cannot be read.
    """
    found: dict[str, tuple[int, int]] = {}
    for entry in cache.entries():
        count, size = found.get(entry.kind, (0, 0))
        found[entry.kind] = (count + 1, size + entry.size)
    return dict(sorted(found.items(), key=lambda row: -row[1][1]))


def prune(cache: Cache, retention: Retention, *, dry_run: bool) -> Pruned:
    """Remove what is not to be kept; without limits, only what killed runs have left.

    Raises:
        OSError: A folder cannot be read.
    """
    entries = list(cache.entries())
    abandoned = [entry for entry in entries if entry.kind == "unfinished"]
    surplus = [*abandoned, *retention.surplus([entry for entry in entries if entry not in abandoned], cache.now)]
    if isinstance(cache, ResultFolder):
        surplus += cache.broken_records(entries, surplus)
    refused = [] if dry_run else [entry for entry in surplus if not _remove(cache, entry)]
    removed = tuple(entry for entry in surplus if entry not in refused)
    kept = sum(entry.size for entry in entries) - sum(entry.size for entry in removed)
    return Pruned(removed, kept, tuple(refused))


def compare(cache: Cache, *, remove: bool) -> Compared:
    """Compare every entry with its digests.

    Args:
        cache: The cache.
        remove: Whether damaged entries are removed; they would be made or fetched again anyway.

    Raises:
        OSError: Something cannot be read.
    """
    sound = unknown = 0
    damaged: dict[CacheEntry, str] = {}
    for entry in cache.entries():
        try:
            fault = cache.fault(entry)
        except FileNotFoundError:
            continue  # a run has removed it, or makes it again
        if fault is None:
            sound += 1
        elif not fault:
            unknown += 1
        elif cache.last_use(entry) == entry.used:  # otherwise a run has replaced it meanwhile
            damaged[entry] = fault
    for entry in damaged if remove else ():
        _remove(cache, entry)
    return Compared(sound, unknown, damaged)


def _remove(cache: Cache, entry: CacheEntry) -> bool:
    """Remove an entry that nobody has used since it was listed; False if it stays."""
    place = cache.folder / entry.name
    try:
        with _locked(cache, entry) as is_free:
            if not is_free or cache.last_use(entry) not in {entry.used, None}:
                return False
            if not place.is_dir():
                place.unlink(missing_ok=True)
                return True
            return _remove_folder(cache, entry, place)
    except OSError:
        return False


def _remove_folder(cache: Cache, entry: CacheEntry, place: Path) -> bool:
    bin_folder = place.parent if entry.kind == "unfinished" else place.parent / "unfinished"
    bin_folder.mkdir(exist_ok=True)
    aside = bin_folder / f"{place.name}.{secrets.token_hex(4)}"  # a name that the next run removes, too
    rename_patiently(place, aside)
    moved = CacheEntry(entry.kind, aside.relative_to(cache.folder).as_posix(), entry.size, entry.used)
    if entry.kind != "unfinished" and cache.last_use(moved) != entry.used:  # used at this very moment
        rename_patiently(aside, place)
        return False
    remove_tree(aside)
    return True


@contextlib.contextmanager
def _locked(cache: Cache, entry: CacheEntry) -> Iterator[bool]:
    """Hold the lock of an entry, if entries of its kind have one; gives False, without waiting, if a run holds it."""
    place = cache.folder / entry.name
    lock_files = {
        "wheels": place.parent / "locks" / place.name,
        "runtimes": place.parent / "locks" / place.name,
        "git": place.with_name(f"{place.name}.lock"),
    }
    if entry.kind not in lock_files:
        yield True
        return
    from filelock import FileLock, Timeout  # noqa: PLC0415 - 30 ms, and only some kinds need it

    lock_file = lock_files[entry.kind]
    lock_file.parent.mkdir(exist_ok=True)
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def as_rows(entries: Iterable[CacheEntry]) -> Sequence[Mapping[str, object]]:
    """Entries as JSON values."""
    return [{"name": one.name, "kind": one.kind, "bytes": one.size, "used": round(one.used)} for one in entries]
