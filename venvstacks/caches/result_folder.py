"""A folder of shared results: its entries, when each was last used, and whether it is sound.

Blobs and records are entries of their own. A record whose blobs are not all there is of no use; it is an entry that
goes first. The time of a file is that of its last use.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from venvstacks.caches.retention import CacheEntry
from venvstacks.digests import sha256_file
from venvstacks.sharing.action_result import ActionResult, BadRecordError, decode, read_statement
from venvstacks.sharing.careful_store import record_name

_NAME = re.compile("[0-9a-f]{64}")
_PART = re.compile(r"\.[0-9a-f]{16}\.[0-9a-f]{16}\.part")
_ABANDONED = 86400.0  # seconds after which nobody goes on writing


@dataclass(frozen=True)
class ResultFolder:
    """A folder of shared results.

    Attributes:
        folder: The folder.
        secret: The key that records are signed with, if it is known.
        now: The present time, in seconds since 1970.
    """

    folder: Path
    secret: bytes | None
    now: float

    @staticmethod
    def is_one(folder: Path) -> bool:
        """Whether a folder is one of shared results."""
        return (folder / "ac").is_dir() or (folder / "cas").is_dir()

    def entries(self) -> Iterator[CacheEntry]:
        """All records and blobs, and what killed writers have left.

        Raises:
            OSError: A folder cannot be read.
        """
        for area, kind in (("ac", "records"), ("cas", "blobs")):
            for place in sorted((self.folder / area).glob("*")):
                is_part = _PART.fullmatch(place.name)
                if not (is_part or _NAME.fullmatch(place.name)) or not place.is_file():
                    continue
                info = place.stat()
                if not is_part or self.now - info.st_mtime > _ABANDONED:
                    yield CacheEntry(
                        "unfinished" if is_part else kind, f"{area}/{place.name}", info.st_size, info.st_mtime
                    )

    def broken_records(self, entries: Collection[CacheEntry], removed: Collection[CacheEntry]) -> list[CacheEntry]:
        """Records that lose a blob when some entries are removed, or have lost one."""
        kept = {entry.name for entry in entries} - {entry.name for entry in removed}
        records = (entry for entry in entries if entry.kind == "records" and entry.name in kept)
        return [entry for entry in records if not self._blobs_of(entry) <= kept]

    def _blobs_of(self, entry: CacheEntry) -> set[str]:
        try:
            result, _ = read_statement((self.folder / entry.name).read_bytes())
        except (BadRecordError, FileNotFoundError):
            return set()  # `verify` names it
        return {f"cas/{blob.sha256}" for blob in result.outputs.values()}

    def fault(self, entry: CacheEntry) -> str | None:
        """What is wrong with an entry, if anything; empty where nothing says what it should hold.

        Raises:
            OSError: It cannot be read.
        """
        place = self.folder / entry.name
        if entry.kind == "blobs":
            return None if sha256_file(place) == place.name else "its content has another digest"
        if entry.kind != "records":
            return ""
        try:
            result = self._checked(place.read_bytes(), place.name)
        except BadRecordError as error:
            return str(error)
        missing = [role for role, blob in result.outputs.items() if not (self.folder / "cas" / blob.sha256).is_file()]
        return f"its files are missing: {', '.join(missing)}" if missing else None

    def _checked(self, data: bytes, name: str) -> ActionResult:
        """The result in a record; signatures are compared if the key is known.

        Raises:
            BadRecordError: It is damaged, or has the wrong name or signature.
        """
        result, signed = read_statement(data)
        secret = self.secret if signed else None
        if (not signed or secret) and record_name(result.key, secret) != name:
            raise BadRecordError("it belongs to another key, or is signed with another key")
        return decode(data, result.key, secret)

    def last_use(self, entry: CacheEntry) -> float | None:
        """When an entry was last used, as the disk has it now; None if it is gone."""
        try:
            return (self.folder / entry.name).stat().st_mtime
        except FileNotFoundError:
            return None
