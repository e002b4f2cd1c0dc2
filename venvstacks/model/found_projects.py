"""Projects that exist already: their names, requirements and launch targets, as far as their files say these."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from venvstacks.model.launches import check_launch
from venvstacks.model.platforms import PythonImplementation
from venvstacks.model.sources import parse_sources
from venvstacks.model.tables import RefusedValueError
from venvstacks.model.uv_settings import find_uv_faults, index_names

_SETTINGS = ("index", "find-links", "no-index", "exclude-newer")
"""Settings of uv's that a specification takes over from a project, since they say where packages come from."""
_NEWEST_MINOR = 15
_READ = frozenset({"dependencies", "scripts", "gui-scripts", "requires-python"})
_SWITCHES = (("uv", "package"), ("poetry", "package-mode"), ("pdm", "distribution"))
"""Where tools say whether a project is a package."""
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
        uv: Settings of uv's that say where packages come from, as its `pyproject.toml` has them.
        requires_python: The versions of Python that it is for; empty: all.
        listed_in: Path in the project of the file that lists its dependencies, where it is no package.
        support: Paths of modules and folders of data next to the launch module, where it is no package.
        extras: Its extras.
        lock: Path of the lock of another tool that holds for it, relative to the specification; None without one.
        programs: Names of the programs that it installs as files, without an entry point.
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
    programs: tuple[str, ...] = ()


def is_only_known_to_build(document: Mapping[str, Any], names: Collection[str]) -> bool:
    """Whether only a build can tell a project's name, requirements or scripts (Poetry's, `setup.py`, dynamic ones).

    Args:
        document: Its `pyproject.toml`; empty where there is none.
        names: Names of the files in its folder.

    Raises:
        RefusedValueError: `dynamic` is no array of strings.
    """
    project = _table(document, "project")
    if not _is_package(document, names):
        return False
    return not project.get("name") or not _READ.isdisjoint(_strings(project, "dynamic"))


def read_project(document: Mapping[str, Any], folder: str, files: Iterable[str]) -> FoundProject:
    """Take from a `pyproject.toml` what a specification needs.

    Args:
        document: Its content.
        folder: Path of its folder, relative to the specification.
        files: Paths of the Python files in the folder, relative to it; those of folders end with a slash.

    Raises:
        RefusedValueError: It is no project with a name, or no package and nothing says how to start it; a value in it
            has the wrong type.
    """
    project, paths = _table(document, "project"), set(files)
    name = project.get("name")
    if not isinstance(name, str) or not name:
        raise RefusedValueError("it has no [project] table with a name", "write [project] (PEP 621)")
    normalised = _normalised(name)
    is_package = _is_package(document, paths)
    scripts = {**_table(project, "scripts"), **_table(project, "gui-scripts")}
    launch = _launch_of_scripts(normalised, scripts) if is_package else None
    launch = launch or _found_launch(normalised, paths, is_package=is_package)
    if launch is None and not is_package:
        raise _without_start(normalised)
    return FoundProject(
        name=normalised,
        folder=folder,
        requirements=_strings(project, "dependencies"),
        launch=launch,
        is_package=is_package,
        uv=package_settings(document),
        requires_python=required_python(document),
        support=() if is_package else _support(str(launch), paths),
        extras=tuple(filter(re.compile(r"[A-Za-z0-9._-]+").fullmatch, _table(project, "optional-dependencies"))),
    )


def package_settings(document: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of uv's in a `pyproject.toml` that say where packages come from, `sources` only where they can hold.

    Sources for extras and groups, and those of indexes that the workspace declares, are left out.

    Raises:
        RefusedValueError: One has the wrong type.
    """
    tool = _table(_table(document, "tool"), "uv")
    found = {key: tool[key] for key in _SETTINGS if key in tool}
    for path, message, hint in find_uv_faults(found):
        raise RefusedValueError(f"tool.uv.{'.'.join(map(str, path))} {message}", hint)
    known = index_names(found)
    sources = {
        name: [one for one in choices if not one.extra and not one.group and (one.index is None or one.index in known)]
        for name, choices in parse_sources(tool.get("sources", {}))[0].items()
    }
    tables = {name: [one.model_dump(exclude_none=True) for one in kept] for name, kept in sources.items() if kept}
    return found | ({"sources": tables} if tables else {})


def required_python(document: Mapping[str, Any]) -> str:
    """The versions of Python that a project is for (PEP 440); empty: all."""
    return str(_table(document, "project").get("requires-python") or "")


def read_folder(name: str, folder: str, listed: tuple[str, Sequence[str]], files: Iterable[str]) -> FoundProject:
    """A folder of modules whose requirements a requirements file lists.

    Args:
        name: Name of the folder.
        folder: Its path, relative to the specification.
        listed: Path in it of the requirements file, and its requirements.
        files: As for `read_project`.

    Raises:
        RefusedValueError: Nothing says how to start it.
    """
    normalised = _normalised(name)
    paths = set(files)
    launch = _found_launch(normalised, paths, is_package=False)
    if launch is None:
        raise _without_start(normalised)
    return FoundProject(
        normalised, folder, tuple(listed[1]), launch, is_package=False, uv={}, listed_in=listed[0],
        support=_support(launch, paths),
    )  # fmt: skip


def fitting_python(projects: Sequence[FoundProject], present: PythonImplementation) -> str:
    """The Python of a runtime for all projects: the present one, or a series of releases next to it, or a release.

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
    found = next((f"{major}.{one}" for one in series if wanted.contains(f"{major}.{one}.99")), None)
    named = [one.version for one in wanted if re.fullmatch(r"\d+\.\d+\.\d+", one.version)]
    found = found or max(filter(wanted.contains, named), key=Version, default=None)
    if found is None:
        names = ", ".join(project.name for project in projects)
        raise RefusedValueError(f"no Python fits what {names} require ({wanted})", "make a stack for each of them")
    return f"{present.name}@{found}"


def _normalised(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).lower().strip("-") or "app"


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _strings(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = table.get(key, [])
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise RefusedValueError(f"its '{key}' is not an array of strings", "correct it (PEP 621)")
    return tuple(found)


def _is_package(document: Mapping[str, Any], names: Collection[str]) -> bool:
    """Whether a project is built and installed: as its tool says, or else if something has to build it."""
    tool = _table(document, "tool")
    said = [_table(tool, name).get(key) for name, key in _SWITCHES]
    found = next((one for one in said if isinstance(one, bool)), None)
    is_built = "build-system" in document or "setup.py" in names or "dynamic" in _table(document, "project")
    return is_built if found is None else found


def _launch_of_scripts(name: str, scripts: Mapping[str, object]) -> str | dict[str, str] | None:
    """The entry point of the only script, or those of all, those with the project's name first; None without any."""
    found: dict[str, tuple[str, str]] = {}
    for script, target in scripts.items():
        place = re.sub(r"\s*:\s*", ":", str(target).partition("[")[0]).strip()
        if _is_launch(script, place):
            found.setdefault(_normalised(script), (script, place))  # names that differ in case or signs are one
    by_name = sorted(found, key=lambda script: (script != name, not script.startswith(name)))
    table = dict(found[script] for script in by_name)
    return next(iter(table.values())) if len(set(table.values())) == 1 else table or None


def _is_launch(name: str, target: str) -> bool:
    try:
        check_launch({name: target})
    except RefusedValueError:
        return False
    return True


def _found_launch(name: str, files: set[str], *, is_package: bool) -> str | None:
    """What starts a project without scripts: the `__main__.py` of its package, or a main module."""
    mains = sorted(path.removesuffix("/__main__.py") for path in files if path.endswith("/__main__.py"))
    if is_package:
        modules = [path.removeprefix("src/").replace("/", ".") for path in mains]
        return next((module for module in modules if _normalised(module) == name), None)
    packages = [path for path in mains if "/" not in path and _normalised(path) == name]
    single = [path for path in files if _is_module(path)]
    usual = ["main.py", "app.py", f"{name.replace('-', '_')}.py", *_MAIN_FILES, *(single if len(single) == 1 else [])]
    return next(iter([*packages, *(path for path in usual if path in files)]), None)


def _without_start(name: str) -> RefusedValueError:
    return RefusedValueError(
        f"nothing says how {name} is started",
        f"add [project.scripts], or {name.replace('-', '_')}/__main__.py, or main.py",
    )


def _is_module(path: str) -> bool:
    return path.endswith(".py") and "/" not in path and not _NOT_SHIPPED.fullmatch(path)


def _support(launch: str, files: set[str]) -> tuple[str, ...]:
    """What lies next to a launch module and is shipped with it: modules, packages, and folders that hold data."""
    folders = {path.partition("/")[0] for path in files if path.count("/") == 1 and path.endswith(".py")}
    folders |= {path[:-1] for path in files if path.endswith("/") and path[:-1] in _DATA_FOLDERS}
    kept = {folder for folder in folders if not _NOT_SHIPPED.fullmatch(f"{folder}/") and folder.isidentifier()}
    return tuple(sorted({*filter(_is_module, files), *kept} - {launch}))
