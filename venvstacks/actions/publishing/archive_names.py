"""The names and build numbers of published files: a name that was published never gets other bytes.

The first archive of a deployed name is called `<deployed name>.<format>`, as the original calls it. A later one with
other bytes has part of its digest in its name: `<deployed name>-<12 digits>.<format>`. Tagged names carry a build
number that no file has yet. See docs/decisions/0019.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from venvstacks.digests import sha256_bytes, sha256_file
from venvstacks.records.earlier_publications import EarlierPublication

FILES_SUFFIX = ".files.json.gz"
"""The extension of an archive's list of files, in place of that of the archive."""

DELTA_SUFFIX = ".delta"
"""The extension of deltas."""

PACKAGES_SUFFIX = ".packages.json.gz"
"""The extension of an archive's list of packages. Its name always has a part of its digest, as it can change while the
archive stays the same."""

BILL_SUFFIX = ".cdx.json"
"""The extension of bills of materials."""

PROVENANCE_SUFFIX = ".intoto.json"
"""The extension of statements of provenance."""

_DIGITS = 12  # of a digest in a name


@dataclass(frozen=True)
class ArchiveNames:
    """The names of a finished archive and its list of files.

    Attributes:
        build: The archive's build number.
        archive: File name.
        files: File name of the list.
    """

    build: int
    archive: str
    files: str


@dataclass(frozen=True)
class Finished:
    """An archive that is to be named, and its list of files.

    Attributes:
        target: Deployed name of the layer.
        format: The archive's format, which is its file name's extension.
        size: Bytes of the archive.
        sha256: Its hex digest.
        files: The packed list.
    """

    target: str
    format: str
    size: int
    sha256: str
    files: bytes

    def called(self, stem: str, build: int) -> ArchiveNames:
        """The names that begin with `stem`."""
        return ArchiveNames(build, f"{stem}.{self.format}", f"{stem}{FILES_SUFFIX}")

    def fits(self, names: ArchiveNames, folder: Path) -> bool:
        """Whether these files may have these names: no file with other content has them."""
        return _free_or_same(folder / names.archive, self.size, self.sha256) and _free_or_same(
            folder / names.files, len(self.files), sha256_bytes(self.files)
        )


def name_by_content(target: str, tag: str | None, content: bytes, suffix: str) -> str:
    """The name of a file that describes an archive: with part of its digest, so that no other bytes ever get it.

    Args:
        target: Deployed name of the layer.
        tag: A platform's name where outputs are tagged.
        content: The file.
        suffix: What kind of file it is, e.g. `PACKAGES_SUFFIX`.
    """
    return f"{target}{f'-{tag}' if tag else ''}-{sha256_bytes(content)[:_DIGITS]}{suffix}"


def _free_or_same(path: Path, size: int, sha256: str) -> bool:
    if not os.path.lexists(path):
        return True
    # a broken link is a published name, too: tools for large files leave such links
    return path.is_file() and path.stat().st_size == size and sha256_file(path) == sha256


def choose_names(finished: Finished, folder: Path, earlier: EarlierPublication | None, tag: str | None) -> ArchiveNames:
    """Choose the name of a new archive.

    Args:
        finished: The archive and its list.
        folder: Where archives are published.
        earlier: The layer's earlier publication, if any.
        tag: A platform's name where outputs are tagged.

    Raises:
        OSError: A file that has such a name cannot be read.
    """
    before = earlier.archive_build if earlier and earlier.install_target == finished.target else None
    if earlier and before and earlier.archive_name and earlier.archive_hashes == {"sha256": finished.sha256}:
        stem = earlier.archive_name.removesuffix(f".{finished.format}")
        return finished.called(stem, before)  # the same bytes: another file of that name is damaged, and replaced
    build = (before or 0) + 1
    if tag:
        while not finished.fits(names := finished.called(f"{finished.target}-{tag}-{build}", build), folder):
            build += 1
        return names
    first = finished.called(finished.target, build)
    if build == 1 and finished.fits(first, folder):
        return first
    return finished.called(f"{finished.target}-{finished.sha256[:_DIGITS]}", build)


def delta_name(target: str, sha256: str, tag: str | None) -> str:
    """The name of a delta: with part of its digest, so that no other bytes ever get it.

    Args:
        target: Deployed name of the layer.
        sha256: The delta's digest.
        tag: A platform's name where outputs are tagged.
    """
    return f"{target}{f'-{tag}' if tag else ''}-{sha256[:_DIGITS]}{DELTA_SUFFIX}"
