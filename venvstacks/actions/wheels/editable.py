"""Editable installations of own packages, for working on them: an application started so needs no new build."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from venvstacks._injected import run_editable
from venvstacks.actions.toolset import Tools
from venvstacks.actions.wheels.wheel_request import OwnWheelRequest
from venvstacks.digests import sha256_file, sha256_json
from venvstacks.errors import BuildError
from venvstacks.locking.uv_texts import settings_text
from venvstacks.tools.files import staging_folder, swap_in
from venvstacks.tools.uv import UvTools
from venvstacks.tools.uv_build import EditableInstall, constraint_lines, explanation, install_editable, lacked_network

_DESCRIPTIONS = ("pyproject.toml", "setup.py", "setup.cfg")


def editable_folder(request: OwnWheelRequest, python: Path, tools: Tools) -> Path | None:
    """The folder that leads imports to the project of an own package; None for sources that are no folder.

    It is made again when the project's description, its place or the Python changes.

    Args:
        request: The package.
        python: The Python of the application.
        tools: The shell.

    Raises:
        BuildError: The project cannot be installed so.
    """
    tree = request.package.tree
    if tree is None or not tree.is_package:
        return None
    project = Path(os.path.normpath(request.base / tree.path / (request.package.source.subdirectory or "")))
    described = [sha256_file(place) if (place := project / name).is_file() else "" for name in _DESCRIPTIONS]
    key = sha256_json([str(project), str(request.package.python), described])[:24]
    place = request.base / request.layout.state / "editable" / request.label / key
    if not place.is_dir():
        _install(request, project, place, (python, tools))
    return place


def _install(request: OwnWheelRequest, project: Path, place: Path, shell: tuple[Path, Tools]) -> None:
    python, tools = shell
    pin, staging_place = request.pin(), request.base / request.layout.staging
    with staging_folder(staging_place, f"editable-{request.package.name}") as staging:
        settings, constraints = staging / "uv.toml", staging / "constraints.txt"
        settings.write_text(settings_text(request.layer, request.uv, request.base.as_posix()), "utf-8")
        lines = constraint_lines(pin.build_requirements, pin.build_hashes or {}) if pin else []
        constraints.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        uv_tools = UvTools.of(tools.environment, tools.processes, tools.resolvers)
        for offline in (True, False):
            call = EditableInstall(project, staging / "new", python, settings, constraints, offline=offline)
            done = install_editable(call, uv_tools, request.log)
            if not lacked_network(done) or not request.use_index:
                break
        if done.returncode:
            raise BuildError(
                f"own package '{request.package.name}' cannot be installed as editable",
                details=explanation(done),
                hint=f"its build backend may not support it (PEP 660); the log is {request.log}",
            )
        swap_in(staging / "new", place, trash=staging_place)


def editable_options(folders: Sequence[Path], module: str, *, safe_path: bool) -> list[str]:
    """The arguments of a Python that runs a module with editable packages first.

    Args:
        folders: Folders of `editable_folder`.
        module: The module.
        safe_path: Whether this Python has the option `-P`.
    """
    script = str(Path(run_editable.__file__))
    return [*(["-P"] if safe_path else []), script, json.dumps([str(folder) for folder in folders]), module]
