"""Archives as they are in a bundle: as they were published, or packed again where that cannot be read everywhere.

The shell's tools, and the Python of a runtime by its standard library alone, read `.tar.gz` for certain. Packed again
are `.tar.zst` archives, and the runtime's if a shell script unpacks it.
"""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from venvstacks.archives.compression import Compression, gzip_stream
from venvstacks.archives.expected import ExpectedTree
from venvstacks.archives.formats import ARCHIVE_FORMATS
from venvstacks.archives.inflate import plain_chunks
from venvstacks.archives.member_contents import Contents
from venvstacks.archives.members import members
from venvstacks.archives.tar_writer import tar_chunks
from venvstacks.archives.unpack import archive_suffix, read_some_files, unpack_archive
from venvstacks.bundling.bundle_members import pieces_of
from venvstacks.errors import DeployError
from venvstacks.model.conventions import LAYER_CONFIG
from venvstacks.tools.files import staging_folder

SUFFIX = "tar.gz"
_LEVEL = ARCHIVE_FORMATS[SUFFIX].level()


@dataclass(frozen=True)
class PublishedArchive:
    """An archive of a layer.

    Attributes:
        place: The file.
        expected: What it holds.
    """

    place: Path | zipfile.Path
    expected: ExpectedTree

    @property
    def suffix(self) -> str:
        """The suffix of its name."""
        return archive_suffix(self.place.name)

    def is_kept(self, *, for_shell: bool) -> bool:
        """Whether it can stay as it was published; `for_shell` if a shell script unpacks it."""
        return self.suffix == SUFFIX or (not for_shell and self.suffix != "tar.zst")

    @property
    def base_python(self) -> str:
        """Path of a runtime's Python, below its top folder.

        Raises:
            DeployError: The layer does not name one.
            UnsafeArchiveError: The archive is damaged.
        """
        found = dict(read_some_files(self.place, self.expected, {LAYER_CONFIG}))
        try:
            python = json.loads(found[LAYER_CONFIG])["base_python"]
        except (KeyError, TypeError, ValueError):
            python = None
        if python not in self.expected.entries:
            raise DeployError(f"{self.place.name} does not say where its Python is", hint="publish it again")
        return str(python)

    def pieces(self) -> Iterator[bytes]:
        """Its bytes."""
        return pieces_of(self.place)

    def unpack(self, folder: Path) -> None:
        """Unpack it; see `unpack_archive`."""
        unpack_archive(self.place, self.expected, folder)

    def packed_again(self, threads: int, scratch: Path) -> Generator[bytes, None, None]:
        """The layer as `.tar.gz`.

        Args:
            threads: How many threads may compress; has no influence on the bytes.
            scratch: A folder for temporary files.

        Raises:
            UnsafeArchiveError: A zip archive is damaged.
            DeployError: A tar archive is damaged.
            OSError: Something cannot be read or written.
        """
        with self._plain(scratch) as plain:
            yield from gzip_stream(plain, Compression(_LEVEL, threads, self.expected.size))

    @contextlib.contextmanager
    def _plain(self, scratch: Path) -> Iterator[Iterator[bytes]]:
        """The layer as a tar archive that is not compressed."""
        if self.suffix == "zip":
            with staging_folder(scratch, "unpacked") as folder:
                self.unpack(folder)
                listed = members(self.expected.entries.values(), self.expected.top, bytecode=True)
                yield tar_chunks(Contents(listed, folder / self.expected.top), 0)
            return
        try:
            stream = cast("BinaryIO", self.place.open("rb"))
            with stream, plain_chunks(stream, self.suffix) as chunks:
                yield chunks
        except ValueError as error:
            raise DeployError(f"{self.place.name} is damaged: {error}", hint="publish it again") from error
