"""Projects that exist already, read from disk: by `pyproject.toml`, by a build, or by a requirements file."""

from __future__ import annotations

import os
import posixpath
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import PathDistribution
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import tomli_w
from packaging.requirements import InvalidRequirement, Requirement

from venvstacks.actions.wheels.obtain_source import copy_project
from venvstacks.errors import SourceError, UsageError
from venvstacks.loading.own_projects import read_project_folder
from venvstacks.loading.specification_files import read_requirement_files
from venvstacks.locking.uv_texts import absolute_settings
from venvstacks.model.file_references import RequirementsFrom
from venvstacks.model.foreign_files import UnusableFileError
from venvstacks.model.foreign_sources import is_member, workspace_files
from venvstacks.model.found_projects import (
    FoundProject,
    is_only_known_to_build,
    package_settings,
    read_folder,
    read_project,
    required_python,
)
from venvstacks.model.oldest_systems import DEFAULT_MACOS
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.model.requirement_files import gather_requirements
from venvstacks.model.sources import Source
from venvstacks.model.tables import RefusedValueError
from venvstacks.model.toml_text import TomlError, parse_toml
from venvstacks.tools.files import path_from
from venvstacks.tools.module_files import read_source
from venvstacks.tools.process import Processes
from venvstacks.tools.uv import UvTools
from venvstacks.tools.uv_build import WheelBuild, build_wheel, explanation

_FIRST_EPOCH = 315532800  # 1980-01-01: the earliest time that a wheel can hold


@dataclass(frozen=True)
class Machine:
    """What the specification is made for and on.

    Attributes:
        python: The Python of the runtime.
        platform: This machine's platform.
        interpreter: A Python of that implementation, of any version.
        environment: Environment variables, as a value.
    """

    python: PythonImplementation
    platform: TargetPlatform
    interpreter: str
    environment: Mapping[str, str] = field(repr=False)


def read_existing(file: Path, folder: Path, machine: Machine) -> FoundProject:
    """Read a project that an application is to be made of.

    Args:
        file: Its `pyproject.toml`, its `setup.py`, its requirements file, or its folder.
        folder: Where the specification will be.
        machine: What builds it, where only its build backend knows its requirements.

    Raises:
        UsageError: It is no project that can be started, is not below the folder, or cannot be built.
    """
    home = _home(file, folder)
    try:
        place = home.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError as error:
        raise UsageError(
            f"{file} is not below {folder}",
            hint="name a folder above all projects: venvstacks init --from FILE DIR",
        ) from error
    try:
        return _read(file, home, place, machine)
    except FileNotFoundError as error:
        raise UsageError(f"{file} cannot be read: there is no such file", hint="name a folder or a file") from error
    except TomlError as error:
        raise UsageError(f"{file} cannot be read: line {error.line}: {error}", hint="correct it") from error
    except (OSError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise UsageError(f"{file} cannot be read: {error}", hint="name a pyproject.toml") from error
    except RefusedValueError as error:
        raise UsageError(f"{file}: {error}", hint=error.hint) from error
    except UnusableFileError as error:
        raise UsageError(str(error), hint="correct that file, or begin with `venvstacks init`") from error


def _home(file: Path, folder: Path) -> Path:
    """The project's folder; a folder of requirements files alone belongs to the one above."""
    home = file if file.is_dir() else file.parent
    of_lists = file.suffix in _LISTS and file.is_file() and not any(home.glob("*.py"))
    return home.resolve().parent if of_lists and home.resolve() != folder.resolve() else home


def _read(file: Path, home: Path, place: str, machine: Machine) -> FoundProject:
    document = parse_toml(_described(file, home))
    names = {path.name for path in home.iterdir()}
    if listed := _requirements_file(file, home, document, names):
        found = read_folder(home.resolve().name, place, (listed, _listed(home, listed)), _python_files(home))
        found = replace(found, uv=package_settings(document), requires_python=required_python(document))
    elif is_only_known_to_build(document, names):
        found = replace(_read_built(document, home, place, machine), lock=_lock(home, place, names))
    else:
        other = next((hint for name, hint in _OTHER_FILES.items() if name in names), None)
        if other and "project" not in document:
            raise RefusedValueError("it has no [project] table with a name", other)
        found = replace(read_project(document, place, _python_files(home)), lock=_lock(home, place, names))
    return replace(found, support=tuple(path for path in found.support if _holds_files(home, path)))


_LOCKS = ("uv.lock", "pdm.lock", "poetry.lock", "pylock.toml")
_LISTS = {".txt", ".in"}
_OTHER_FILES = {
    "poetry.lock": "write its requirements into a file: poetry export --output requirements.txt",
    "Pipfile": "write its requirements into a file: pipenv requirements > requirements.txt",
    "environment.yml": "list what conda installs, as packages of the index, in a requirements.txt",
    "environment.yaml": "list what conda installs, as packages of the index, in a requirements.txt",
    "setup.cfg": "add a pyproject.toml with [build-system], so that it can be built",
}
"""What to do with a project that other tools describe."""


def _described(file: Path, home: Path) -> str:
    """The text of the project's `pyproject.toml`; empty where it has none."""
    if file.suffix == ".toml":
        return file.read_text("utf-8-sig")
    if not home.is_dir() or not file.exists():
        raise FileNotFoundError
    described = home / "pyproject.toml"
    return described.read_text("utf-8-sig") if described.is_file() else ""


def _requirements_file(file: Path, home: Path, document: Mapping[str, Any], names: set[str]) -> str | None:
    """Path of the requirements file that stands in for a project's description; None where it has one."""
    if file.suffix in _LISTS:
        return path_from(home.resolve(), file.resolve())
    has_one = "project" in document or file.suffix == ".toml" or is_only_known_to_build(document, names)
    return None if has_one or "requirements.txt" not in names else "requirements.txt"


def _lock(home: Path, place: str, names: set[str]) -> str | None:
    """The lock in the project's folder or of its uv workspace, relative to the specification; None without one."""
    if own := next((name for name in _LOCKS if name in names), None):
        return posixpath.normpath(f"{place}/{own}")
    project = (home.resolve() / "pyproject.toml").as_posix()
    for root in filter(os.path.isfile, workspace_files(project)):
        member = is_member(project, root, parse_toml(Path(root).read_text("utf-8-sig")))
        if member is not None:
            lock = Path(root).with_name("uv.lock")
            there = posixpath.join(place, path_from(home.resolve(), lock))
            return posixpath.normpath(there) if member and lock.is_file() else None
    return None


def _python_files(home: Path) -> list[str]:
    patterns = ("*.py", "*/*.py", "*/*/__main__.py", "src/*/*/__main__.py")
    found = [path for pattern in patterns for path in home.glob(pattern)]
    folders = [f"{path.name}/" for path in home.iterdir() if path.is_dir()]
    return [*(path.relative_to(home).as_posix() for path in found), *folders]


def _holds_files(home: Path, path: str) -> bool:
    """Whether a support module holds anything: git may ignore all of it."""
    try:
        tree = read_source(home, path)
    except SourceError:  # locking says what is wrong
        return True
    return tree is not None and bool(tree.files)


def _listed(home: Path, name: str) -> tuple[str, ...]:
    found = gather_requirements(RequirementsFrom(requirements=name), read_requirement_files((name,), home))
    return tuple(line for part in found.gathered if not part.is_constraint for line in part.lines)


def _read_built(document: Mapping[str, Any], home: Path, place: str, machine: Machine) -> FoundProject:
    """Read the wheel of a project, whose build backend may be any, and whose metadata may be dynamic."""
    with (
        tempfile.TemporaryDirectory(prefix="venvstacks-") as work,
        zipfile.ZipFile(_build(document, home, Path(work), machine)) as wheel,
    ):
        files = wheel.namelist()
        info = next((name.partition("/")[0] for name in files if ".dist-info/" in name), "")
        found = PathDistribution(zipfile.Path(wheel, f"{info}/"))
        metadata, points, required = found.metadata, found.entry_points, found.requires or ()
    scripts = {point.name: point.value for point in points if point.group in _SCRIPTS}
    project = {
        "name": metadata["Name"],
        "dependencies": [text for text in required if not _is_of_extra(text)],
        "scripts": scripts,
        "requires-python": metadata["Requires-Python"] or "",
        "optional-dependencies": {name: [] for name in metadata.get_all("Provides-Extra") or ()},
    }
    programs = tuple(name.rpartition("/")[2] for name in files if ".data/scripts/" in name)
    described = {"build-system": {}, "project": project, "tool": document.get("tool", {})}
    return replace(read_project(described, place, files), programs=programs)


_SCRIPTS = {"console_scripts", "gui_scripts"}


def _is_of_extra(text: str) -> bool:
    try:
        marker = Requirement(text).marker
    except InvalidRequirement:  # which is reported with the others
        return False
    return marker is not None and "extra" in str(marker)


def _build(document: Mapping[str, Any], home: Path, work: Path, machine: Machine) -> Path:
    """Build the wheel of a copy of the project.

    Raises:
        UsageError: It cannot be built.
    """
    project = read_project_folder(home, Source(path="."), machine.environment)
    assert project is not None  # noqa: S101 - the folder has been read before
    copied = copy_project(home, project, work / "source", epoch=_FIRST_EPOCH, environment=machine.environment)
    settings = work / "uv.toml"
    uv = {key: value for key, value in package_settings(document).items() if key != "sources"}
    settings.write_text(tomli_w.dumps(absolute_settings(uv, home.absolute().as_posix())), "utf-8")
    call = WheelBuild(
        copied, work / "wheel", Path(machine.interpreter), settings, None, _FIRST_EPOCH, DEFAULT_MACOS
    )  # fmt: skip
    done = build_wheel(call, UvTools.of(machine.environment, Processes(), BoundedSemaphore(1)), None)
    if done.returncode:
        raise UsageError(
            f"only a build of {home} can say what it requires, and it cannot be built",
            details=explanation(done),
            hint="this is what its build backend said; name a requirements file instead, or begin with "
            "`venvstacks init`",
        )
    return next(call.output.glob("*.whl"))
