"""The files that results made on this machine consist of, and whether they are fit to be shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from venvstacks.actions.building.changed_environments import check_environments
from venvstacks.actions.table import TaskActions
from venvstacks.actions.wheels.wheel_tasks import pinned_wheel
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.model.stack import Layer
from venvstacks.records.published_metadata import read_metadata
from venvstacks.records.tree_records import RuntimeRecord
from venvstacks.sharing.action_key import ARCHIVE, PACKAGES, WHEEL, Keyed, KeyedTask, KeyedWheel


@dataclass(frozen=True)
class MadeFiles:
    """Finds the files of results; used by several threads.

    Attributes:
        actions: The project's actions.
        sound: Names of environments, and whether they are as they were built.
    """

    actions: TaskActions
    sound: dict[str, bool]

    def of(self, task: Keyed, values: Mapping[str, object], *, asked: bool) -> dict[str, Path]:
        """The files of a result, by role; empty where it is not to be shared unless asked for.

        Args:
            task: The task.
            values: What was recorded about it.
            asked: Whether one machine asks for this very result.

        Raises:
            OSError: A file cannot be read.
            VenvstacksError: A record cannot be read.
        """
        if isinstance(task, KeyedWheel):
            return self._wheel(task.node)
        if task.node.kind == "archive":
            return self._archive(task.node) if asked or values.get("written") else {}
        if task.node.kind == "check" and values.get("warnings") and not asked:
            return {}  # this machine lacks something
        files = {role: self.actions.base / path for role, path in task.outputs.items() if path}
        if task.node.kind == "build":
            return files if self._is_as_promised(task) else {}
        return files if all(self._is_sound(layer) for layer in (task.layer, *task.layer.below)) else {}

    def _is_as_promised(self, task: KeyedTask) -> bool:
        """Whether an environment that was just built is of the Python that its key names."""
        self.sound[task.layer.env_name] = True
        if task.source is None:
            return True
        record = RuntimeRecord.load(self.actions.base / self.actions.configuration.layout.record("runtime", task.layer))
        return record.provider == task.source["provider"]

    def _archive(self, node: TaskNode) -> dict[str, Path]:
        metadata = read_metadata(self.actions.base / node.outputs[0])
        if metadata is None or metadata.archive_name is None or metadata.product.package_list is None:
            return {}
        folder = self.actions.base / self.actions.configuration.layout.artifacts
        return {ARCHIVE: folder / metadata.archive_name, PACKAGES: folder / metadata.product.package_list.name}

    def _wheel(self, node: TaskNode) -> dict[str, Path]:
        pin = pinned_wheel(self.actions, node)
        label = node.name.partition(":")[2]
        return {WHEEL: self.actions.base / self.actions.configuration.layout.own_wheel(label) / pin.file} if pin else {}

    def _is_sound(self, layer: Layer) -> bool:
        """Whether an environment is as it was built: in this run, or by comparison."""
        if layer.env_name not in self.sound:
            configuration = self.actions.configuration
            assert configuration.platform is not None  # noqa: S101 - nothing is shared without one
            changed = check_environments([layer], configuration.platform, configuration.layout, self.actions.base)
            self.sound[layer.env_name] = not changed
        return self.sound[layer.env_name]
