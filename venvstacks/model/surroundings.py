"""What a stack depends on in addition to its specification: files on disk and environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from venvstacks.model.own_packages import Projects
from venvstacks.model.platforms import PythonImplementation
from venvstacks.model.source_trees import SourceTree
from venvstacks.model.specification import UvTable

if TYPE_CHECKING:
    from venvstacks.model.foreign_files import Texts


@dataclass(frozen=True)
class ChosenPython:
    """The exact Python of a runtime that names a series.

    Attributes:
        python: The exact Python; None if none is known.
        provider: Name of the provider whose newest it is; None if the layer's lock holds it.
        fault: Why there is none.
    """

    python: PythonImplementation | None
    provider: str | None = None
    fault: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What a stack depends on in addition to the specification's text; read by `loading`.

    Attributes:
        sources: Launch and support modules by the path that the specification gives; None where there is no file or
            folder.
        uv_file: Content of `venvstacks.uv.toml` next to the specification, or None where there is no such file.
        macosx_deployment_target: The environment variable of that name: the default of `macosx_target`.
        exclude_newer: `UV_EXCLUDE_NEWER`, used where uv's settings have no `exclude-newer`.
        requirement_files: Files that hold requirements, by path from the specification.
        projects: The projects that are sources of packages.
        folder: Absolute path of the specification's folder, with forward slashes.
        pythons: For runtimes that name a series (`cpython@3.12`): the release of it, by layer.
    """

    sources: Mapping[str, SourceTree | None] = field(default_factory=dict)
    uv_file: UvTable | None = None
    macosx_deployment_target: str | None = None
    exclude_newer: str | None = None
    requirement_files: Texts = field(default_factory=dict)
    projects: Projects = field(default_factory=Projects)
    pythons: Mapping[str, ChosenPython] = field(default_factory=dict)
    folder: str = "/"
