"""Per-file manifests: the list of all files in an archive, published next to it as `<name>.files.json.gz`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from venvstacks.archives.expected import MOST_ENTRIES
from venvstacks.digests import TreeEntry
from venvstacks.json_forms import array, digest, one_of, optional, parse, record, text, whole
from venvstacks.records.packed_lists import pack, unpack

if TYPE_CHECKING:
    from venvstacks.archives.members import Member

_MOST_VALUES = 4 * MOST_ENTRIES + 10  # four keys a file; the commas within names make few lists reach it sooner
_EXECUTABLE: Literal["0755"] = "0755"
_PLAIN: Literal["0644"] = "0644"


@dataclass(frozen=True)
class ListedFile:
    """One file or symbolic link; folders are listed by the paths of what is in them.

    Attributes:
        path: Relative to the layer's folder, with forward slashes.
        mode: Permissions of a file, in octal digits.
        size: Bytes of a file.
        sha256: Hex digest of a file's content.
        target: What a link points to, unresolved.
    """

    path: str
    mode: Literal["0644", "0755"] | None = None
    size: int | None = None
    sha256: str | None = None
    target: str | None = None

    @classmethod
    def of(cls, member: Member, path: str) -> ListedFile:
        """The row of a file or link, at a path below the top folder."""
        if member.target is not None:
            return cls(path=path, target=member.target)
        mode = _EXECUTABLE if member.executable else _PLAIN
        return cls(path=path, mode=mode, size=member.size, sha256=member.sha256)

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


@dataclass(frozen=True)
class FileManifest:
    """All files and links of one layer's archive, sorted by path.

    Attributes:
        install_target: The archive's top folder: the layer's deployed name.
        files: What it holds.
    """

    install_target: str
    files: tuple[ListedFile, ...]

    @classmethod
    def of(cls, listed: Iterable[Member]) -> FileManifest:
        """The manifest of an archive's members, the first of which is the top folder."""
        top, *rest = listed
        skip = len(top.path) + 1
        files = (ListedFile.of(member, member.path[skip:]) for member in rest if not member.is_folder)
        return cls(install_target=top.path, files=tuple(files))

    def entries(self) -> tuple[TreeEntry, ...]:
        """All files and links.

        Raises:
            ValueError: A row is neither.
        """
        return tuple(row.entry() for row in self.files)

    def packed(self) -> bytes:
        """The manifest as it is published: a file to a line, compressed; the same bytes for the same files."""
        rows = ({key: value for key, value in vars(row).items() if value is not None} for row in self.files)
        return pack({"format": 1, "install_target": self.install_target}, "files", rows)

    @classmethod
    def unpack(cls, data: bytes) -> FileManifest:
        """Read a published manifest.

        Raises:
            ValueError: It is none, one of another version, or larger than any layer needs.
        """
        return parse(unpack(data, _MOST_VALUES), _MANIFEST)


_FILE = record(
    ListedFile,
    path=text,
    mode=optional(one_of(_PLAIN, _EXECUTABLE)),
    size=optional(whole(0)),
    sha256=optional(digest),
    target=optional(text),
)
_MANIFEST = record(FileManifest, "versioned", install_target=text, files=array(_FILE))
