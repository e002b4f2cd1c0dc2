"""Where the files of wheels go in an environment, and what happens where two wheels bring the same path.

Works on lists of files; the only contents that are read are RECORDs and files that several wheels bring. The order of
wheels, threads and installers plays no part: the same wheels give the same environment. Paths that some file system
takes for one (`LICENSE` and `license`) count as the same path, as deploying refuses both together.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from venvstacks.actions.building.declared_scripts import declared_scripts
from venvstacks.actions.building.wheel_records import listed_paths, normal_path, read_record
from venvstacks.actions.building.wheel_store import UnpackedWheel
from venvstacks.archives.expected import folded
from venvstacks.archives.members import is_shipped
from venvstacks.digests import TreeEntry
from venvstacks.errors import BuildError
from venvstacks.model.layout import EnvironmentLayout

_MODULES = (".py", ".so", ".pyd", ".pyc")
_STRAY_FOLDERS = frozenset({"benchmarks", "docs", "doc", "examples", "scripts", "test", "tests"})
"""Folders that wheels install at the top by mistake; nobody imports them as what they are called."""

_NAMESPACE_MARKS = (b"extend_path", b"declare_namespace")
_SIGNATURES = frozenset({"RECORD.jws", "RECORD.p7s"})
_SMALL = 1 << 16
_INTERPRETER = re.compile(r"(python|pypy)w?(\d[\d.]*t?)?(_?d|_)?(\..+)?", re.IGNORECASE)
"""What Pythons, and the files that they look for next to themselves, are called: `python3.11`, `python311._pth`."""


@dataclass(frozen=True)
class PlacedFile:
    """A file of a wheel with its place in the environment.

    Attributes:
        entry: The file as it becomes: `path` is its place, relative to the environment.
        source: The file that it is copied or linked from.
        wheel: Whose it is, for messages.
        is_script: Whether it is a script for this environment's Python, which is to become a launcher.
    """

    entry: TreeEntry
    source: str
    wheel: str
    is_script: bool = False


@dataclass(frozen=True)
class Placement:
    """Everything that wheels bring into one environment.

    Attributes:
        files: By path; RECORDs are not among them.
        entry_points: Places of the scripts that entry points stand for; linking's launchers come there.
        records: Path of each RECORD to the paths that it lists.
        warnings: What people should know.
    """

    files: dict[str, PlacedFile] = field(default_factory=dict)
    entry_points: set[str] = field(default_factory=set)
    records: dict[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Scheme:
    """Where the parts of a wheel go (Python packaging's binary distribution format).

    Attributes:
        layout: Paths inside the environment.
        is_runtime: Whether it is a Python itself, not a virtual environment.
    """

    layout: EnvironmentLayout
    is_runtime: bool

    @property
    def is_windows(self) -> bool:
        """Whether the environment is for Windows."""
        return self.layout.site_dir.startswith("Lib/")

    @cached_property
    def _folders(self) -> Mapping[str, str]:
        layout = self.layout
        version = posixpath.basename(layout.library)
        headers = "Include" if self.is_windows else f"include/{'' if self.is_runtime else 'site/'}{version}"
        scripts = layout.executables or "Scripts"
        return {
            "purelib": layout.site_dir, "platlib": layout.site_dir, "scripts": scripts, "headers": headers, "data": ""
        }  # fmt: skip

    def place(self, part: str, path: str, distribution: str) -> str:
        """The place of `path` of the part `part`: `purelib`, `platlib`, `scripts`, `headers` or `data`.

        Headers are in a folder that has the distribution's normalised name, as uv calls it.

        Raises:
            ValueError: There is no such part.
        """
        if part not in self._folders:
            raise ValueError(part)
        return posixpath.join(self._folders[part], distribution if part == "headers" else "", path)


def place_wheels(wheels: Iterable[UnpackedWheel], scheme: Scheme, taken: Iterable[TreeEntry]) -> Placement:
    """Work out where the files of all wheels go.

    Args:
        wheels: The wheels, in any order.
        scheme: Where their parts go.
        taken: The files of the Python itself, which no wheel may replace.

    Raises:
        BuildError: Two wheels bring different modules of one name, or a wheel would replace a part of Python.
        OSError: A file cannot be read.
    """
    placement = Placement()
    taken = tuple(taken)
    python = {folded(entry.path): entry for entry in taken}
    spellings = _spellings(taken, scheme)
    first: dict[str, PlacedFile] = {}
    for wheel in sorted(wheels, key=lambda wheel: wheel.name):
        kept: list[str] = []
        for found in _files_of(wheel, scheme, placement):
            file = _respelled(found, spellings) if spellings else found
            path = file.entry.path
            _check_python(file, python.get(folded(path)), scheme)
            other = first.setdefault(folded(path), file)
            if other.wheel == file.wheel:
                placement.files[path] = file
            elif (other.entry.path, other.entry.sha256) != (path, file.entry.sha256):
                _settle(other, file, placement)
            if path in placement.files:
                kept.append(path)
        scripts = sorted(set(_entry_points(wheel, scheme)) - {entry.path for entry in taken} - set(kept))
        placement.entry_points.update(path for path in scripts if path not in placement.files)
        kept += scripts
        placement.records[f"{scheme.layout.site_dir}/{_info(wheel)}/RECORD"] = tuple(kept)
    return placement


def _spellings(taken: Iterable[TreeEntry], scheme: Scheme) -> dict[str, str]:
    """How folders at the top are spelled that exist already, by their folded names; empty but for Windows.

    There, a wheel's `lib/x` goes into the folder that is called `Lib`, and headers into a Python's `include`.
    """
    if not scheme.is_windows:
        return {}
    tops = ["Scripts", scheme.layout.library, *(path.partition("/")[0] for path in (entry.path for entry in taken))]
    return {folded(top): top for top in tops}


def _respelled(file: PlacedFile, spellings: Mapping[str, str]) -> PlacedFile:
    top, slash, rest = file.entry.path.partition("/")
    place = f"{spellings.get(folded(top), top)}{slash}{rest}" if slash else top
    return replace(file, entry=replace(file.entry, path=place))


def _info(wheel: UnpackedWheel) -> str:
    return next(entry.path for entry in wheel.entries if entry.path.endswith(".dist-info/RECORD")).rpartition("/")[0]


def _files_of(wheel: UnpackedWheel, scheme: Scheme, placement: Placement) -> Iterator[PlacedFile]:
    """The files of a wheel that are installed: what its RECORD lists and what is shipped."""
    info = _info(wheel)
    listed = {normal_path(path) for path in listed_paths(read_record(wheel.tree / info / "RECORD"))}
    present = {entry.path for entry in wheel.entries}
    unlisted = sorted(
        path for path in present - listed if path.rpartition("/")[2] not in _SIGNATURES and path != f"{info}/RECORD"
    )
    if unlisted:
        placement.warnings.append(f"the wheel of {wheel} does not list {_few(unlisted)}, which is not installed")
    if absent := sorted(path for path in listed - present if is_shipped(path)):
        placement.warnings.append(f"the wheel of {wheel} lists {_few(absent)}, which it does not hold")
    for entry in wheel.entries:
        if entry.path in listed and entry.path != f"{info}/RECORD" and (placed := _place(wheel, entry, info, scheme)):
            yield placed


def _place(wheel: UnpackedWheel, entry: TreeEntry, info: str, scheme: Scheme) -> PlacedFile | None:
    source, path, is_script, for_python = f"{wheel.tree}/{entry.path}", entry.path, False, False
    if entry.is_link:
        raise BuildError(f"the wheel of {wheel} holds the symbolic link {path}", hint="wheels hold files alone")
    first, _, rest = path.partition("/")
    if first == f"{info.removesuffix('.dist-info')}.data":
        part, _, rest = rest.partition("/")
        is_script = part == "scripts"
        for_python = is_script and _is_python_script(source)
        try:
            place = scheme.place(part, rest, wheel.name)
        except ValueError:
            raise BuildError(f"the wheel of {wheel} has files for an unknown place: {path}") from None
    else:
        place = scheme.place("purelib", path, "")
    if not is_shipped(place):
        return None
    executable = (entry.executable or is_script) and not scheme.is_windows
    return PlacedFile(TreeEntry(place, entry.size, executable, entry.sha256), source, str(wheel), for_python)


def _entry_points(wheel: UnpackedWheel, scheme: Scheme) -> Iterator[str]:
    """Places of the console and GUI scripts that a wheel declares, but not over an interpreter."""
    suffix = ".exe" if scheme.is_windows else ""
    for name in declared_scripts(wheel.tree / _info(wheel), scheme.layout.short_version):
        if not (_INTERPRETER.fullmatch(name) or name.startswith(".") or set("/\\") & set(name)):
            yield scheme.place("scripts", f"{name}{suffix}", "")


def _is_python_script(path: str) -> bool:
    with Path(path).open("rb") as stream:
        return stream.read(8) == b"#!python"


def _check_python(file: PlacedFile, replaced: TreeEntry | None, scheme: Scheme) -> None:
    """See that a wheel does not replace a part of Python, by files of its data or scripts."""
    path = file.entry.path
    folder, _, name = path.rpartition("/")
    interpreter = folder == scheme.layout.executables and _INTERPRETER.fullmatch(name)
    if interpreter or (replaced and (replaced.path, replaced.sha256) != (path, file.entry.sha256)):
        raise BuildError(
            f"the wheel of {file.wheel} would replace {path}, which belongs to Python itself",
            hint=f'mistrust that wheel; `exclude = ["{file.wheel.partition(" ")[0]}"]` in the layer leaves it out',
        )


def _settle(first: PlacedFile, second: PlacedFile, placement: Placement) -> None:
    """Two wheels bring one path with different content: the first by name wins, unless that is a module in use."""
    path, spelling = first.entry.path, second.entry.path
    path += "" if path == spelling else f" and {spelling}, which are the same on some file systems"
    if _is_module_in_use(first, second):
        raise BuildError(
            f"the wheels of {first.wheel} and {second.wheel} bring different modules {path}",
            details=("which one an import gets would depend on the order of installing",),
            hint=f'keep one of them: `exclude = ["{second.wheel.partition(" ")[0]}"]` in the layer leaves one out',
        )
    placement.warnings.append(
        f"the wheels of {first.wheel} and {second.wheel} bring different files {path}; that of {first.wheel} is kept"
    )


def _is_module_in_use(first: PlacedFile, second: PlacedFile) -> bool:
    path = first.entry.path
    _, found, inside = path.partition("site-packages/")
    if not found or not path.endswith(_MODULES) or inside.split("/")[0] in _STRAY_FOLDERS:
        return False
    return not (inside.endswith("/__init__.py") and _is_namespace(first) and _is_namespace(second))


def _is_namespace(file: PlacedFile) -> bool:
    """Whether an `__init__.py` only lets others share its package, in whichever of the old ways."""
    if file.entry.size > _SMALL:
        return False
    content = Path(file.source).read_bytes()
    code = [line for line in content.splitlines() if line.strip() and not line.lstrip().startswith(b"#")]
    return not code or any(mark in content for mark in _NAMESPACE_MARKS)


def _few(paths: list[str]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
