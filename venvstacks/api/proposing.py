"""Specifications for projects that exist already: reads them, resolves their requirements once, and proposes layers."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import tomli_w
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from venvstacks.errors import UsageError, VenvstacksError
from venvstacks.insight.layer_proposal import Proposal, Resolved, propose_layers
from venvstacks.insight.readable import readable_bytes
from venvstacks.locking.dependencies import read_dependencies
from venvstacks.locking.locks import Wheel
from venvstacks.locking.pylock import read_lock
from venvstacks.locking.uv_resolution import UnusableLockError
from venvstacks.locking.wheel_choice import WheelTarget, fitting_wheel
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.model.proposed_specification import FoundProject, read_project, specification_text
from venvstacks.model.tables import RefusedValueError
from venvstacks.model.toml_text import TomlError, parse_toml
from venvstacks.model.validation import DEFAULT_GLIBC, DEFAULT_MACOS
from venvstacks.tools.process import Processes
from venvstacks.tools.uv import CompileCall, UvTools, compile_lock

_NAME = "venvstacks-proposal"
_OUTPUT = "pylock.proposal.toml"


@dataclass(frozen=True)
class Proposed:
    """A specification for projects.

    Attributes:
        text: The specification.
        proposal: What its layers were chosen by; None where the requirements could not be resolved.
        trouble: Why they could not.
    """

    text: str
    proposal: Proposal | None
    trouble: str = ""


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


def propose(files: Sequence[Path], folder: Path, machine: Machine) -> Proposed:
    """Propose a specification in `folder` for projects.

    Args:
        files: Their `pyproject.toml`, or their folders.
        folder: Where the specification will be.
        machine: For what.

    Raises:
        UsageError: A file is no project that can be started, or is not below the folder.
    """
    projects = [_read(file / "pyproject.toml" if file.is_dir() else file, folder) for file in files]
    if len({project.name for project in projects}) < len(projects):
        raise UsageError("two projects have the same name", hint="applications are named after their projects")
    required = {project.name: _by_package(project.requirements) for project in projects}
    try:
        resolved = _resolve(projects, folder, machine)
    except VenvstacksError as error:
        text = specification_text(projects, str(machine.python), machine.platform.name, (), "")
        return Proposed(text, None, error.message)
    proposal = propose_layers(required, resolved)
    shared = [text for one in proposal.chosen for text in one.requirements]
    size = readable_bytes(sum(one.size for one in proposal.chosen))
    remark = f"{size} of {readable_bytes(proposal.total)}, which an update of an application need not bring again"
    return Proposed(specification_text(projects, str(machine.python), machine.platform.name, shared, remark), proposal)


def _read(file: Path, folder: Path) -> FoundProject:
    try:
        document = parse_toml(file.read_text("utf-8"))
        place = file.resolve().parent.relative_to(folder.resolve()).as_posix()
        found = (path for pattern in ("*.py", "*/*.py", "src/*/*.py") for path in file.parent.glob(pattern))
        return read_project(document, place, [path.relative_to(file.parent).as_posix() for path in found])
    except FileNotFoundError as error:
        raise UsageError(f"{file} cannot be read: there is no such file", hint=_other_hint(file.parent)) from error
    except (OSError, UnicodeDecodeError, TomlError) as error:
        raise UsageError(f"{file} cannot be read: {error}", hint="name a pyproject.toml") from error
    except RefusedValueError as error:
        raise UsageError(f"{file}: {error}", hint=error.hint) from error
    except ValueError as error:
        raise UsageError(
            f"{file} is not below {folder}",
            hint="name a folder above all projects: venvstacks init --from FILE DIR",
        ) from error


def _other_hint(folder: Path) -> str:
    """What to do where a folder holds no `pyproject.toml`."""
    if not any((folder / name).is_file() for name in ("setup.py", "setup.cfg")):
        return "name a pyproject.toml"
    return (
        "this project says in setup.py or setup.cfg what it is; that cannot be read without running it. Begin with "
        '`venvstacks init`, require it in an application, and add [tool.uv.sources] NAME = { path = "." }'
    )


def _by_package(requirements: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in requirements:
        try:
            found.setdefault(str(canonicalize_name(Requirement(text).name)), []).append(text)
        except InvalidRequirement as error:
            raise UsageError(f"'{text}' is not a requirement: {error}", hint="correct it in pyproject.toml") from error
    return found


def _resolve(projects: Sequence[FoundProject], folder: Path, machine: Machine) -> Resolved:
    """Resolve the requirements of all projects together.

    Raises:
        UsageError: There is no resolution.
    """
    uv = UvTools.of(machine.environment, Processes(), BoundedSemaphore(1))
    with tempfile.TemporaryDirectory(prefix="venvstacks-") as place:
        work = Path(place)
        _write_inputs(work, projects, folder, machine)
        texts = []
        for output in (_OUTPUT, None):
            call = CompileCall(
                work, work / "settings.toml", output, machine.platform.uv_platform(DEFAULT_GLIBC),
                machine.python.version, machine.interpreter, DEFAULT_MACOS,
            )  # fmt: skip
            done = compile_lock(call, uv)
            if done.returncode:
                reason = " ".join(re.sub(r"[^\x20-\x7e]+", " ", done.stderr).split())
                raise UsageError(f"the requirements cannot be resolved: {reason}")
            texts.append((work / output).read_text("utf-8") if output else done.stdout)
        return Resolved(read_dependencies(texts[1], _NAME).needs, _sizes(texts[0], machine))


def _sizes(text: str, machine: Machine) -> dict[str, int]:
    """Bytes of the wheel of each package of a lock; 0 where they are not known.

    Raises:
        UsageError: The lock cannot be read.
    """
    try:
        lock = read_lock(text, machine.python).lock
    except UnusableLockError as error:
        raise UsageError(f"the requirements cannot be resolved: {error}") from error
    target = WheelTarget(machine.platform, machine.python, DEFAULT_GLIBC, DEFAULT_MACOS)
    wheels = {package.name: fitting_wheel(package, target) for package in lock.packages}
    return {name: wheel.size or _local_size(wheel) if wheel else 0 for name, wheel in wheels.items()}


def _local_size(wheel: Wheel) -> int:
    """Bytes of a wheel in a folder of wheels, which uv names by its URL; 0 for others."""
    address = urlsplit(wheel.location)
    try:
        return Path(url2pathname(address.path)).stat().st_size if address.scheme == "file" else 0
    except OSError:
        return 0


def _write_inputs(work: Path, projects: Sequence[FoundProject], folder: Path, machine: Machine) -> None:
    own = {project.name for project in projects}
    requirements = dict.fromkeys(
        text
        for project in projects
        for name, texts in _by_package(project.requirements).items()
        if name not in own
        for text in texts
    )
    document: dict[str, Any] = {
        "project": {
            "name": _NAME,
            "version": "0",
            "requires-python": f"=={machine.python.version}",
            "dependencies": list(requirements),
        },
        "tool": {"uv": {"workspace": {"members": []}}},
    }
    first = next((project for project in projects if project.uv), None)
    settings = dict(first.uv) if first else {}
    if first and "find-links" in settings:
        base = folder / first.folder
        settings["find-links"] = [
            place if "://" in place else os.path.normpath((base / place).absolute()) for place in settings["find-links"]
        ]
    (work / "pyproject.toml").write_text(tomli_w.dumps(document), "utf-8")
    (work / "settings.toml").write_text(tomli_w.dumps(settings), "utf-8")
    (work / "constraints.txt").write_text("", "utf-8")
