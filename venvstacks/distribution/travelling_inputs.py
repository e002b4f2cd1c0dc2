"""The inputs of tasks on their way to workers: a run writes them to the store, and workers fetch what they lack.

A record lists the files of one layer with those below it, and the project itself: the stack and its configuration as
they were resolved, so that a worker reads no specification. The key of the record is a digest of the list, and goes to
the worker directly; so nobody who may write to the store can exchange a file.
"""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from venvstacks.digests import sha256_bytes, sha256_file, sha256_json
from venvstacks.errors import BuildError
from venvstacks.graph.configuration import Configuration
from venvstacks.loading.options import Options
from venvstacks.loading.project import Project
from venvstacks.model.stack import Layer, Stack
from venvstacks.sharing.action_result import ActionResult, Blob
from venvstacks.sharing.careful_store import CarefulStore
from venvstacks.tools.files import make_folders, write_atomically

_PROJECT = ":project"
"""The role of the project among the paths of files."""


@dataclass(frozen=True)
class SentProject:
    """A project without its environment variables, which are each machine's own, and without its folder.

    Attributes:
        name: Name of the specification file.
        depth: How many folders above the specification's its inputs and outputs reach at most.
        stack: The stack.
        configuration: What tasks depend on apart from the stack.
        options: The options of the run.
    """

    name: str
    depth: int
    stack: Stack
    configuration: Configuration
    options: Options

    @classmethod
    def of(cls, project: Project) -> SentProject:
        """What of a project is sent."""
        options = replace(project.options, jobs=None, cache=None, remote_cache=None, push=None, on=None)
        layout = project.configuration.layout
        paths = (layout.build, layout.artifacts, layout.export, *project.graph.sources, *_runtime_archives(project))
        depth = max(path.split("/").count("..") for path in paths)
        return cls(project.path.name, depth, project.stack, project.configuration, options)

    def placed(self, folder: Path, environment: Mapping[str, str], options: Mapping[str, object]) -> Project:
        """The project in a folder of a worker.

        Args:
            folder: A folder for it alone.
            environment: The worker's environment variables.
            options: What the worker chooses itself.
        """
        base = folder.joinpath(*["inner"] * self.depth, "project")
        chosen = replace(self.options, **options)  # type: ignore[arg-type] # fields of Options
        return Project(base / self.name, self.stack, self.configuration, chosen, environment)


def _runtime_archives(project: Project) -> Iterator[str]:
    """Pythons that are files in reach of the project, by their paths."""
    platform = project.configuration.platform
    for archives in project.stack.settings.runtime_archives.values():
        archive = archives.get(platform.name) if platform else None
        if archive is not None and "://" not in archive.url and not os.path.isabs(archive.url):  # noqa: PTH117 - text
            yield archive.url


@dataclass
class SentInputs:
    """Writes the inputs of tasks to the store, each once in a run; used by several threads.

    Attributes:
        project: The project.
        store: The store.
        folder: Where the project is written first.
    """

    project: Project
    store: CarefulStore
    folder: Path
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _keys: dict[str, str] = field(default_factory=dict)
    _blobs: dict[str, Blob] = field(default_factory=dict)

    def key(self, layer: Layer) -> str:
        """The key of the record of a layer's inputs, which is in the store by then.

        Raises:
            BuildError: A file cannot be read, or the store cannot be written.
        """
        with self._guard:
            if layer.env_name not in self._keys:
                try:
                    self._keys[layer.env_name] = self._send(layer)
                except OSError as error:
                    raise BuildError(
                        f"the inputs of {layer.env_name} cannot be read: {error}", hint="restore the file"
                    ) from error
            return self._keys[layer.env_name]

    def _send(self, layer: Layer) -> str:
        files = {path: self.project.base / path for path in self._paths(layer)}
        files[_PROJECT] = self._written_project()
        outputs = {path: self._blob(file) for path, file in files.items()}
        key = _key(outputs)
        self.store.offer(ActionResult(key=key, task="inputs", outputs=outputs, seconds=0.0), files)
        if not self.store.push:
            raise BuildError(
                "the inputs of tasks cannot be written to the remote cache",
                details=tuple(self.store.trouble),
                hint="workers fetch them there: name a remote cache that this machine may write to",
            )
        return key

    def _written_project(self) -> Path:
        place = self.folder / "project.pickle"
        if not place.exists():
            write_atomically(place, pickle.dumps(SentProject.of(self.project)))
        return place

    def _blob(self, file: Path) -> Blob:
        known = self._blobs.get(str(file))
        if known is None:
            known = self._blobs[str(file)] = Blob(sha256=sha256_file(file), size=file.stat().st_size)
        return known

    def _paths(self, layer: Layer) -> Iterator[str]:
        """Files that the tasks of a layer, and those of the layers below, read."""
        stack, base = self.project.stack, self.project.base
        layout = self.project.configuration.layout
        locks = []
        for each in (layer, *layer.below):
            yield layout.lock_file(each)
            yield layout.lock_metadata(each)
            locks.append((base / layout.lock_file(each)).read_text("utf-8"))
            for source in each.sources:
                yield from source.file_paths
        named = "\n".join(locks)
        yield from (path for path in self.project.configuration.local_wheels if path.rpartition("/")[2] in named)
        for label in stack.built_for(layer):
            yield layout.wheel_pin(label)
            yield from (f"{layout.own_wheel(label)}/{file.name}" for file in (base / layout.own_wheel(label)).iterdir())
        yield from _runtime_archives(self.project)


def _key(outputs: Mapping[str, Blob]) -> str:
    return sha256_json({path: blob.sha256 for path, blob in outputs.items()})


@dataclass
class ReceivedInputs:
    """The inputs that a worker has in the folder of one project.

    Attributes:
        folder: The folder.
    """

    folder: Path
    _projects: dict[str, Project] = field(default_factory=dict)
    _present: dict[str, str] = field(default_factory=dict)

    def fetch(
        self, key: str, store: CarefulStore, environment: Mapping[str, str], options: Mapping[str, object]
    ) -> Project:
        """Bring the folder to the inputs that a record lists, and return the project.

        Raises:
            BuildError: They are not in the store, or are not what the key promises.
        """
        record = store.record(key)
        if record is None or _key(record.outputs) != key:
            raise BuildError(
                "the inputs of a task cannot be fetched from the remote cache",
                details=tuple(store.trouble),
                hint="worker and run have to use one store, with one VENVSTACKS_REMOTE_CACHE_KEY",
            )
        files = dict(record.outputs)
        project = self._project(files.pop(_PROJECT), store, environment, options)
        for path, blob in files.items():
            place = Path(os.path.normpath(project.base / path))
            if not place.is_relative_to(self.folder):
                raise BuildError(f"the input {path} of a task is outside of the project")
            if self._present.get(path) != blob.sha256 or not place.is_file():
                self._place(blob, place, store)
                self._present[path] = blob.sha256
        return project

    def _project(
        self, blob: Blob, store: CarefulStore, environment: Mapping[str, str], options: Mapping[str, object]
    ) -> Project:
        """The project, whose graph is compiled once for many tasks."""
        if blob.sha256 not in self._projects:
            place = self.folder / "project.pickle"
            self._place(blob, place, store)
            content = place.read_bytes()
            if sha256_bytes(content) != blob.sha256:
                raise BuildError("the project was changed on its way")
            # the digest came from the scheduler's client, whose functions Dask runs as well
            sent: SentProject = pickle.loads(content)  # noqa: S301
            self._projects = {blob.sha256: sent.placed(self.folder, environment, options)}
        known = self._projects[blob.sha256]
        if known.options != replace(known.options, **options):  # type: ignore[arg-type] # fields of Options
            known = replace(known, options=replace(known.options, **options))  # type: ignore[arg-type]
        return known

    def _place(self, blob: Blob, place: Path, store: CarefulStore) -> None:
        make_folders(place.parent)
        part = place.with_name(f"{place.name}.part")
        if not store.fetch(blob, part):
            raise BuildError(
                f"the input {place.name} of a task cannot be fetched from the remote cache",
                details=tuple(store.trouble),
                hint="run the same command again: it is written again",
            )
        part.replace(place)
