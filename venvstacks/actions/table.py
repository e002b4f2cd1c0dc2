"""The table from kinds of tasks to the actions that do them, and what is known about their results.

Actions are imported when a task of their kind runs: a run with nothing to do is over before they would be loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venvstacks.actions.locking.lock_request import LockRequest
from venvstacks.actions.locking.lock_validity import is_refused, lock_reasons
from venvstacks.actions.run_options import RunOptions
from venvstacks.graph.compiler import ARCHIVE_MANIFEST
from venvstacks.graph.configuration import Configuration
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.model.stack import Layer, Stack
from venvstacks.reasons import Reason
from venvstacks.tools.tree_removal import remove_tree

if TYPE_CHECKING:
    from venvstacks.actions.locking.lock import LockResult
    from venvstacks.actions.publishing.publish import ReadyArchive
    from venvstacks.actions.toolset import Tools
    from venvstacks.records.remembered_digests import RememberedDigests
    from venvstacks.runtimes.provider_request import ArchiveSource


@dataclass(frozen=True)
class TaskActions:
    """Does the tasks of one stack.

    Attributes:
        stack: The stack.
        configuration: What tasks depend on apart from the stack.
        base: The specification's folder.
        options: What this run wants.
        variables: This program's own environment variables.
        digests: Gives the digests of input files.
        make_tools: Makes what actions work with; a run with nothing to do needs none.
    """

    stack: Stack
    configuration: Configuration
    base: Path
    options: RunOptions
    variables: Mapping[str, str] = field(repr=False)  # may hold passwords
    digests: RememberedDigests
    make_tools: Callable[[], Tools]

    @cached_property
    def tools(self) -> Tools:
        """What actions work with; made at the first use, which has to come before threads are started."""
        return self.make_tools()

    def perform(self, node: TaskNode) -> Mapping[str, object]:
        """Do a task and return what is to be recorded about it.

        Raises:
            VenvstacksError: It failed.
        """
        remove_tree(self.log(node.name))
        return self._actions[node.kind](node)

    @cached_property
    def _actions(self) -> Mapping[str, Callable[[TaskNode], Mapping[str, object]]]:
        return {
            "wheel": self._wheel,
            "lock": self._lock,
            "build": self._build,
            "link": self._link,
            "check": self._check,
            "archive": self._archive,
            "export": self._export,
            "manifest": self._manifest,
        }

    def describe_staleness(self, node: TaskNode) -> tuple[Reason, ...]:
        """Why the outputs of a self-described task (a lock, a wheel, a manifest) are not valid; empty if they are."""
        if node.kind == "lock":
            return lock_reasons(self.for_lock(self.layer(node)), self.digests)
        if node.kind == "wheel":
            from venvstacks.actions.wheels.wheel_tasks import wheel_staleness  # noqa: PLC0415 - few have own packages

            return wheel_staleness(self, node)
        from venvstacks.actions.publishing.result_checks import manifest_reasons  # noqa: PLC0415

        return manifest_reasons(node, self.base, self.configuration.release)

    def lost_results(self, nodes: Iterable[TaskNode]) -> dict[str, tuple[Reason, ...]]:
        """Results that are no longer what their tasks have recorded, by task."""
        from venvstacks.actions.publishing.result_checks import lost_results  # noqa: PLC0415 - only to publish

        published = [node for node in nodes if node.kind in {"archive", "export", "manifest"}]
        return lost_results(published, self.base, self.configuration.layout.export) if published else {}

    def refuses(self, node: TaskNode) -> bool:
        """Whether doing a task that is stale would fail: a lock that is there and may not be renewed."""
        return node.kind == "lock" and is_refused(self.for_lock(self.layer(node)), self.digests)

    def removable_files(self, node: TaskNode) -> tuple[Path, ...]:
        """Files and folders that a task writes and can write again; none for locks, which belong to the user."""
        from venvstacks.actions.leftovers import removable_files  # noqa: PLC0415 - only to clean

        return removable_files(node, self.stack, self.configuration, self.base)

    def log(self, task: str) -> Path:
        """The file that collects the output of a task's child processes."""
        return self.base / self.configuration.layout.log(task)

    def layer(self, node: TaskNode) -> Layer:
        """The layer that a task is for."""
        return self.stack.by_env_name[node.env_name]

    def for_lock(self, layer: Layer) -> LockRequest:
        """What the lock task of a layer asks for."""
        options, task = self.options, f"lock:{layer.env_name}"
        renewed = task in options.renewed_locks
        return LockRequest(
            layer=layer,
            uv=self.stack.uv,
            layout=self.configuration.layout,
            base=self.base,
            policy="renew" if renewed else "require-valid" if options.locked else options.lock_policy,
            locked=options.locked,
            ignore_pins=options.clean or layer.env_name in options.reset_locks,
            local_wheel_dirs=options.local_wheel_folders,
            use_index=options.use_index,
            log=None if options.drafts else self.log(task),
            upgrade=options.upgrade and renewed,
            upgrade_packages=options.upgrade_packages,
            align=options.align,
            drafts=options.drafts,
            variables=self.variables,
            labels={package: label for label, package in self.stack.own_packages.items()},
            adaptation=options.adaptation,
        )

    @property
    def platform(self) -> TargetPlatform:
        """The platform that layers are built for; only lock and wheel tasks do without one."""
        assert self.configuration.platform is not None  # noqa: S101 - without one only lock tasks are compiled
        return self.configuration.platform

    @property
    def emulator(self) -> tuple[str, ...]:
        """The start of the commands that run programs of that platform; empty for none."""
        from venvstacks.actions.emulation import find_emulator  # noqa: PLC0415 - to build for other platforms

        return find_emulator(self.configuration.emulator, self.platform, self.base, self.variables.get("PATH"))

    def runtime_archives(self, python: PythonImplementation) -> dict[str, ArchiveSource]:
        """The archives that the specification names for a Python, by platform."""
        archives = self.stack.settings.runtime_archives.get(str(python))
        if not archives:
            return {}
        from venvstacks.runtimes.provider_request import ArchiveSource  # noqa: PLC0415

        return {name: ArchiveSource(self._address(source.url), source.sha256) for name, source in archives.items()}

    def _address(self, url: str) -> str:
        return url if "://" in url else str(self.base / url)

    def _wheel(self, node: TaskNode) -> Mapping[str, object]:
        from venvstacks.actions.wheels.wheel_tasks import build_wheel  # noqa: PLC0415

        return build_wheel(self, node)

    def lock(self, node: TaskNode) -> LockResult:
        """Do a lock task and return its whole result.

        Raises:
            LockError: It failed.
        """
        from venvstacks.actions.locking.lock import lock_layer  # noqa: PLC0415

        return lock_layer(self.for_lock(self.layer(node)), self.tools)

    def _lock(self, node: TaskNode) -> Mapping[str, object]:
        result = self.lock(node)
        values: dict[str, object] = {"resolved": result.resolved, "changed": result.changed}
        values["version"] = result.metadata.lock_version
        if result.changes:
            values["changes"] = result.changes.as_json()
        notes = [*result.notes, *(self._missing_runtimes(self.layer(node)) if result.resolved else ())]
        return {**values, "notes": notes} if notes else values

    def _missing_runtimes(self, layer: Layer) -> Iterator[str]:
        """Sentences about platforms of a runtime that could be locked, but not built from the standalone Pythons."""
        if layer.runtime is not None or "standalone" not in self.configuration.runtime_providers:
            return
        from venvstacks.runtimes.provider_request import RuntimeRequest  # noqa: PLC0415
        from venvstacks.runtimes.standalone_provider import missing_build  # noqa: PLC0415 - to lock runtimes alone

        archives = self.runtime_archives(layer.python)
        reasons: dict[str, list[str]] = {}
        for platform in layer.platforms:
            missing = missing_build(RuntimeRequest(layer.python, platform))
            if missing and platform.name not in archives:
                reason = f"{missing.message.removesuffix(f' for {platform.name}')}; {missing.hint}"
                reasons.setdefault(reason, []).append(platform.name)
        for reason, names in reasons.items():
            yield f"layer '{layer.name}' cannot be built for {', '.join(names)}: {reason}"

    def _build(self, node: TaskNode) -> Mapping[str, object]:
        from venvstacks.actions.building.build import build_layer  # noqa: PLC0415
        from venvstacks.actions.task_requests import for_build  # noqa: PLC0415

        if self.options.clean:
            remove_tree(self.base / self.configuration.layout.environment(self.layer(node)))
        return build_layer(for_build(self, node), self.tools)

    def _link(self, node: TaskNode) -> Mapping[str, object]:
        from venvstacks.actions.linking.link import link_layer  # noqa: PLC0415
        from venvstacks.actions.task_requests import for_link  # noqa: PLC0415

        return link_layer(for_link(self, node), self.tools)

    def _check(self, node: TaskNode) -> Mapping[str, object]:
        imported = self._check_imports(node) if self.configuration.imports_layers else {}
        read = self._check_headers(node) if self.configuration.reads_headers else {}
        found: tuple[Mapping[str, Any], ...] = (imported, read)
        warnings = [text for values in found for text in values.get("warnings", ())]
        return {**imported, **read, **({"warnings": warnings} if warnings else {})}

    def _check_imports(self, node: TaskNode) -> Mapping[str, object]:
        from venvstacks.actions.building.import_check import check_layer  # noqa: PLC0415
        from venvstacks.actions.task_requests import for_import_check  # noqa: PLC0415

        return check_layer(for_import_check(self, node), self.tools)

    def _check_headers(self, node: TaskNode) -> Mapping[str, object]:
        from venvstacks.actions.building.check_headers import check_headers  # noqa: PLC0415
        from venvstacks.actions.task_requests import for_header_check  # noqa: PLC0415

        return check_headers(for_header_check(self, node))

    def _archive(self, node: TaskNode) -> Mapping[str, object]:
        return self.archive(node)

    def archive(self, node: TaskNode, ready: ReadyArchive | None = None) -> Mapping[str, object]:
        """Do an archive task, with an archive that another machine has packed where there is one.

        Raises:
            PublishError: It failed.
        """
        from venvstacks.actions.publishing.publish import archive_layer  # noqa: PLC0415
        from venvstacks.actions.task_requests import archive_options, published_layer  # noqa: PLC0415

        return archive_layer(published_layer(self, node), archive_options(self), self.tools, ready)

    def _export(self, node: TaskNode) -> Mapping[str, object]:
        from venvstacks.actions.publishing.export import export_layer  # noqa: PLC0415
        from venvstacks.actions.task_requests import export_options, published_layer  # noqa: PLC0415

        return export_layer(published_layer(self, node), export_options(self), self.log(node.name), self.tools)

    def _manifest(self, node: TaskNode) -> Mapping[str, object]:
        from venvstacks.actions.publishing.manifests import publish_manifest, write_manifest  # noqa: PLC0415

        place = self.base / node.outputs[0]
        if node.name != ARCHIVE_MANIFEST:
            return write_manifest(self._gathered(node), place, self.configuration.release)
        tagged = self.configuration.tag is not None
        release = self.configuration.release
        return publish_manifest(self._gathered(node), place, self.tools.now(), tagged=tagged, release=release)

    def _gathered(self, node: TaskNode) -> tuple[Path, ...]:
        return tuple(self.base / path for path in node.gathers)
