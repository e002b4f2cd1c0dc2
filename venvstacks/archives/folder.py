"""Exports: the members of a layer written as a folder that can be used in place."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from venvstacks.archives.member_contents import Contents, changed
from venvstacks.archives.members import Member
from venvstacks.archives.unpack import make_listed_folders
from venvstacks.archives.write_failures import not_written
from venvstacks.errors import PublishError
from venvstacks.tools.clones import LinkMode, lay_file
from venvstacks.tools.files import make_folders


@dataclass(frozen=True)
class TreeExported:
    """A finished export.

    Attributes:
        top: The exported layer's folder.
        files: How many files it holds.
        links: How many symbolic links it holds; on a file system without symbolic links there are copies instead.
    """

    top: Path
    files: int
    links: int


def export_tree(contents: Contents, destination: Path, mode: LinkMode = "clone") -> TreeExported:
    """Write members into the folder `destination`, as `destination/<top>/...`.

    Files of the environment are cloned, copied or hard-linked; generated files are always new. Nothing
    is replaced: give an empty folder next to the final one, and swap the result in. Entries are compared with the
    members by kind and size only, as neither a clone nor a link reads content.

    Raises:
        ChangedEnvironmentError: An entry of the environment differs from its member.
        PublishError: The export cannot be written.
    """
    files = links = 0
    with not_written(destination):
        make_folders(destination)
        make_listed_folders(destination, [member.path for member in contents.members if member.is_folder])
        for member in contents.members:
            if member.is_link:
                links += _export_link(contents, member, destination / member.path, mode)
            elif not member.is_folder:
                files += 1
                _export_file(contents, member, f"{destination}/{member.path}", mode)
    return TreeExported(destination / contents.members[0].path, files, links)


def _export_file(contents: Contents, member: Member, place: str, mode: LinkMode) -> None:
    if member.source is None:
        Path(place).write_bytes(member.content or b"")
        Path(place).chmod(member.mode)
        return
    source = f"{contents.root}/{member.source}"
    try:
        found = os.lstat(source)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise changed(source, "is gone") from error
    if not stat.S_ISREG(found.st_mode):
        raise changed(source, "is gone")
    if found.st_size != member.size:
        raise changed(source, "has another size")
    try:
        lay_file(source, place, mode)
    except FileExistsError as error:
        raise PublishError(
            f"{Path(place)} cannot be written: to this file system, its name and that of an exported file are the same",
            hint="export to a file system that distinguishes upper and lower case in names",
        ) from error


def _export_link(contents: Contents, member: Member, place: Path, mode: LinkMode) -> bool:
    """Make a symbolic link, or a copy of its target if that is not possible; return whether it is a link."""
    for _ in contents.read(member):
        pass  # a link has no content: reading it only compares it with the member
    try:
        place.symlink_to(member.target or "")
    except (OSError, NotImplementedError):
        _export_copy(contents.root / (member.source or ""), place, mode)
        return False
    return True


def _export_copy(source: Path, place: Path, mode: LinkMode) -> None:
    if source.is_dir():
        bytecode = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, place, copy_function=lambda old, new: lay_file(old, new, mode), ignore=bytecode)
    elif source.exists():
        lay_file(source.resolve(), place, mode)
    else:
        raise PublishError(
            f"{place} cannot be a symbolic link on this file system, and the target of {source} does not exist",
            hint="export to a file system that has symbolic links",
        )
