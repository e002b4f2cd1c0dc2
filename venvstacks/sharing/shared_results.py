"""How a run uses results that machines share: what it finds, fetches in place of doing a task, and offers to others.

A result counts if it is found under the key of the task's inputs as they are on disk when the task is about to begin;
plans only predict that. What a run wants to use is fetched before its first task begins (`collect`), so that no task
finds out too late that its result, and the environment that it works in, are both missing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from venvstacks.actions.building.changed_environments import check_environments
from venvstacks.actions.publishing.publish import ReadyArchive
from venvstacks.actions.table import TaskActions
from venvstacks.digests import canonical_json, sha256_file
from venvstacks.errors import BuildError, InterruptedRunError, VenvstacksError
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.model.stack import Layer
from venvstacks.planning.plan import CachedResult, Digest, PlannedTask
from venvstacks.records.package_lists import PackageList
from venvstacks.records.published_metadata import read_metadata
from venvstacks.records.tree_records import (
    BuildRecord,
    CheckRecord,
    LibrariesRecord,
    LinkRecord,
    ProvidedRecord,
    Record,
    RuntimeRecord,
    StaticCheckRecord,
)
from venvstacks.sharing.action_key import ARCHIVE, PACKAGES, SHARED_KINDS, KeyedTask
from venvstacks.sharing.action_result import ActionResult, Blob
from venvstacks.sharing.careful_store import CarefulStore
from venvstacks.sharing.runtime_source import runtime_source
from venvstacks.tools.files import remove_tree, write_atomically

_RECORDS: Mapping[str, type[Record]] = {
    "build": BuildRecord, "runtime": RuntimeRecord, "link": LinkRecord, "provided": ProvidedRecord,
    "libraries": LibrariesRecord, "check": CheckRecord,
    "headers": StaticCheckRecord,
}  # fmt: skip
"""The kind of a record by the name of its folder."""

_LARGEST_RECORD = 256 << 20
_THREADS = 4
_LISTS = {"warnings", "notes"}  # of sentences that are shown
_MOST_VALUES = 64 << 10  # bytes of JSON


@dataclass
class SharedResults:
    """The shared results of one project, for one run; used by several threads.

    Attributes:
        actions: The project's actions.
        store: The store.
        folder: Where fetched files are kept until they are used; removed by the caller.
        stop: Set when transfers are to end.
        own: Names of tasks that this machine is to do itself.
        unneeded: Names of tasks whose environments this run does not need; the results of others that make
            environments are not fetched.
        sound: Names of environments, and whether they are as they were built; runs in one folder may share it as long
            as nobody else changes environments there.
    """

    actions: TaskActions
    store: CarefulStore
    folder: Path
    stop: threading.Event = field(default_factory=threading.Event)
    own: frozenset[str] = frozenset()
    unneeded: frozenset[str] = frozenset()
    sound: dict[str, bool] = field(default_factory=dict)
    _offered: dict[str, ActionResult] = field(default_factory=dict)
    _found: dict[str, ActionResult | None] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)
    _sources: dict[str, Mapping[str, str] | None] = field(default_factory=dict)

    def doing(self, own: frozenset[str], unneeded: frozenset[str] = frozenset()) -> SharedResults:
        """The same results for a run that does some tasks itself, and needs no environments of others."""
        return replace(self, own=own, unneeded=unneeded)

    def find(self, node: TaskNode, digest: Digest) -> CachedResult | None:
        """What a plan wants to know about the result of a task."""
        task = self._keyed(node)
        key = self._key(task, digest)
        if task is None or key is None or node.name in self.own:
            return None
        result = self._record(task, key)
        if result is None:
            return None
        outputs = {path: result.outputs[role].sha256 for role, path in task.outputs.items() if path}
        return CachedResult(outputs, sum(blob.size for blob in result.outputs.values()), result.seconds)

    def collect(self, planned: Iterable[PlannedTask]) -> bool:
        """Fetch what a plan takes from the store; False if something cannot be had: then a new plan is needed."""
        wanted = [key for task in planned if task.status == "cached" and (key := self._keys.get(task.name))]
        pool = ThreadPoolExecutor(_THREADS)
        try:
            return all(list(pool.map(self._fetch, wanted)))
        except BaseException:
            self.stop.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def take(self, node: TaskNode, digest: Digest) -> Mapping[str, object] | None:
        """Put the result of a task in place; None if it has to be done.

        Raises:
            BuildError: It cannot be written.
            PublishError: The same, of archives.
        """
        task = self._keyed(node)
        key = self._key(task, digest)
        if task is None or key is None or node.name in self.own or (node.trees and node.name not in self.unneeded):
            return None
        result = self._record(task, key)
        if result is None or not self._fetch(key):
            return None
        values = self._put_in_place(task, result)
        size = sum(blob.size for blob in result.outputs.values())
        return {**values, "seconds": result.seconds, "cached_bytes": size}

    def _put_in_place(self, task: KeyedTask, result: ActionResult) -> Mapping[str, object]:
        """Write the files of a result; returns what is to be recorded about it."""
        if task.node.kind == "archive":
            blob, packages = result.outputs[ARCHIVE], self._place(result.outputs[PACKAGES]).read_bytes()
            return self.actions.archive(task.node, ReadyArchive(self._place(blob), blob.size, blob.sha256, packages))
        try:
            self._place_records(task, result)
        except OSError as error:
            raise BuildError(
                f"the fetched result of {task.node.name} cannot be written: {error}",
                hint="check free space and permissions of the build folder",
            ) from error
        return {name: value for name, value in result.values.items() if name not in _LISTS or isinstance(value, list)}

    def give(self, node: TaskNode, digest: Digest, values: Mapping[str, object]) -> None:
        """Offer the result of a task that was done, if it is what its key promises."""
        key, task = self._keys.get(node.name), self._keyed(node)
        if self.store.push and key is not None and task is not None and self._key(task, digest) == key:
            self._offer(task, key, values)

    def can_travel(self, node: TaskNode) -> bool:
        """Whether another machine can do a task: its kind of result is shared, and its inputs are files with roles."""
        task = self._keyed(node)
        return task is not None and task.key(dict.fromkeys(task.inputs, "")) is not None

    def deliver(self, node: TaskNode, digest: Digest, values: Mapping[str, object]) -> ActionResult | None:
        """The result of a task that is up to date here, in the store, for the machine that asked for it.

        Args:
            node: The task.
            digest: Content digest of an input, by stored path.
            values: What was recorded about the task.

        Returns:
            None if it could not be written to the store.
        """
        task = self._keyed(node)
        key = self._key(task, digest)
        if task is None or key is None:
            return None
        return self._offered.get(key) or self._found.get(key) or self._offer(task, key, values, asked=True)

    def accept(self, node: TaskNode, digest: Digest, result: ActionResult) -> Mapping[str, object] | None:
        """Put the result of a task in place that another machine has delivered; None if it cannot be used.

        Raises:
            BuildError: It cannot be written.
            PublishError: The same, of archives.
        """
        task = self._keyed(node)
        key = self._key(task, digest)
        if task is None or key != result.key or result.outputs.keys() != task.outputs.keys():
            return None
        self._found[key] = result
        return {**self._put_in_place(task, result), "seconds": result.seconds} if self._fetch(key) else None

    def _offer(
        self, task: KeyedTask, key: str, values: Mapping[str, object], *, asked: bool = False
    ) -> ActionResult | None:
        """Write a result to the store, where others find it unless one machine has asked for it."""
        node = task.node
        try:
            files = self._results(task, values, asked=asked)
        except (OSError, VenvstacksError):  # what cannot be read is not offered
            return None
        if not files or len(canonical_json(dict(values))) > _MOST_VALUES:
            return None
        try:
            result = ActionResult(
                key=key,
                task=node.name,
                outputs={
                    role: Blob(sha256=sha256_file(file), size=file.stat().st_size) for role, file in files.items()
                },
                seconds=seconds if isinstance(seconds := values.get("seconds"), float) else 0.0,
                made_with=dict(self.actions.configuration.tools),
                values={name: value for name, value in values.items() if name != "seconds"},  # type: ignore[misc]
            )
            self.store.offer(result, files, recorded=not asked)
        except (OSError, ValidationError, InterruptedRunError):
            return None  # a file was removed meanwhile, or the run is ending: the task itself was done
        if not self.store.push:  # it has failed
            return None
        self._offered[key] = result
        return result

    def _keyed(self, node: TaskNode) -> KeyedTask | None:
        if node.kind not in SHARED_KINDS:
            return None
        layer = self.actions.stack.by_env_name[node.env_name]
        configuration = self.actions.configuration
        source = None
        if node.kind == "build" and layer.runtime is None:
            if node.name not in self._sources:
                self._sources[node.name] = runtime_source(layer, self.actions.stack, configuration)
            source = self._sources[node.name]
        return KeyedTask(node, layer, configuration, source)

    def _key(self, task: KeyedTask | None, digest: Digest) -> str | None:
        if task is None:
            return None
        digests = {path: found for path in task.inputs if (found := digest(path)) is not None}
        key = task.key(digests) if digests.keys() == set(task.inputs) else None
        if key:
            self._keys[task.node.name] = key
        return key

    def _record(self, task: KeyedTask, key: str) -> ActionResult | None:
        """The record of a key, if it has exactly the outputs of the task."""
        if key not in self._found:
            result = self.store.record(key)
            if result is not None and result.outputs.keys() != task.outputs.keys():
                result = None
            self._found[key] = result
        return self._found[key]

    def _fetch(self, key: str) -> bool:
        """Fetch all files of a result; one that cannot be had is forgotten."""
        result = self._found.get(key)
        if result is None:
            return False
        for role, blob in result.outputs.items():
            place = self._place(blob)
            if not place.exists() and not self._fetch_blob(role, blob, place):
                self._found[key] = None
                return False
        return True

    def _fetch_blob(self, role: str, blob: Blob, place: Path) -> bool:
        """Fetch a file; a record has to be one of this program's."""
        part = place.with_name(f"{place.name}.{threading.get_ident()}")
        if (role != ARCHIVE and blob.size > _LARGEST_RECORD) or not self.store.fetch(blob, part):
            return False
        if role != ARCHIVE:
            try:
                _validate(role, part.read_bytes())
            except (KeyError, ValueError):
                return False
        part.replace(place)
        return True

    def _place(self, blob: Blob) -> Path:
        return self.folder / blob.sha256

    def _place_records(self, task: KeyedTask, result: ActionResult) -> None:
        """Write the records of a result, that of its tree last, and remove the environment that they are not about."""
        base, layout = self.actions.base, self.actions.configuration.layout
        content: dict[Path, bytes] = {}
        for role, path in task.outputs.items():
            assert path is not None  # noqa: S101 - only archives have outputs without one
            content[base / path] = self._place(result.outputs[role]).read_bytes()
        (first, *_) = content  # the record that the task writes last
        remove_tree(first)
        if task.node.kind == "build":
            remove_tree(base / layout.environment(task.layer))
        for tree in task.node.trees:
            remove_tree(base / tree)
        for place, data in reversed(content.items()):
            write_atomically(place, data)

    def _results(self, task: KeyedTask, values: Mapping[str, object], *, asked: bool) -> dict[str, Path]:
        """The files of a result that was made here, by role; empty where it is not to be shared unless asked for."""
        node, base = task.node, self.actions.base
        if node.kind == "archive":
            return self._archive(node) if asked or values.get("written") else {}
        if node.kind == "check" and values.get("warnings") and not asked:
            return {}  # this machine lacks something
        files = {role: base / path for role, path in task.outputs.items() if path}
        if node.kind == "build":
            self.sound[task.layer.env_name] = True
            if task.source is not None:
                record = RuntimeRecord.load(base / self.actions.configuration.layout.record("runtime", task.layer))
                return files if record.provider == task.source["provider"] else {}
            return files
        return files if all(self._is_sound(layer) for layer in (task.layer, *task.layer.below)) else {}

    def _archive(self, node: TaskNode) -> dict[str, Path]:
        metadata = read_metadata(self.actions.base / node.outputs[0])
        if metadata is None or metadata.archive_name is None or metadata.product.package_list is None:
            return {}
        folder = self.actions.base / self.actions.configuration.layout.artifacts
        return {ARCHIVE: folder / metadata.archive_name, PACKAGES: folder / metadata.product.package_list.name}

    def _is_sound(self, layer: Layer) -> bool:
        """Whether an environment is as it was built: in this run, or by comparison."""
        if layer.env_name not in self.sound:
            configuration = self.actions.configuration
            assert configuration.platform is not None  # noqa: S101 - nothing is shared without one
            changed = check_environments([layer], configuration.platform, configuration.layout, self.actions.base)
            self.sound[layer.env_name] = not changed
        return self.sound[layer.env_name]


def _validate(role: str, content: bytes) -> None:
    """Refuse what is not of the kind that its role says.

    Raises:
        ValueError: It is not.
    """
    if role == PACKAGES:
        PackageList.unpack(content)
    else:
        _RECORDS[Path(role).parent.name].model_validate_json(content)


def _blob(file: Path) -> Blob:
    return Blob(sha256=sha256_file(file), size=file.stat().st_size)
