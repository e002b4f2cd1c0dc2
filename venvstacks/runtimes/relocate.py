"""An installed CPython copied to a tree that works wherever it is put (Linux).

The copy is filtered while copying: an installation may hold ten times as many files. Then run paths are made relative
to the files that carry them, and text that names the original place is made neutral, so that two machines with the same
build of Python get the same tree.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from venvstacks.digests import walk_tree
from venvstacks.modes import settled_mode
from venvstacks.runtimes.installed_pythons import Installation
from venvstacks.runtimes.provider_request import RuntimeRequest
from venvstacks.runtimes.runtime_contents import is_wanted
from venvstacks.runtimes.self_check import Facts, is_shared_prefix

NEUTRAL_PREFIX = "/install"
"""The prefix that files of the copy name; python-build-standalone uses the same."""

NEUTRAL_BUILD_FOLDER = "/build"

_CONFIGURATION = re.compile(
    r"_sysconfigdata.*\.py|_sysconfig_vars.*\.json|build-details\.json|Makefile|python-config\.py"
)
_LONGER_NAME = rb"(?![0-9A-Za-z_-])"


def copy_installation(installation: Installation, facts: Facts, request: RuntimeRequest, tree: Path) -> None:
    """Copy what belongs into a runtime: interpreter, standard library, libpython and headers.

    Raises:
        OSError: Something cannot be read or written.
    """
    name = request.python.versioned_name
    _copy_file(installation.executable, tree / "bin" / name)
    _copy_tree(installation.library, tree, f"lib/{name}", request)
    headers = Path(facts.config.get("INCLUDEPY", ""))
    if headers.is_absolute() and headers.is_dir():
        _copy_tree(headers, tree, f"include/{headers.name}", request)
    if installation.libpython is not None:
        _copy_libraries(installation.libpython, tree / "lib")


def _copy_libraries(libpython: Path, target: Path) -> None:
    """Copy `libpython3.X.so.1.0` with the links to it, and the stable-ABI `libpython3.so` next to it."""
    stem = libpython.name.partition(".so")[0]
    for source in sorted(libpython.parent.glob("libpython*.so*")):
        if source.name.partition(".so")[0] in {stem, "libpython3"}:
            _copy_entry(source, target / source.name, libpython.parent)


def _copy_tree(source: Path, tree: Path, place: str, request: RuntimeRequest) -> None:
    def keep(path: str) -> bool:
        return is_wanted(f"{place}/{path}", request.python, request.platform)

    for path, entry in walk_tree(source, keep):
        _copy_entry(Path(entry.path), tree / place / path, source)


def _copy_entry(source: Path, target: Path, folder: Path) -> None:
    """Copy a file, or a link: as a link if it leads into `folder`, else as the file; skip broken links."""
    if not source.is_symlink():
        _copy_file(source, target)
        return
    link = source.readlink()
    if not link.is_absolute() and source.exists() and source.resolve().is_relative_to(folder.resolve()):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(link)
    elif source.is_file():
        _copy_file(source, target)


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(settled_mode(source.stat().st_mode))


def old_places(installation: Installation, facts: Facts) -> dict[str, str]:
    """Folders that the copy still names, each with its replacement; longest first.

    Prefixes that other programs use too (`/usr`) are not replaced: they say nothing about a build.
    """
    prefixes = {str(installation.prefix), str(installation.prefix.resolve()), facts.config.get("prefix", "")}
    places = dict.fromkeys(prefixes, NEUTRAL_PREFIX)
    for variable in ("abs_builddir", "abs_srcdir"):
        places.setdefault(facts.config.get(variable, "").rstrip("/"), NEUTRAL_BUILD_FOLDER)
    named = {old: new for old, new in places.items() if old.startswith("/") and old not in {"/", "/usr", new}}
    return dict(sorted(named.items(), key=lambda place: (-len(place[0]), place[0])))


def neutralise(tree: Path, places: dict[str, str]) -> None:
    """Replace every mention of the folders `places` in the tree's files.

    In text, the neutral name takes the old one's place; in binaries, `same_length_name` does. Prefixes that others
    share (`/usr/local`) are only replaced in files that describe how Python was built.

    Raises:
        OSError: A file cannot be read or written.
    """
    patterns = [(re.compile(re.escape(os.fsencode(old)) + _LONGER_NAME), old, new) for old, new in places.items()]
    for _, entry in walk_tree(tree):
        if entry.is_symlink():
            continue
        file = Path(entry.path)
        content = before = file.read_bytes()
        for pattern, old, new in patterns:
            if os.fsencode(old) in content and (not is_shared_prefix(old) or _CONFIGURATION.fullmatch(file.name)):
                name = same_length_name(old, new) if b"\0" in content else new
                content = pattern.sub(os.fsencode(name).replace(b"\\", rb"\\"), content)
        if content != before:
            file.write_bytes(content)


def same_length_name(old: str, new: str) -> str:
    """What replaces the folder `old` in binaries: `new`, slashes up to the same length, and `old`'s last part.

    No byte behind it moves. The last part is kept, because linkers let a string begin inside another one with the same
    end: in a Python from `/home/me/versions/3.12.1`, the text "3.12.1" of `sys.version` is the end of its prefix. If
    `new` does not fit, it is replaced by slashes.
    """
    head, slash, last = old.rpartition("/")
    room = len(os.fsencode(head + slash))
    return (f"{new}/" if len(os.fsencode(new)) < room else "").ljust(room, "/") + last
