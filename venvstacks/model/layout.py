"""Paths inside an environment, and of a stack's files; computed without reading a disk.

All paths are strings with forward slashes. Those of an `EnvironmentLayout` are relative to the environment's own
folder, those of a `StackLayout` to the folder of the specification (or absolute, where the user named such a folder).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from venvstacks.model.conventions import METADATA_DIR, STATE_FOLDER
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.model.stack import Layer


@dataclass(frozen=True)
class EnvironmentLayout:
    """Paths inside one environment.

    Attributes:
        executables: The folder of interpreters and scripts.
        python: The Python that users start; a wrapper where shared libraries of lower layers must be found.
        interpreter: The real interpreter, or a link to it.
        site_dir: The folder that packages are installed into.
        short_version: `X.Y` of its Python.
    """

    executables: str
    python: str
    interpreter: str
    site_dir: str
    short_version: str

    @classmethod
    def of(cls, layer: Layer, platform: TargetPlatform) -> EnvironmentLayout:
        """The layout of `layer`'s environment on `platform`."""
        return cls.of_python(layer.python, platform, is_runtime=layer.runtime is None)

    @classmethod
    def of_python(
        cls, python: PythonImplementation, platform: TargetPlatform, *, is_runtime: bool = True
    ) -> EnvironmentLayout:
        """The layout of a Python itself, or else of a virtual environment of it."""
        if platform.is_windows:
            folder = "" if is_runtime else "Scripts"
            program = posixpath.join(folder, "python.exe")
            return cls(folder, program, program, "Lib/site-packages", python.short_version)
        versioned = python.versioned_name
        return cls("bin", "bin/python", f"bin/{versioned}", f"lib/{versioned}/site-packages", python.short_version)

    @property
    def library(self) -> str:
        """The folder that a runtime has its standard library in."""
        return posixpath.dirname(self.site_dir)


_LOCK_METADATA = re.compile(r"pylock\..+\.meta\.json")


def is_written_by_stacks(names: Iterable[str]) -> bool:
    """Whether a folder that holds `names` is one of environments, of published or exported layers, or of a lock."""
    return any(name in {STATE_FOLDER, METADATA_DIR} or _LOCK_METADATA.fullmatch(name) for name in names)


@dataclass(frozen=True)
class StackLayout:
    """Paths around a specification.

    Attributes:
        requirements: Folder of the lock files.
        build: Folder of the built environments and of the task state.
        artifacts: Folder of published archives.
        export: Folder of exported environments.
        foreign: Name of the target platform if it is not this machine's; it has its own folder in `build`, which holds
            the environments and the task state of this machine's platform.
    """

    requirements: str = "requirements"
    build: str = "_build"
    artifacts: str = "_artifacts"
    export: str = "_export"
    foreign: str | None = None

    def lock_file(self, layer: Layer) -> str:
        """The layer's PEP 751 lock; the standard allows no further dots in the name."""
        return f"{self.requirements}/{layer.env_name}/pylock.{_dotless(layer)}.toml"

    def lock_metadata(self, layer: Layer) -> str:
        """The lock's metadata: its inputs, time and version."""
        return f"{self.requirements}/{layer.env_name}/pylock.{_dotless(layer)}.meta.json"

    def runtime_lock_metadata(self, name: str) -> str:
        """The same for the runtime called `name`, which has no layer yet."""
        return f"{self.requirements}/{name}/pylock.{name.replace('.', '_')}.meta.json"

    def declared_requirements(self, layer: Layer) -> str:
        """The declared requirements as a generated file for people and tools."""
        return f"{self.requirements}/{layer.env_name}/requirements-{_dotless(layer)}.in"

    def package_summary(self, layer: Layer) -> str:
        """The readable summary of a lock."""
        return f"{self.requirements}/{layer.env_name}/packages-{layer.env_name}.txt"

    def wheel_pin(self, label: str) -> str:
        """What an own package's wheel was built from, committed with the locks; `label` is the name of its task."""
        return f"{self.wheel_pins}/{label}.json"

    @property
    def wheel_pins(self) -> str:
        """The folder of what own packages' wheels were built from."""
        return f"{self.requirements}/wheels"

    def own_wheel(self, label: str) -> str:
        """The folder of the wheel of an own package."""
        return f"{self.own_wheels}/{label}"

    @property
    def own_wheels(self) -> str:
        """The folder of the folders of own packages' wheels; this machine builds them, for all platforms."""
        return f"{self.shared_state}/wheels"

    def environment(self, layer: Layer) -> str:
        """The folder of a built environment."""
        return f"{self.environments}/{layer.env_name}"

    @property
    def environments(self) -> str:
        """The folder of the environments of the target platform."""
        return f"{self.build}/{self.foreign}" if self.foreign else self.build

    @property
    def state(self) -> str:
        """The folder of the task state, records and logs of the target platform."""
        return f"{self.environments}/{STATE_FOLDER}"

    @property
    def shared_state(self) -> str:
        """The folder of what belongs to the build folder as a whole: its lock, and wheels of own packages."""
        return f"{self.build}/{STATE_FOLDER}"

    @property
    def task_state(self) -> str:
        """The database of task records."""
        return f"{self.state}/state.db"

    @property
    def digests(self) -> str:
        """Digests of large input files, which are read again only after a change."""
        return f"{self.state}/digests.json"

    def record(self, kind: str, layer: Layer) -> str:
        """The record of a step's result: `build`, `runtime`, `link`, `provided`, `check` or `headers`."""
        return f"{self.state}/{kind}/{layer.env_name}.json"

    @property
    def runs(self) -> str:
        """The folder of the event logs of the last runs."""
        return f"{self.state}/runs"

    def log(self, task: str) -> str:
        """The file that collects what a task's child processes print."""
        return f"{self.logs}/{task.replace(':', '-')}.log"

    @property
    def logs(self) -> str:
        """The folder of the logs of all tasks."""
        return f"{self.state}/logs"

    @property
    def staging(self) -> str:
        """Where trees are prepared before they are swapped in; on the file system of the build folder."""
        return f"{self.state}/staging"

    def published_metadata(self, folder: str, layer: Layer, tag: str | None) -> str:
        """The metadata of one published or exported layer; `tag` is a platform's name where outputs are tagged."""
        return f"{folder}/{METADATA_DIR}/env_metadata/{layer.env_name}{f'-{tag}' if tag else ''}.json"

    def stack_manifest(self, folder: str, tag: str | None) -> str:
        """The metadata of all published or exported layers together."""
        return f"{folder}/{METADATA_DIR}/venvstacks{f'-{tag}' if tag else ''}.json"


def _dotless(layer: Layer) -> str:
    return layer.env_name.replace(".", "_")
