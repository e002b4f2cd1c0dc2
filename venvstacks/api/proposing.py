"""Specifications for projects that exist already: reads them, resolves their requirements once, and proposes layers."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import tomli_w
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from venvstacks.api.existing_projects import Machine, read_existing
from venvstacks.errors import UsageError, VenvstacksError
from venvstacks.insight.layer_proposal import Proposal, Resolved, propose_layers
from venvstacks.insight.readable import readable_bytes
from venvstacks.locking.dependencies import read_dependencies
from venvstacks.locking.locks import Wheel
from venvstacks.locking.pylock import read_lock
from venvstacks.locking.uv_resolution import UnusableLockError
from venvstacks.locking.uv_texts import absolute_settings
from venvstacks.locking.wheel_choice import WheelTarget, fitting_wheel
from venvstacks.model.found_projects import FoundProject, fitting_python
from venvstacks.model.oldest_systems import DEFAULT_GLIBC, DEFAULT_MACOS
from venvstacks.model.platforms import PythonImplementation
from venvstacks.model.proposed_specification import found_settings, specification_text
from venvstacks.model.tables import RefusedValueError
from venvstacks.tools.process import Processes
from venvstacks.tools.uv import CompileCall, UvTools, compile_lock
from venvstacks.tools.uv_failures import explain_failure

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


def propose(files: Sequence[Path], folder: Path, machine: Machine) -> Proposed:
    """Propose a specification in `folder` for projects.

    Args:
        files: Their folders, or a file in each that describes the project.
        folder: Where the specification will be.
        machine: For what.

    Raises:
        UsageError: A file is no project that can be started, or is not below the folder; no Python fits them all.
    """
    projects = [read_existing(file, folder, machine) for file in files]
    if len({project.name for project in projects}) < len(projects):
        raise UsageError("two projects have the same name", hint="applications are named after their projects")
    if all(project.launch is None for project in projects):
        raise _without_start(projects)
    packages = {project.name: _by_package(project.requirements) for project in projects}
    settings = found_settings(projects)
    sources = settings.get("sources", {})
    own = {*packages, *(name for name, choices in sources.items() if not _is_of_index(choices))}
    required = {
        project: {name: texts for name, texts in found.items() if name not in own}
        for project, found in packages.items()
    }
    try:
        python = fitting_python(projects, machine.python)
    except RefusedValueError as error:
        raise UsageError(str(error), hint=error.hint) from error
    series = PythonImplementation.parse_series(python)
    chosen = replace(series, version=f"{series.version}.0") if series else PythonImplementation.parse(python)
    machine = replace(machine, python=chosen)
    texts = dict.fromkeys(text for found in required.values() for each in found.values() for text in each)
    try:
        resolved = _resolve(list(texts), absolute_settings(settings, folder.absolute().as_posix()), machine)
    except VenvstacksError as error:
        text = specification_text(projects, python, machine.platform.name, (), "")
        return Proposed(text, None, error.message)
    proposal = propose_layers(required, resolved)
    shared = [text for one in proposal.chosen for text in one.requirements]
    size = readable_bytes(sum(one.size for one in proposal.chosen))
    remark = f"{size} of {readable_bytes(proposal.total)}, which an update of an application need not bring again"
    return Proposed(specification_text(projects, python, machine.platform.name, shared, remark), proposal)


def _by_package(requirements: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in requirements:
        try:
            found.setdefault(str(canonicalize_name(Requirement(text).name)), []).append(text)
        except InvalidRequirement as error:
            raise UsageError(f"'{text}' is not a requirement: {error}", hint="correct it in pyproject.toml") from error
    return found


def _resolve(requirements: Sequence[str], settings: Mapping[str, Any], machine: Machine) -> Resolved:
    """Resolve the requirements of all projects together, with uv's settings as of any folder.

    Raises:
        UsageError: There is no resolution.
    """
    uv = UvTools.of(machine.environment, Processes(), BoundedSemaphore(1))
    with tempfile.TemporaryDirectory(prefix="venvstacks-") as place:
        work = Path(place)
        _write_inputs(work, requirements, settings, machine.python.version)
        texts = []
        for output in (_OUTPUT, None):
            call = CompileCall(
                work, work / "settings.toml", output, machine.platform.uv_platform(DEFAULT_GLIBC),
                machine.python.version, machine.interpreter, DEFAULT_MACOS,
            )  # fmt: skip
            done = compile_lock(call, uv)
            if done.returncode:
                raise UsageError(f"the requirements cannot be resolved: {_reason(done.stderr)}")
            texts.append((work / output).read_text("utf-8") if output else done.stdout)
        return Resolved(read_dependencies(texts[1], _NAME).needs, _sizes(texts[0], machine))


def _reason(stderr: str) -> str:
    """Why uv has found no resolution, in one line."""
    failure = explain_failure(stderr)
    if failure.kind == "no wheels" and failure.packages:
        return f"there is no wheel of {', '.join(failure.packages)} for this machine (locking says what to do)"
    text = " ".join(failure.explanation).replace(_NAME, "these projects")
    return " ".join(re.sub(r"[^\x20-\x7e]+", " ", text).split())


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


def _write_inputs(work: Path, requirements: Sequence[str], settings: Mapping[str, Any], python: str) -> None:
    sources = {name: choices for name, choices in settings.get("sources", {}).items() if _is_of_index(choices)}
    document: dict[str, Any] = {
        "project": {
            "name": _NAME,
            "version": "0",
            "requires-python": f"=={python}",
            "dependencies": list(requirements),
        },
        "tool": {"uv": {"workspace": {"members": []}, "index": settings.get("index", []), "sources": sources}},
    }
    others = {key: value for key, value in settings.items() if key != "sources"}
    (work / "pyproject.toml").write_text(tomli_w.dumps(document), "utf-8")
    (work / "settings.toml").write_text(tomli_w.dumps(others), "utf-8")
    (work / "constraints.txt").write_text("", "utf-8")


def _is_of_index(choices: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> bool:
    """Whether all sources of a package are indexes; others are built, so that no index needs to have it."""
    return all("index" in choice for choice in ([choices] if isinstance(choices, Mapping) else choices))


def _without_start(projects: Sequence[FoundProject]) -> UsageError:
    names = " and ".join(project.name for project in projects)
    programs = [name for project in projects for name in project.programs]
    if programs:
        return UsageError(
            f"{names} {'starts' if len(projects) == 1 else 'start'} by {', '.join(programs)}: programs without an "
            "entry point",
            hint='see there what they call, and write launch = "package.module:function" into an application that '
            f"requires {names}; begin with `venvstacks init`",
        )
    return UsageError(
        f"nothing says how {names} {'is' if len(projects) == 1 else 'are'} started",
        hint="add [project.scripts], or __main__.py to the package; a library needs an application: name that "
        f"too, or begin with `venvstacks init` and require {names} there",
    )
