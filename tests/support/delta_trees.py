"""Versions of a layer as dicts of files, and deltas between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from venvstacks.archives.expected import ExpectedTree, expect
from venvstacks.archives.member_contents import Contents
from venvstacks.archives.members import members
from venvstacks.deltas.apply_delta import Update, apply_deltas
from venvstacks.deltas.make_delta import DeltaRequest, write_delta
from venvstacks.deltas.old_version import OldVersion
from venvstacks.digests import scan_tree
from venvstacks.records.file_lists import FileManifest

TOP = "framework-frogs@2"


@dataclass(frozen=True)
class Version:
    """One version of a layer.

    Attributes:
        tree: Its files.
        contents: What is published of them.
    """

    tree: Path
    contents: Contents

    @property
    def expected(self) -> ExpectedTree:
        return expect(FileManifest.of(self.contents.members).entries(), TOP)

    @property
    def old(self) -> OldVersion:
        return OldVersion(self.tree, tuple(self.expected.entries.values()))


def version(tree: Path, files: Mapping[str, bytes | str], programs: Sequence[str] = ()) -> Version:
    """Write a version: path to content, or to the target of a link in text."""
    tree.mkdir(parents=True)
    for path, content in files.items():
        place = tree / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            place.symlink_to(content)
            continue
        place.write_bytes(content)
        place.chmod(0o755 if path in programs else 0o644)
    return Version(tree, Contents(members(scan_tree(tree), TOP), tree))


def delta(old: Version, new: Version, scratch: Path, threads: int = 1) -> bytes:
    """The delta from one version to another."""
    scratch.mkdir(exist_ok=True)
    stream = BytesIO()
    written = write_delta(DeltaRequest(old.old, new.contents, scratch, threads), stream)
    assert written.size == len(stream.getvalue())
    return stream.getvalue()


def applied(old: OldVersion, deltas: Sequence[bytes], expected: ExpectedTree, folder: Path) -> Path:
    """Apply deltas in a new folder; the folder of the new version."""
    folder.mkdir()
    places = []
    for number, content in enumerate(deltas):
        places.append(folder.with_name(f"{folder.name}-{number}.delta"))
        places[-1].write_bytes(content)
    apply_deltas(Update(old, places, expected, folder))
    assert [place.name for place in folder.iterdir()] == [TOP], "nothing else is left"
    return folder / TOP
