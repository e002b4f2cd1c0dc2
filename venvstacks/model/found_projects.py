"""Projects that exist already: their names, requirements and starts, as far as their files say these."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from venvstacks.model.platforms import PythonImplementation
from venvstacks.model.tables import RefusedValueError

_SETTINGS = ("index", "find-links", "no-index", "exclude-newer")
"""Settings of uv's that a specification takes over from a project, since they say where packages come from."""
_NEWEST_MINOR = 15
_READ = frozenset({"dependencies", "scripts", "gui-scripts"})
_MAIN_FILES = ("manage.py", "server.py", "run.py")
_DATA_FOLDERS = frozenset({"assets", "data", "locale", "public", "static", "templates"})
_NOT_SHIPPED = re.compile(
    r"(__init__|__main__|setup|conftest|noxfile|fabfile|tasks)\.py|test_.*\.py|.*_test\.py|(tests?|docs?|examples?|scripts)/"
)


@dataclass(frozen=True)
class FoundProject:
    """A project to make an application of.

    Attributes:
        name: Normalised name, which the application gets.
        folder: Path of its folder, relative to the specification, forward slashes.
        requirements: Its dependencies (PEP 508).
        launch: What starts it: the entry point of a script, a module, or the entry points of several scripts by name;
            None for a library.
        is_package: Whether it is built and installed; otherwise `launch` is a path in the project.
        uv: Settings of uv's that say where packages come from.
        requires_python: The versions of Python that it is for; empty: all.
        listed_in: Name of the file that lists its dependencies, where it is no package.
        support: Paths of modules and folders of data next to the launch module, where it is no package.
        extras: Its extras.
        lock: Name of the lock of another tool in its folder; None without one.
    """

    name: str
    folder: str
    requirements: tuple[str, ...]
    launch: str | Mapping[str, str] | None
    is_package: bool
    uv: Mapping[str, Any]
    requires_python: str = ""
    listed_in: str = "pyproject.toml"
    support: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    lock: str | None = None


def is_only_known_to_build(document: Mapping[str, Any], names: Collection[str]) -> bool:
    """Whether nothing but a build says what a project is called, requires or starts: Poetry's, `setup.py`, dynamic.

    Args:
        document: Its `pyproject.toml`; empty where there is none.
        names: Names of the files in its folder.
    """
    project = _table(document, "project")
    if project.get("name"):
        return bool(_READ & set(project.get("dynamic") or ()))
    return "build-system" in document or "setup.py" in names


def read_project(document: Mapping[str, Any], folder: str, files: Iterable[str]) -> FoundProject:
    """Take from a `pyproject.toml` what a specification needs.

    Args:
        document: Its content.
        folder: Path of its folder, relative to the specification.
        files: Paths of the Python files in the folder, relative to it; those of folders end with a slash.

    Raises:
        RefusedValueError: It is no project with a name, or no package and nothing says how to start it.
    """
    project, tool = _table(document, "project"), _table(_table(document, "tool"), "uv")
    name = project.get("name")
    if not isinstance(name, str) or not name:
        raise RefusedValueError("it has no [project] table with a name", "write [project] (PEP 621)")
    normalised = _normalised(name)
    is_package = "build-system" in document or tool.get("package") is True
    scripts = {**_table(project, "scripts"), **_table(project, "gui-scripts")}
    dependencies = project.get("dependencies") or ()
    paths = set(files)
    launch = _launch_of_scripts(normalised, scripts) if is_package else None
    launch = launch or _found_launch(normalised, paths, is_package)
    if launch is None and not is_package:
        raise _without_start(normalised)
    return FoundProject(
        name=normalised,
        folder=folder,
        requirements=tuple(text for text in dependencies if isinstance(text, str)),
        launch=launch,
        is_package=is_package,
        uv=package_settings(document),
        requires_python=str(project.get("requires-python") or ""),
        support=() if is_package else _support(str(launch), paths),
        extras=tuple(_table(project, "optional-dependencies")),
    )


def package_settings(document: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of uv's in a `pyproject.toml` that say where packages come from."""
    tool = _table(_table(document, "tool"), "uv")
    return {key: tool[key] for key in _SETTINGS if key in tool}


def read_folder(name: str, folder: str, listed: tuple[str, Sequence[str]], files: Iterable[str]) -> FoundProject:
    """A folder of modules whose requirements a requirements file lists.

    Args:
        name: Name of the folder.
        folder: Its path, relative to the specification.
        listed: Name of the requirements file in it, and its requirements.
        files: As for `read_project`.

    Raises:
        RefusedValueError: Nothing says how to start it.
    """
    normalised = _normalised(name).strip("-") or "app"
    paths = set(files)
    launch = _found_launch(normalised, paths, is_package=False)
    if launch is None:
        raise _without_start(normalised)
    return FoundProject(
        normalised, folder, tuple(listed[1]), launch, is_package=False, uv={}, listed_in=listed[0],
        support=_support(launch, paths),
    )  # fmt: skip


def fitting_python(projects: Sequence[FoundProject], present: PythonImplementation) -> str:
    """The Python of a runtime for all projects: the present one, or else the series of releases next to it.

    Raises:
        RefusedValueError: The projects are for no common Python.
    """
    wanted = SpecifierSet()
    for project in projects:
        try:
            wanted &= SpecifierSet(project.requires_python)
        except InvalidSpecifier:  # building the project says so
            continue
    if wanted.contains(present.version, prereleases=True):
        return str(present)
    major, minor = present.release[:2]
    series = sorted(range(_NEWEST_MINOR + 1), key=lambda one: (abs(one - minor), -one))
    found = next((one for one in series if wanted.contains(f"{major}.{one}.99")), None)
    if found is None:
        names = ", ".join(project.name for project in projects)
        raise RefusedValueError(f"no Python fits what {names} require ({wanted})", "make a stack for each of them")
    return f"{present.name}@{major}.{found}"


def _normalised(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).lower()


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _launch_of_scripts(name: str, scripts: Mapping[str, object]) -> str | dict[str, str] | None:
    """The entry point of the only script, or those of all, those with the project's name first; None without any."""
    found: dict[str, tuple[str, str]] = {}
    for script, target in scripts.items():
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]*", script):  # what launch targets may be called, and each once
            found.setdefault(_normalised(script), (script, str(target).partition("[")[0].strip()))
    by_name = sorted(found, key=lambda script: (script != name, not script.startswith(name)))
    table = dict(found[script] for script in by_name)
    return next(iter(table.values())) if len(set(table.values())) == 1 else table or None


def _found_launch(name: str, files: set[str], is_package: bool) -> str | None:  # noqa: FBT001 - a fact, not a switch
    module = name.replace("-", "_")
    places = {f"{module}/__main__.py": module}
    if is_package:
        places[f"src/{module}/__main__.py"] = module
    else:
        modules = [path for path in files if _is_module(path)]
        only = modules if len(modules) == 1 else []
        places |= {path: path for path in ("main.py", "app.py", f"{module}.py", *_MAIN_FILES, *only)}
    return next((launch for path, launch in places.items() if path in files), None)


def _without_start(name: str) -> RefusedValueError:
    return RefusedValueError(
        f"nothing says how {name} is started",
        f"add [project.scripts], or {name.replace('-', '_')}/__main__.py, or main.py",
    )


def _is_module(path: str) -> bool:
    return path.endswith(".py") and "/" not in path and not _NOT_SHIPPED.fullmatch(path)


def _support(launch: str, files: set[str]) -> tuple[str, ...]:
    """What lies next to a launch module and is shipped with it: modules, packages, and folders that hold data."""
    folders = {path.partition("/")[0] for path in files if "/" in path and path.endswith(".py")}
    folders |= {path[:-1] for path in files if path.endswith("/") and path[:-1] in _DATA_FOLDERS}
    kept = {folder for folder in folders if not _NOT_SHIPPED.fullmatch(f"{folder}/") and folder.isidentifier()}
    return tuple(sorted({*filter(_is_module, files), *kept} - {launch}))
