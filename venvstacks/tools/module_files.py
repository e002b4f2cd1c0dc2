"""Launch and support modules on disk: which files belong to a module.

Inside a git work tree, what git ignores is left out, and so is anything named `.git*`; bytecode caches are left out
everywhere. The rules are those of gitignore(5), found without starting git (a run with nothing to do starts no
process) and without its index. This has two consequences: a tracked file that an ignore rule matches counts as ignored
(add a `!` rule for it), and a user's own `core.excludesFile` is not read, so that a commit gives the same result on
every machine.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from venvstacks.errors import SourceError
from venvstacks.model.layout import is_written_by_stacks
from venvstacks.model.source_trees import SourceTree
from venvstacks.modes import is_executable
from venvstacks.tools.git_index import executable_paths, keeps_no_modes, tracked_paths
from venvstacks.tools.ignore_rules import Rule, parse_rules, verdict


def read_source(base: Path, path: str) -> SourceTree | None:
    """The launch or support module that a specification calls `path`.

    A symbolic link to a file counts as that file, in whichever folder it is: its content is hashed and copied. Links to
    folders and broken links are refused unless an ignore rule leaves them out. A module that is a single file is taken
    even if git ignores it, as the specification names it.

    Args:
        base: The specification's folder.
        path: Relative to `base` or absolute, with forward slashes.

    Returns:
        The module with its files in sorted order, or None where there is no such file or folder.

    Raises:
        SourceError: The folder holds an entry that can be neither copied nor left out.
        OSError: It cannot be read.
    """
    return _read(base, path, None)


def _read(base: Path, path: str, left_out: _LeftOut | None) -> SourceTree | None:
    place = base / path
    if place.is_file():
        return _with_modes(SourceTree(path, is_package=False, files=("",)), place)
    if not place.is_dir():
        return None
    folder = Path(os.path.realpath(place))
    rules = _outer_rules(folder)
    files = () if rules is _ALL_IGNORED else tuple(sorted(_files(folder, "", rules, left_out)))
    return _with_modes(SourceTree(path, is_package=True, files=files), folder)


def read_project(base: Path, path: str, written: Iterable[str] = ()) -> SourceTree | None:
    """The project or archive that a specification calls `path`: as `read_source`, with every file that git tracks.

    A project is built from what its repository holds, so that an ignored file which is tracked nevertheless belongs to
    it, as it belongs to each clone. What stacks write into a project (locks, environments, publications) does not
    belong to it, tracked or not: it would change with each run. Nor do virtual environments in it.

    Args:
        base: The specification's folder.
        path: Relative to `base` or absolute, with forward slashes.
        written: Folders that the stack writes, and files that describe it, relative to `base` or absolute; folders that
            can be told from what is in them need not be named.

    Raises:
        SourceError: As `read_source`.
        OSError: It cannot be read.
    """
    folder = Path(os.path.realpath(base / path))
    left_out = _LeftOut(folder, {Path(os.path.realpath(base / name)) for name in written})
    source = _read(base, path, left_out)
    root = _work_tree(folder)
    if source is None or not source.is_package or root is None:
        return source
    prefix = folder.relative_to(root).as_posix()
    start = "" if prefix == "." else f"{prefix}/"
    tracked = {
        name.removeprefix(start) for name in tracked_paths(_own_git_folder(root) / "index") if name.startswith(start)
    }
    missing = {
        name
        for name in tracked - set(source.files)
        if not _is_of_git(name) and not left_out.holds(name) and (folder / name).is_file()
    }
    if not missing:
        return source
    return _with_modes(replace(source, files=tuple(sorted({*source.files, *missing}))), folder)


class _LeftOut:
    """What lies in a project and is no part of it: what stacks write, and virtual environments.

    Files and folders of stacks are known, or, like environments, recognised by what a folder holds.

    Args:
        project: The project's folder.
        known: Folders that a stack writes, and its files, wherever they are.
    """

    def __init__(self, project: Path, known: Iterable[Path]) -> None:
        inside = {place.relative_to(project).as_posix() for place in known if place.is_relative_to(project)} - {"."}
        self.names = frozenset(inside)
        self._prefixes = {f"{name}/" for name in inside}

    def takes(self, prefix: str, names: Iterable[str]) -> bool:
        """Whether the folder `prefix` is left out, which holds `names`; the project itself never is."""
        held = set(names)
        if prefix and ("pyvenv.cfg" in held or is_written_by_stacks(held)):
            self._prefixes.add(prefix)
        return prefix in self._prefixes

    def holds(self, name: str) -> bool:
        """Whether a file is one of these, or in one of these folders."""
        return name in self.names or any(name.startswith(prefix) for prefix in self._prefixes)


def _is_of_git(name: str) -> bool:
    return any(part.startswith(".git") for part in name.split("/"))


def _with_modes(source: SourceTree, place: Path) -> SourceTree:
    """The module with those of its files that are shipped as executable: the same ones in each clone of a repository.

    That is the bit of the file's owner. On Windows, and where git has noted that its work tree is on a file system that
    keeps no such bits (`core.fileMode = false`), git's index says what they are. On Windows without git no file is
    executable.
    """
    place = Path(os.path.realpath(place))
    root = _work_tree(place)
    if root and (os.name == "nt" or keeps_no_modes(_git_folder(root) / "config")):
        recorded = executable_paths(_own_git_folder(root) / "index")
        found = {name for name in source.files if (place / name).relative_to(root).as_posix() in recorded}
    elif os.name == "nt":
        return source
    else:
        found = {name for name in source.files if is_executable((place / name).stat().st_mode)}
    return replace(source, executable=frozenset(found))


@dataclass(frozen=True)
class _Rules:
    """The ignore rules that apply in a folder: those of one file, and those that they override.

    Attributes:
        folder: The folder that the rules are relative to.
        own: The rules of the file.
        weaker: The rules that decide where no rule of this file matches.
    """

    folder: Path
    own: tuple[Rule, ...]
    weaker: _Rules | None

    def ignores(self, path: Path, *, is_folder: bool) -> bool:
        rules: _Rules | None = self
        while rules:
            name = os.fsencode(path.relative_to(rules.folder).as_posix())
            ignored = verdict(rules.own, name, is_folder=is_folder)
            if ignored is not None:
                return ignored
            rules = rules.weaker
        return False


_ALL_IGNORED = _Rules(Path(), (), None)
"""Applies below an ignored folder: no rule can include anything in it again, not even one in its own ignore files."""


def _outer_rules(folder: Path) -> _Rules | None:
    """The rules that `folder` inherits from its git work tree; None where there is no work tree."""
    root = _work_tree(folder)
    if root is None:
        return None
    rules = _read_rules(_git_folder(root) / "info" / "exclude", root, None)
    way_down = [above for above in reversed((folder, *folder.parents)) if above.is_relative_to(root)]
    for above, below in itertools.pairwise(way_down):
        rules = _read_rules(above / ".gitignore", above, rules)
        if rules.ignores(below, is_folder=True):
            return _ALL_IGNORED
    return rules


def _work_tree(place: Path) -> Path | None:
    """The top of the git work tree that a file or folder is in, or None."""
    return next((above for above in (place, *place.parents) if os.path.lexists(above / ".git")), None)


def _own_git_folder(root: Path) -> Path:
    """Where git keeps what belongs to one work tree; `.git` is a pointer in submodules and further work trees."""
    place = root / ".git"
    if place.is_file():
        return root / place.read_text(encoding="utf-8", errors="surrogateescape").removeprefix("gitdir:").strip()
    return place


def _git_folder(root: Path) -> Path:
    """Where git keeps what all work trees of a repository share."""
    place = _own_git_folder(root)
    common = place / "commondir"
    return place / common.read_text(encoding="utf-8").strip() if common.is_file() else place


def _read_rules(file: Path, folder: Path, weaker: _Rules | None) -> _Rules:
    is_there = file.is_file() and not file.is_symlink()  # git does not follow links here
    return _Rules(folder, parse_rules(file.read_bytes() if is_there else b""), weaker)


def _files(folder: Path, prefix: str, rules: _Rules | None, left_out: _LeftOut | None) -> Iterator[str]:
    if rules:
        rules = _read_rules(folder / ".gitignore", folder, rules)
    with os.scandir(folder) as scan:
        entries = list(scan)
    if left_out and left_out.takes(prefix, (entry.name for entry in entries)):
        return
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name == "__pycache__" or (rules and _left_out_by_git(rules, entry, is_folder=is_folder)):
            continue
        if is_folder:
            yield from _files(Path(entry.path), f"{prefix}{entry.name}/", rules, left_out)
        elif not (left_out and prefix + entry.name in left_out.names):
            yield prefix + _file_name(entry)


def _left_out_by_git(rules: _Rules, entry: os.DirEntry[str], *, is_folder: bool) -> bool:
    return entry.name.startswith(".git") or rules.ignores(Path(entry.path), is_folder=is_folder)


def _file_name(entry: os.DirEntry[str]) -> str:
    if not entry.is_file():
        what = "a link to a folder or to nothing" if entry.is_symlink() else "neither a file nor a folder"
        raise SourceError(f"{entry.path} is {what}", hint="remove it, or let git ignore it")
    try:
        entry.name.encode("utf-8")
    except UnicodeEncodeError:
        raise SourceError(f"{entry.path!r} has a name that is not UTF-8", hint="rename it") from None
    return entry.name
