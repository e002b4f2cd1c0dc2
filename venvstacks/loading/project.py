"""A project: a specification that was read and resolved, with its task graph. Commands and the API load it first."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.errors import SpecificationError, UsageError
from venvstacks.graph.compiler import compile_stack
from venvstacks.graph.configuration import Configuration
from venvstacks.graph.taskgraph import TaskGraph
from venvstacks.loading.configure import absolute_folder, cache_folder, configure, source_date_epoch
from venvstacks.loading.options import Options
from venvstacks.loading.specification_files import read_surroundings, read_text
from venvstacks.model.draft import parse_draft
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import PLATFORMS
from venvstacks.model.stack import Layer, Stack
from venvstacks.model.validation import resolve
from venvstacks.tools.files import home_expanded
from venvstacks.tools.processors import usable_processors

if TYPE_CHECKING:
    from venvstacks.loading.remote_cache import RemoteCache


@dataclass(frozen=True)
class Project:
    """A specification that was read and resolved, with the options and environment of the run.

    Attributes:
        path: The specification file.
        stack: The stack that it describes.
        configuration: What tasks depend on in addition to the specification.
        options: The caller's options.
        environment: Environment variables, as a value.
    """

    path: Path
    stack: Stack
    configuration: Configuration
    options: Options
    environment: Mapping[str, str] = field(repr=False)  # may hold passwords

    @cached_property
    def graph(self) -> TaskGraph:
        """The whole task graph; compiled when it is first used, because showing a stack needs none.

        Raises:
            GraphError: The tasks do not fit together.
        """
        return compile_stack(self.stack, self.configuration)

    def on(self, platform: str, *, tag_outputs: bool = False) -> Project:
        """The same project for a target platform, which need not be this machine's.

        Args:
            platform: Its name.
            tag_outputs: Whether published names carry the platform; those of other platforms always do.

        Raises:
            UsageError: There is no such platform, or a layer's environment has its name.
        """
        tagged = tag_outputs or self.options.tag_outputs
        options = replace(self.options, platform=platform, tag_outputs=tagged)
        return _configured(self.path, self.stack, options, self.environment)

    @property
    def platforms(self) -> tuple[str, ...]:
        """Names of all platforms that some layer is made for."""
        wanted = {target for layer in self.stack.layers for target in layer.platforms}
        return tuple(name for name, target in PLATFORMS.items() if target in wanted)

    @property
    def base(self) -> Path:
        """The folder that all stored paths are relative to."""
        return self.path.parent

    def environment_path(self, layer: Layer) -> Path:
        """The folder of a layer's built environment, whether or not it is built."""
        return self.base / self.configuration.layout.environment(layer)

    def export_path(self, layer: Layer) -> Path:
        """The folder of a layer's exported environment, whether or not it is exported."""
        return self.base / self.configuration.layout.export / layer.env_name

    def python_path(self, layer: Layer, *, exported: bool = False) -> Path:
        """The Python of a layer, in its built environment or its export: what starts its modules.

        Raises:
            UsageError: Layers cannot be built for this machine's platform.
        """
        if self.configuration.platform is None:
            raise UsageError("layers cannot be built for this machine's platform")
        environment = self.export_path(layer) if exported else self.environment_path(layer)
        return environment / EnvironmentLayout.of(layer, self.configuration.platform).python

    def archive_path(self, layer: Layer) -> Path | None:
        """The published archive of a layer; None if there is none, or only its metadata is here."""
        from venvstacks.records.published_metadata import read_metadata  # noqa: PLC0415 - few need it

        layout = self.configuration.layout
        metadata = read_metadata(self.base / layout.published_metadata(layout.artifacts, layer, self.configuration.tag))
        if metadata is None or metadata.archive_name is None:
            return None
        archive = self.base / layout.artifacts / metadata.archive_name
        return archive if archive.is_file() else None

    @property
    def local_wheel_folders(self) -> tuple[Path, ...]:
        """Folders of local wheels, absolute."""
        return tuple(absolute_folder(self.base, name) for name in self.options.local_wheels)

    @property
    def jobs(self) -> int:
        """Tasks that run at the same time."""
        return self.options.jobs or self.stack.settings.jobs or usable_processors()

    @property
    def cache(self) -> Path:
        """Folder for downloads and prepared runtimes, from the options, the environment or the project."""
        return cache_folder(self.base, self.options, self.stack.settings, self.environment)

    @property
    def remote_cache(self) -> RemoteCache | None:
        """Where results are shared with other machines, if anywhere.

        Raises:
            UsageError: A variable makes no sense.
        """
        from venvstacks.loading.remote_cache import remote_cache  # noqa: PLC0415 - a run with nothing to do asks none

        return remote_cache(self.stack.settings, self.options, self.environment)


def load_project(
    path: Path | str, options: Options | None = None, environment: Mapping[str, str] | None = None
) -> Project:
    """Read and resolve the specification at `path`.

    Raises:
        SpecificationError: It cannot be read or is wrong; carries every fault.
        UsageError: An option makes no sense.
    """
    options = options or Options()
    environment = dict(os.environ if environment is None else environment)
    path = home_expanded(path).absolute()
    if not os.path.exists(path):  # noqa: PTH110 - false for a path that is too long; `missing/../venvstacks.toml` exists once it is normalised
        path = Path(os.path.normpath(path))
    try:
        draft = parse_draft(read_text(path, path.name), path.name)
        stack = resolve(draft, read_surroundings(draft, path.parent, options, environment))
    except SpecificationError as error:
        error.folder = path.parent
        raise
    return _configured(path, stack, options, environment)


def _configured(path: Path, stack: Stack, options: Options, environment: Mapping[str, str]) -> Project:
    configuration = configure(stack.settings, options, path.parent, source_date_epoch(environment))
    foreign = configuration.layout.foreign
    if foreign in stack.by_env_name:
        raise UsageError(
            f"layer '{foreign}' is called like the target platform, whose environments need a folder of that name",
            hint="rename the layer",
        )
    return Project(path, stack, configuration, options, environment)
