"""Per-file manifests: the list of all files in an archive, published next to it as `<name>.files.json.gz`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from venvstacks.archives.expected import MOST_ENTRIES
from venvstacks.archives.members import Member
from venvstacks.digests import TreeEntry, sha256_bytes
from venvstacks.records.packed_lists import pack, unpack
from venvstacks.records.published_metadata import FileReference

_MOST_VALUES = 4 * MOST_ENTRIES + 10  # four keys a file; the commas within names make few lists reach it sooner
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
        rows = (row.model_dump(exclude_none=True) for row in self.files)
        return pack({"format": self.format, "install_target": self.install_target}, "files", rows)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read a published manifest.

        Raises:
            ValueError: It is none, one of another version, or larger than any layer needs.
        """
        return unpack(cls, data, _MOST_VALUES)


def reference(name: str, packed: bytes) -> FileReference:
    """How the layer's metadata names a published list."""
    return FileReference(name=name, size=len(packed), sha256=sha256_bytes(packed))
