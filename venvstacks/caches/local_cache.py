"""The program's own cache on this machine: its entries, when each was last used, and whether it is sound.

    wheels/<digest>/         unpacked wheels            runtimes/<key>/         prepared Pythons
    built/<digest>/          wheels built from source   build-pythons/<key>/    Pythons that build wheels
    git/<digest>/            mirrors of repositories    downloads/, sources/    archives by their SHA-256
    bytecode/**              compiled files             checks/                 import checks that passed
    */unfinished/*           what killed runs have left

Whoever uses an entry sets the time of its record (`note_use`). Bytecode is used by programs that set no times; there
the file system's time of the last access counts, too. uv's cache belongs to uv.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from venvstacks.actions.building.passed_checks import is_sound_check
from venvstacks.actions.building.wheel_store import is_sound_wheel
from venvstacks.actions.publishing.bytecode import is_sound_bytecode
from venvstacks.actions.wheels.built_wheels import is_sound_built
from venvstacks.caches.retention import CacheEntry
from venvstacks.digests import sha256_file
from venvstacks.runtimes.prepared_store import is_sound_runtime

RECORDS = {
    "wheels": "contents.json", "runtimes": "prepared.json", "built": "pin.json", "git": "HEAD", "build-pythons": ".",
}  # fmt: skip
"""The file of an entry that has the time of its last use, by the kind of entries that are folders."""

_NAMES = {
    "wheels": "[a-z0-9_]+-[0-9a-f]{32,128}", "runtimes": r"[\w.+-]+-[0-9a-f]{16}", "built": "[0-9a-f]{40}",
    "git": "[0-9a-f]{24}", "build-pythons": r"[\w.+-]+-[0-9a-f]{16}", "downloads": "[0-9a-f]{64}",
    "sources": "[0-9a-f]{64}", "checks": "[0-9a-f]{64}", "unfinished": r".+\.[a-z0-9_]{8}",
    "bytecode": r"imports|(local|published)-[a-z]+-[0-9a-f]+-[0-9a-f]{8}",
}  # fmt: skip
"""Names of entries; what is called otherwise is not ours, as where another folder is taken for a cache."""

_BY_DIGEST = ("downloads", "sources")
_ABANDONED = 86400.0  # seconds after which nobody goes on with what is unfinished


@dataclass(frozen=True)
class LocalCache:
    """A cache folder.

    Attributes:
        folder: The folder.
        seal_key: The key that entries are sealed with.
        now: The present time, in seconds since 1970.
    """

    folder: Path
    seal_key: bytes
    now: float

    def entries(self) -> Iterator[CacheEntry]:
        """All entries; files and folders that this program does not make are not listed.

        Raises:
            OSError: A folder cannot be read.
        """
        for kind, record in RECORDS.items():
            yield from (self._entry(kind, place, place / record) for place in self._named(kind) if place.is_dir())
        for kind in (*_BY_DIGEST, "checks"):
            yield from (self._entry(kind, place, place) for place in self._named(kind) if place.is_file())
        for folder in self._named("bytecode"):
            for place, info in _files(folder):
                used = max(info.st_mtime, info.st_atime)
                yield CacheEntry("bytecode", place.relative_to(self.folder).as_posix(), info.st_size, used)
        for kind in RECORDS:
            for place in self._named("unfinished", f"{kind}/unfinished"):
                entry = self._entry("unfinished", place, place)
                if self.now - entry.used > _ABANDONED:
                    yield entry

    def _named(self, kind: str, folder: str | None = None) -> list[Path]:
        """What a folder of the cache holds that has a name of that kind."""
        place = self.folder / (folder or kind)
        return sorted(one for one in place.iterdir() if re.fullmatch(_NAMES[kind], one.name)) if place.is_dir() else []

    def fault(self, entry: CacheEntry) -> str | None:
        """What is wrong with an entry, if anything; empty where nothing says what it should hold.

        Raises:
            OSError: It cannot be read.
        """
        place, key = self.folder / entry.name, self.seal_key
        if entry.kind in _BY_DIGEST:
            sound = sha256_file(place) == place.name
        elif entry.kind == "wheels":
            sound = is_sound_wheel(place, key)
        elif entry.kind == "runtimes":
            sound = is_sound_runtime(place, key)
        elif entry.kind == "checks":
            sound = is_sound_check(place, key)
        elif entry.kind == "built":
            sound = is_sound_built(place, key)
        elif entry.kind == "bytecode":
            sound = is_sound_bytecode(place, self.folder / "bytecode", key)
        else:
            return ""
        return None if sound else "it is not what was put there, or was not put there by this user"

    def last_use(self, entry: CacheEntry) -> float | None:
        """When an entry was last used, as the disk has it now; None if it is gone."""
        place = self.folder / entry.name
        try:
            info = _record(entry.kind, place).stat()
        except FileNotFoundError:
            return None
        return max(info.st_mtime, info.st_atime) if entry.kind == "bytecode" else info.st_mtime

    def _entry(self, kind: str, place: Path, record: Path) -> CacheEntry:
        files = list(_files(place)) if place.is_dir() else [(place, place.stat())]
        try:
            used = record.stat().st_mtime
        except FileNotFoundError:  # a run was killed before it wrote the record
            used = place.stat().st_mtime
        size = sum(info.st_size for _, info in files)
        return CacheEntry(kind, place.relative_to(self.folder).as_posix(), size, used)


def _record(kind: str, place: Path) -> Path:
    record = place / RECORDS.get(kind, ".")
    return record if record.exists() else place


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All files below a folder; those that vanish meanwhile are left out."""
    with suppress(FileNotFoundError), os.scandir(folder) as scan:
        for found in sorted(scan, key=lambda found: found.name):
            if found.is_dir(follow_symlinks=False):
                yield from _files(Path(found.path))
            else:
                with suppress(FileNotFoundError):
                    yield Path(found.path), found.stat(follow_symlinks=False)
