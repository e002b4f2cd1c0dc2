"""Launch and support modules of an application: what was found for each, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from venvstacks.model.launches import names_module
from venvstacks.model.positions import KeyPath
from venvstacks.model.source_trees import SourceTree
from venvstacks.model.specification import ApplicationSpec

SOURCE_PLACE = "paths are relative to the specification"

_MODULE_PLACE = '; a module of an installed package is named by launch = "..."'
_LAUNCH_KEY: KeyPath = ("launch_module",)

KnownModules = Mapping[str, SourceTree | None]
"""Path in the specification to the file or folder there; None where there is none."""


@dataclass(frozen=True)
class FoundModules:
    """The modules of an application.

    Attributes:
        sources: Their files and folders, the launch module first.
        faults: Key, message and hint for each module that cannot be used.
        warning: Why the launch module will not start; None if it will, or is not known.
    """

    sources: tuple[SourceTree, ...]
    faults: tuple[tuple[KeyPath, str, str], ...] = ()
    warning: str | None = None


def find_modules(spec: ApplicationSpec, known: KnownModules) -> FoundModules:
    """The launch module, unless it is that of a package, and the support modules of an application."""
    found: dict[str, SourceTree] = {}
    faults, warning = [], None
    for key, path in _wanted(spec, known):
        source = known.get(path)
        if source is None:
            hint = f"{SOURCE_PLACE}{_MODULE_PLACE if key == _LAUNCH_KEY else ''}"
            faults.append((key, f"there is no file or folder '{path}'", hint))
        elif source.is_package and not source.files:
            faults.append((key, f"the folder '{path}' holds no files", "what git ignores does not count"))
        elif (other := found.get(source.module.casefold())) is not None:
            message = f"two modules are called '{source.module}': '{other.path}' and '{path}'"
            faults.append((key, message, "rename one of them"))
        else:
            found[source.module.casefold()] = source
            if key == _LAUNCH_KEY and not source.is_startable:
                warning = f"`python -m {source.module}` will not start: '{path}' {_no_start(source)}"
    return FoundModules(tuple(found.values()), tuple(faults), warning)


def _wanted(spec: ApplicationSpec, known: KnownModules) -> Iterator[tuple[KeyPath, str]]:
    if spec.launch_module and not launches_installed(spec, known):
        yield _LAUNCH_KEY, spec.launch_module
    yield from ((("support_modules", index), path) for index, path in enumerate(spec.support_modules))


def launches_installed(spec: ApplicationSpec, known: KnownModules) -> bool:
    """Whether an application launches a module of a package, instead of a file of its own."""
    path = spec.launch_module
    return path is not None and known.get(path) is None and names_module(path)


def _no_start(source: SourceTree) -> str:
    if source.is_package and source.is_importable:
        return "has no __main__.py (what git ignores does not count)"
    return "is neither a module file (name.py) nor a package folder (name)"
