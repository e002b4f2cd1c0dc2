"""The tasks of a project whose results may be shared, with what their keys are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from venvstacks.actions.table import TaskActions
from venvstacks.actions.wheels.wheel_tasks import pinned_wheel
from venvstacks.errors import LockError
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.sharing.action_key import SHARED_KINDS, Keyed, KeyedTask, KeyedWheel
from venvstacks.sharing.runtime_source import runtime_source


@dataclass(frozen=True)
class KeyedTasks:
    """Finds out what a key depends on beyond the task itself; used by several threads.

    Attributes:
        actions: The project's actions.
        sources: What runtimes are made from, by task, as far as it was asked for.
    """

    actions: TaskActions
    sources: dict[str, Mapping[str, str] | None] = field(default_factory=dict)

    def of(self, node: TaskNode) -> Keyed | None:
        """The task with what its key is made of; None if its result is not shared."""
        if node.kind == "wheel":
            return self._wheel(node)
        if node.kind not in SHARED_KINDS:
            return None
        layer = self.actions.stack.by_env_name[node.env_name]
        configuration = self.actions.configuration
        source = None
        if node.kind == "build" and layer.runtime is None:
            if node.name not in self.sources:
                self.sources[node.name] = runtime_source(layer, self.actions.stack, configuration)
            source = self.sources[node.name]
        return KeyedTask(node, layer, configuration, source)

    def wheels_of(self, node: TaskNode) -> Iterator[KeyedWheel]:
        """The wheels of own packages that a build task installs, as far as they are pinned."""
        pin_of = self.actions.configuration.layout.wheel_pin
        for name in node.after if node.kind == "build" else ():
            wheel = self._wheel(TaskNode(name, "wheel", "", outputs=(pin_of(name.partition(":")[2]),)))
            if wheel is not None:
                yield wheel

    def _wheel(self, node: TaskNode) -> KeyedWheel | None:
        try:
            pin = pinned_wheel(self.actions, node)
        except LockError:  # the task says so
            return None
        return KeyedWheel(node, pin.wheel.removeprefix("sha256:")) if pin else None
