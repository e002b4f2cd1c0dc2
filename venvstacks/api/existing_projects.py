"""Projects that exist already, read from disk: by `pyproject.toml`, by a build, or by a requirements file."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import PathDistribution
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import tomli_w
from packaging.requirements import Requirement

from venvstacks.actions.wheels.obtain_source import copy_project
from venvstacks.errors import UsageError
from venvstacks.loading.own_projects import read_project_folder
from venvstacks.loading.specification_files import read_requirement_files
from venvstacks.model.file_references import RequirementsFrom
from venvstacks.model.foreign_files import UnusableFileError
from venvstacks.model.found_projects import (
    FoundProject,
    is_only_known_to_build,
    package_settings,
    read_folder,
    read_project,
)
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.model.requirement_files import gather_requirements
from venvstacks.model.sources import Source
from venvstacks.model.tables import RefusedValueError
from venvstacks.model.toml_text import TomlError, parse_toml
from venvstacks.model.validation import DEFAULT_MACOS
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
    home = file if file.is_dir() else file.parent
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
    except (OSError, UnicodeDecodeError, TomlError) as error:
        raise UsageError(f"{file} cannot be read: {error}", hint="name a pyproject.toml") from error
    except RefusedValueError as error:
        raise UsageError(f"{file}: {error}", hint=_other_hint(home) or error.hint) from error
    except UnusableFileError as error:
        raise UsageError(str(error), hint="correct that file, or begin with `venvstacks init`") from error


def _read(file: Path, home: Path, place: str, machine: Machine) -> FoundProject:
    document = parse_toml(_described(file, home))
    names = {path.name for path in home.iterdir()}
    lock = next((name for name in _LOCKS if name in names), None)
    if is_only_known_to_build(document, names) and file.suffix not in _LISTS:
        return replace(_read_built(document, home, place, machine), lock=lock)
    files = _python_files(home)
    if listed := _requirements_file(file, document, names):
        return read_folder(home.resolve().name, place, (listed, _listed(home, listed)), files)
    return replace(read_project(document, place, files), lock=lock)


_LOCKS = ("uv.lock", "pdm.lock", "poetry.lock", "pylock.toml")
_LISTS = {".txt", ".in"}


def _described(file: Path, home: Path) -> str:
    """The text of the project's `pyproject.toml`; empty where it has none."""
    if file.suffix == ".toml":
        return file.read_text("utf-8-sig")
    if not home.is_dir() or not file.exists():
        raise FileNotFoundError
    described = home / "pyproject.toml"
    return described.read_text("utf-8-sig") if described.is_file() else ""


def _requirements_file(file: Path, document: Mapping[str, Any], names: set[str]) -> str | None:
    """Name of the requirements file that stands in for a project's description; None where it has one."""
    if file.suffix in _LISTS:
        return file.name
    has_one = file.suffix != ".toml" and "project" not in document and "requirements.txt" in names
    return "requirements.txt" if has_one else None


def _python_files(home: Path) -> list[str]:
    found = [path for pattern in ("*.py", "*/*.py", "src/*/*.py") for path in home.glob(pattern)]
    folders = [f"{path.name}/" for path in home.iterdir() if path.is_dir()]
    return [*(path.relative_to(home).as_posix() for path in found), *folders]


def _listed(home: Path, name: str) -> tuple[str, ...]:
    found = gather_requirements(RequirementsFrom(requirements=name), read_requirement_files((name,), home))
    return tuple(line for part in found.gathered if not part.is_constraint for line in part.lines)


_OTHER_FILES = {
    "poetry.lock": "write its requirements into a file: poetry export --output requirements.txt",
    "Pipfile": "write its requirements into a file: pipenv requirements > requirements.txt",
    "environment.yml": "list what conda installs, as packages of the index, in a requirements.txt",
    "environment.yaml": "list what conda installs, as packages of the index, in a requirements.txt",
    "setup.cfg": "add a pyproject.toml with [build-system], so that it can be built",
}


def _other_hint(home: Path) -> str | None:
    """What to do with a project that other tools describe; None where it is described as far as can be."""
    described = home / "pyproject.toml"
    if (described.is_file() and "[project]" in described.read_text("utf-8", "replace")) or (home / "setup.py").exists():
        return None
    return next((hint for name, hint in _OTHER_FILES.items() if (home / name).is_file()), None)


def _read_built(document: Mapping[str, Any], home: Path, place: str, machine: Machine) -> FoundProject:
    """What the wheel of a project says: its build backend may be any, and its metadata dynamic."""
    with tempfile.TemporaryDirectory(prefix="venvstacks-") as work:
        wheel = _build(document, home, Path(work), machine)
        info = next(wheel.glob("*.dist-info"))
        found = PathDistribution(info)
        scripts = {point.name: point.value for point in found.entry_points if point.group in _SCRIPTS}
        required = [text for text in found.requires or () if not _is_of_extra(text)]
        project = {
            "name": found.metadata["Name"], "dependencies": required, "scripts": scripts,
            "requires-python": found.metadata["Requires-Python"] or "",
            "optional-dependencies": {name: [] for name in found.metadata.get_all("Provides-Extra") or ()},
        }  # fmt: skip
        files = [path.relative_to(wheel).as_posix() for path in wheel.glob("*/*.py")]
    tool = document.get("tool", {})
    return read_project({"build-system": {}, "project": project, "tool": tool}, place, files)


_SCRIPTS = {"console_scripts", "gui_scripts"}


def _is_of_extra(text: str) -> bool:
    marker = Requirement(text).marker
    return marker is not None and "extra" in str(marker)


def _build(document: Mapping[str, Any], home: Path, work: Path, machine: Machine) -> Path:
    """Build a copy of the project, and unpack the wheel.

    Raises:
        UsageError: It cannot be built.
    """
    project = read_project_folder(home, Source(path="."), machine.environment)
    assert project is not None  # noqa: S101 - the folder has been read before
    copied = copy_project(home, project, work / "source", epoch=_FIRST_EPOCH, environment=machine.environment)
    settings = work / "uv.toml"
    settings.write_text(tomli_w.dumps(settings_away(package_settings(document), home)), "utf-8")
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
    unpacked = work / "unpacked"
    with zipfile.ZipFile(next(call.output.glob("*.whl"))) as wheel:
        wheel.extractall(unpacked)
    return unpacked


def settings_away(uv: Mapping[str, Any], home: Path) -> dict[str, Any]:
    """Settings of uv's that hold in the project's folder, for use in another one: with absolute paths."""
    found = dict(uv)
    if "find-links" in found:
        base = home.absolute()
        found["find-links"] = [
            place if "://" in place else os.path.normpath(base / place) for place in found["find-links"]
        ]
    return found
