"""Per-file manifests: the list of all files in an archive, published next to it as `<name>.files.json.gz`."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from venvstacks.archives.compression import Compression, gzip_stream
from venvstacks.archives.expected import MOST_ENTRIES
from venvstacks.archives.members import Member
from venvstacks.data_faults import first_fault
from venvstacks.digests import TreeEntry, sha256_bytes
from venvstacks.records.published_metadata import FileReference, check_extent

PACKED_LIMIT = 16 << 20
"""Bytes of a compressed list that are read. The list of a large environment (60,000 files) has 4 MB."""

UNPACKED_LIMIT = 80 << 20
"""Bytes that a list may unpack to: half a million files. A few kilobytes of gzip can claim gigabytes."""

_MOST_VALUES = 4 * MOST_ENTRIES + 10  # four keys a file; the commas within names make few lists reach it sooner
_LEVEL = 9
_EXECUTABLE: Literal["0755"] = "0755"
_PLAIN: Literal["0644"] = "0644"


class ListedFile(BaseModel):
    """One file or symbolic link; folders are listed by the paths of what is in them.

    Attributes:
        path: Relative to the layer's folder, with forward slashes.
        mode: Permissions of a file, in octal digits.
        size: Bytes of a file.
        sha256: Hex digest of a file's content.
        target: What a link points to, unresolved.
    """

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    path: str
    mode: Literal["0644", "0755"] | None = None
    size: int | None = Field(default=None, ge=0)
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    target: str | None = None

    @classmethod
    def of(cls, entry: TreeEntry) -> ListedFile:
        """The row of a file or link."""
        if entry.is_link:
            return cls(path=entry.path, target=entry.target)
        mode = _EXECUTABLE if entry.executable else _PLAIN
        return cls(path=entry.path, mode=mode, size=entry.size, sha256=entry.sha256)

    def entry(self) -> TreeEntry:
        """The same as a tree's entry.

        Raises:
            ValueError: It is neither a whole file nor a whole link.
        """
        if self.target is not None and (self.mode, self.size, self.sha256) == (None, None, None):
            return TreeEntry(self.path, target=self.target)
        if self.target is None and self.mode is not None and self.size is not None and self.sha256 is not None:
            return TreeEntry(self.path, self.size, self.mode == _EXECUTABLE, self.sha256)
        raise ValueError(f"{self.path!r} is listed neither as a file nor as a link")


class FileManifest(BaseModel):
    """All files and links of one layer's archive, sorted by path.

    Attributes:
        format: Version of this form.
        install_target: The archive's top folder: the layer's deployed name.
        files: What it holds.
    """

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    format: Literal[1] = 1
    install_target: str
    files: tuple[ListedFile, ...]

    @classmethod
    def of(cls, listed: Iterable[Member]) -> Self:
        """The manifest of an archive's members, the first of which is the top folder."""
        top, *rest = listed
        skip = len(top.path) + 1
        entries = (
            TreeEntry(member.path[skip:], member.size, member.executable, member.sha256, member.target)
            for member in rest
            if not member.is_folder
        )
        return cls(install_target=top.path, files=tuple(ListedFile.of(entry) for entry in entries))

    def entries(self) -> tuple[TreeEntry, ...]:
        """All files and links.

        Raises:
            ValueError: A row is neither.
        """
        return tuple(row.entry() for row in self.files)

    def packed(self) -> bytes:
        """The manifest as it is published: a file to a line, compressed; the same bytes for the same files."""
        rows = ",\n".join(_compact(row.model_dump(exclude_none=True)) for row in self.files)
        head = _compact({"format": self.format, "install_target": self.install_target})
        text = f'{head[:-1]},"files":[\n{rows}\n]}}\n'.encode()
        return b"".join(gzip_stream([text], Compression(_LEVEL, 1, len(text))))

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read a published manifest.

        Raises:
            ValueError: It is none, one of another version, or larger than any layer needs.
        """
        text = inflate(data)
        check_extent(text, _MOST_VALUES)
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ValueError(first_fault(error)) from error


def inflate(data: bytes) -> bytes:
    """The text of a compressed list.

    Raises:
        ValueError: It is not compressed as lists are, or larger than any layer needs.
    """
    if len(data) > PACKED_LIMIT:
        raise ValueError(f"it has more than {PACKED_LIMIT} bytes")
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        text = inflater.decompress(data, UNPACKED_LIMIT + 1)
    except zlib.error as error:
        raise ValueError(f"it is not compressed as it should be: {error}") from error
    if len(text) > UNPACKED_LIMIT:
        raise ValueError(f"it unpacks to more than {UNPACKED_LIMIT} bytes")
    if not inflater.eof or inflater.unused_data:
        raise ValueError("it is cut off, or something follows it")
    return text


def reference(name: str, packed: bytes) -> FileReference:
    """How the layer's metadata names a published list."""
    return FileReference(name=name, size=len(packed), sha256=sha256_bytes(packed))


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
