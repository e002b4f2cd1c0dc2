"""The contents of a prepared runtime: one rule for all providers.

On Linux and macOS `bin` holds the interpreter under its versioned name with `python` and `python3` as links to it
(for PyPy also the library that it loads from there), and `lib/<python3.X>` the standard library with an empty
`site-packages`. On Windows `python.exe` is at the top and the standard library in `Lib`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from venvstacks.digests import walk_tree
from venvstacks.errors import RuntimeUnavailableError
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.modes import FOLDER_MODE, file_mode, settled_mode
from venvstacks.runtimes.program_headers import described_platforms
from venvstacks.tools.tree_removal import remove_tree

_BYTECODE = (".pyc", ".pyo")
_TEST_PACKAGES = frozenset({"test", "tests", "idle_test"})
_PACKAGE_FOLDERS = frozenset({"site-packages", "dist-packages"})
_ADMINISTRATORS = frozenset({"externally-managed", "sitecustomize.py", "usercustomize.py"})
_STATIC_LIBRARY = re.compile(r"libpython.*\.a|libpypy.*\.a|.*\.o")
_VERSION_LINE = re.compile(r'^#define\s+PY_VERSION\s+"([^"]+)"', re.MULTILINE)


def is_wanted(path: str, python: PythonImplementation, platform: TargetPlatform) -> bool:
    """Whether `path` (relative to the runtime, forward slashes, a file or a folder) belongs in a runtime.

    Left out: bytecode, the standard library's tests, installed packages, static libraries, manual pages, the marks
    and modules with which an administrator or a distribution changes a Python (EXTERNALLY-MANAGED of PEP 668,
    `sitecustomize`), and everything in `bin` but the interpreter, because scripts name the interpreter's path.
    """
    parts = path.split("/")
    name = parts[-1]
    if "__pycache__" in parts or name.endswith(_BYTECODE) or _STATIC_LIBRARY.fullmatch(name):
        return False
    if platform.is_windows:
        parts = [part.lower() for part in parts]
    if parts[0] in {"bin", "scripts"}:
        return len(parts) == 1 or _is_wanted_program(parts[1], python)
    if parts[:2] == ["share", "man"]:
        return False
    library = EnvironmentLayout.of_python(python, platform).library
    folder = (library.lower() if platform.is_windows else library).split("/")
    return parts[: len(folder)] != folder or _is_wanted_in_library(parts[len(folder) :])


def _is_wanted_program(name: str, python: PythonImplementation) -> bool:
    return name in {python.versioned_name, "python", "python3"} or (
        python.name == "pypy" and name.startswith("libpypy")
    )


def _is_wanted_in_library(parts: list[str]) -> bool:
    if not parts:
        return True
    if parts[0] in _PACKAGE_FOLDERS or (len(parts) == 1 and parts[0].lower() in _ADMINISTRATORS):
        return False
    return not _TEST_PACKAGES.intersection(parts[:2])


def tidy(tree: Path, python: PythonImplementation, platform: TargetPlatform) -> None:
    """Turn an unpacked or copied Python into a runtime: remove what is not wanted, set links, modes and site-packages.

    Modes do not depend on the umask or on the archive's other bits: 0755 for what the owner may execute, else 0644,
    and 0644 for everything on Windows, which knows no executable bits.

    Raises:
        RuntimeUnavailableError: It is not the Python that is wanted, or a link in it leads out of it.
        OSError: The tree cannot be changed.
    """
    if not platform.is_windows:
        _settle_interpreter(tree, python)
    _remove_unwanted(tree, python, platform)
    _remove_case_twins(tree)
    _set_modes(tree, platform)
    (tree / EnvironmentLayout.of_python(python, platform).site_dir).mkdir(exist_ok=True)
    check_contents(tree, python, platform)


def _settle_interpreter(tree: Path, python: PythonImplementation) -> None:
    """Leave the interpreter itself under its versioned name, and links to it under the others."""
    folder = tree / "bin"
    real = folder / python.versioned_name
    if real.is_symlink():
        target = real.resolve()
        if target.is_file() and target.is_relative_to(folder.resolve()):
            target.replace(real)
    for name in ("python", "python3"):
        (folder / name).unlink(missing_ok=True)
        if real.is_file():
            (folder / name).symlink_to(python.versioned_name)


def _remove_unwanted(tree: Path, python: PythonImplementation, platform: TargetPlatform) -> None:
    for folder, folders, files in os.walk(tree):
        relative = Path(folder).relative_to(tree)
        for name in [*folders, *files]:
            if not is_wanted((relative / name).as_posix(), python, platform):
                remove_tree(Path(folder, name))
        folders[:] = [name for name in folders if Path(folder, name).is_dir()]


def _remove_case_twins(tree: Path) -> None:
    """Of files whose paths differ in case alone, keep the one that is spelled smaller.

    The terminal descriptions that ncurses brings hold such names (`2621A`, `2621a`). They cannot both exist where
    a file system folds case, and for that reason deploying refuses them everywhere.
    """
    kept: dict[str, Path] = {}
    for folder, _, files in os.walk(tree):
        for name in files:
            path = Path(folder, name)
            folded = path.relative_to(tree).as_posix().casefold()
            first, second = sorted((kept.get(folded, path), path))
            kept[folded] = second
            if first != second:
                first.unlink()


def _set_modes(tree: Path, platform: TargetPlatform) -> None:
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(FOLDER_MODE)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(file_mode(executable=False) if platform.is_windows else settled_mode(path.stat().st_mode))


def check_contents(tree: Path, python: PythonImplementation, platform: TargetPlatform) -> None:
    """Make sure that `tree` holds the Python that is wanted, as far as that can be seen without starting it.

    Raises:
        RuntimeUnavailableError: It does not, or a symbolic link in it leads out of it.
    """
    layout = EnvironmentLayout.of_python(python, platform)
    for needed in (layout.interpreter, f"{layout.library}/os.py"):
        if not (tree / needed).is_file():
            raise RuntimeUnavailableError(
                f"what was supplied as {python} for {platform.name} has no file {needed}",
                hint="check that it is a complete Python for that platform, in the layout of an installed one",
            )
    described = described_platforms(tree / layout.interpreter)
    if described and platform.name not in described:
        raise RuntimeUnavailableError(
            f"what was supplied as {python} for {platform.name} is for {' and '.join(described)}",
            hint="name the archive of the right platform",
        )
    found = _declared_version(tree)
    if found is not None and found != python.version:
        raise RuntimeUnavailableError(f"what was supplied as {python} is version {found}")
    root = tree.resolve()
    for path, entry in walk_tree(tree):
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root):
            raise RuntimeUnavailableError(f"the symbolic link {path} in {python} leads out of the runtime")


def _declared_version(tree: Path) -> str | None:
    """The version in the C headers, which every complete Python has; None where there are no headers."""
    for header in sorted((tree / "include").glob("**/patchlevel.h")):
        match = _VERSION_LINE.search(header.read_text("utf-8", errors="replace"))
        if match:
            return match[1].rstrip("+")
    return None
