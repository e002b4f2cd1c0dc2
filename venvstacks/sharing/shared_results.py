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

from venvstacks.actions.table import TaskActions
from venvstacks.digests import canonical_json, sha256_file
from venvstacks.errors import InterruptedRunError, VenvstacksError
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.planning.plan import CachedResult, Digest, PlannedTask
from venvstacks.sharing.action_key import Keyed, KeyedWheel
from venvstacks.sharing.action_result import ActionResult, Blob
from venvstacks.sharing.careful_store import CarefulStore
from venvstacks.sharing.fetched_files import FetchedFiles
from venvstacks.sharing.keyed_tasks import KeyedTasks
from venvstacks.sharing.made_files import MadeFiles

_THREADS = 4
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
    _tasks: KeyedTasks = field(init=False)
    _made: MadeFiles = field(init=False)
    _fetched: FetchedFiles = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what finds, fetches and writes the files of results."""
        self._tasks = KeyedTasks(self.actions, self._sources)
        self._made = MadeFiles(self.actions, self.sound)
        self._fetched = FetchedFiles(self.actions, self.store, self.folder)

    def doing(self, own: frozenset[str], unneeded: frozenset[str] = frozenset()) -> SharedResults:
        """The same results for a run that does some tasks itself, and needs no environments of others."""
        return replace(self, own=own, unneeded=unneeded)

    def find(self, node: TaskNode, digest: Digest) -> CachedResult | None:
        """What a plan wants to know about the result of a task."""
        task = self._tasks.of(node)
        key = self._key(task, digest)
        if task is None or key is None or node.name in self.own:
            return None
        result = self._record(task, key)
        if result is None:
            return None
        outputs = {path: result.outputs[role].sha256 for role, path in task.outputs.items() if path}
        size = sum(blob.size for blob in result.outputs.values())
        return CachedResult({**outputs, **task.kept(digest)}, size, result.seconds)

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
        task = self._tasks.of(node)
        key = self._key(task, digest)
        if task is None or key is None or node.name in self.own or (node.trees and node.name not in self.unneeded):
            return None
        result = self._record(task, key)
        if result is None or not self._fetch(key):
            return None
        values = self._fetched.put_in_place(task, result)
        size = sum(blob.size for blob in result.outputs.values())
        return {**values, "seconds": result.seconds, "cached_bytes": size}

    def give(self, node: TaskNode, digest: Digest, values: Mapping[str, object]) -> None:
        """Offer the result of a task that was done, if it is what its key promises; of a build with its own wheels."""
        if not self.store.push:
            return
        for wheel in self._tasks.wheels_of(node):  # may have been built by an earlier run, which had no store
            if self._record(wheel, wheel.key({})) is None:
                self._offer(wheel, wheel.key({}), {})
        promised, task = self._keys.get(node.name), self._tasks.of(node)
        key = self._key(task, digest)
        if task is not None and key is not None and (key == promised or isinstance(task, KeyedWheel)):
            self._offer(task, key, values)  # the key of a wheel is its digest, known when it is built

    def can_travel(self, node: TaskNode) -> bool:
        """Whether another machine can do a task: its kind of result is shared, and its inputs are files with roles."""
        task = self._tasks.of(node)
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
        task = self._tasks.of(node)
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
        task = self._tasks.of(node)
        key = self._key(task, digest)
        if task is None or key != result.key or not task.accepts(_digests(result)):
            return None
        self._found[key] = result
        if not self._fetch(key):
            return None
        return {**self._fetched.put_in_place(task, result), "seconds": result.seconds}

    def _offer(
        self, task: Keyed, key: str, values: Mapping[str, object], *, asked: bool = False
    ) -> ActionResult | None:
        """Write a result to the store, where others find it unless one machine has asked for it."""
        try:
            files = self._made.of(task, values, asked=asked)
        except (OSError, VenvstacksError):  # what cannot be read is not offered
            return None
        if not files or len(canonical_json(dict(values))) > _MOST_VALUES:
            return None
        try:
            result = ActionResult(
                key=key,
                task=task.node.name,
                outputs={
                    role: Blob(sha256=sha256_file(file), size=file.stat().st_size) for role, file in files.items()
                },
                seconds=seconds if isinstance(seconds := values.get("seconds"), float) else 0.0,
                made_with=dict(self.actions.configuration.tools),
                values={name: value for name, value in values.items() if name != "seconds"},  # type: ignore[misc]
            )
            if not task.accepts(_digests(result)):
                return None  # a file was changed meanwhile
            self.store.offer(result, files, recorded=not asked)
        except (OSError, ValidationError, InterruptedRunError):
            return None  # a file was removed meanwhile, or the run is ending: the task itself was done
        if not self.store.push:  # it has failed
            return None
        self._offered[key] = result
        return result

    def _key(self, task: Keyed | None, digest: Digest) -> str | None:
        if task is None:
            return None
        digests = {path: found for path in task.inputs if (found := digest(path)) is not None}
        key = task.key(digests) if digests.keys() == set(task.inputs) else None
        if key:
            self._keys[task.node.name] = key
        return key

    def _record(self, task: Keyed, key: str) -> ActionResult | None:
        """The record of a key, if it can be the result of the task."""
        if key not in self._found:
            result = self.store.record(key)
            self._found[key] = result if result is not None and task.accepts(_digests(result)) else None
        return self._found[key]

    def _fetch(self, key: str) -> bool:
        """Fetch all files of a result; one that cannot be had is forgotten."""
        result = self._found.get(key)
        if result is not None and not self._fetched.fetch(result):
            self._found[key] = result = None
        return result is not None


def _digests(result: ActionResult) -> dict[str, str]:
    return {role: blob.sha256 for role, blob in result.outputs.items()}
