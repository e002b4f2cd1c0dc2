"""The request for each task: what an action needs to know, from the stack, the configuration and the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.actions.locking.lock_request import LockPolicy, LockRequest
from venvstacks.actions.wheels.wheel_request import OwnWheelRequest
from venvstacks.graph.compiler import Configuration
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.locking.adaptation import Adaptation
from venvstacks.locking.uv_variables import apply_variables
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.model.stack import Layer, Stack

if TYPE_CHECKING:
    from venvstacks.actions.building.build import BuildRequest
    from venvstacks.actions.building.check_headers import HeaderCheckRequest
    from venvstacks.actions.building.import_check import CheckRequest
    from venvstacks.actions.linking.link_request import LinkRequest
    from venvstacks.actions.publishing.export import ExportOptions
    from venvstacks.actions.publishing.layer_metadata import PublishedLayer
    from venvstacks.actions.publishing.publish import ArchiveOptions
    from venvstacks.actions.publishing.published_deltas import OlderPublication
    from venvstacks.runtimes.provider_request import ArchiveSource

# Requests of tasks other than locks and wheels are imported when such a task runs.


@dataclass(frozen=True)
class RunOptions:
    """Options of one run; nothing here is part of a task's fingerprint.

    Attributes:
        lock_policy: Whether locks that are not valid are renewed, or only those that are missing.
        locked: Whether every lock has to stay as it is.
        renewed_locks: Names of lock tasks that resolve again even if the lock is valid.
        reset_locks: Names of environments whose earlier pins are dropped.
        clean: Whether environments are removed before they are built, and pins dropped before they are locked.
        use_index: Whether package indexes may be asked.
        local_wheel_folders: Folders of local wheels.
        force_archives: Whether archives are written even if their metadata is current.
        upgrade: Whether renewed locks are resolved without regard to their earlier versions.
        upgrade_packages: Normalised names of packages whose earlier versions are not kept.
        align: Whether one version of each package is sought for all targets.
        drafts: A folder that lock files are written to instead of their places, or None.
        adaptation: What lower layers are locked with because layers above need it.
        older: Publications that deltas are made from.
    """

    lock_policy: LockPolicy = "if-needed"
    locked: bool = False
    renewed_locks: frozenset[str] = frozenset()
    reset_locks: frozenset[str] = frozenset()
    clean: bool = False
    use_index: bool = True
    local_wheel_folders: tuple[Path, ...] = ()
    force_archives: bool = False
    upgrade: bool = False
    upgrade_packages: frozenset[str] = frozenset()
    align: bool = False
    drafts: Path | None = None
    adaptation: Adaptation = field(default_factory=Adaptation)
    older: tuple[OlderPublication, ...] = ()


@dataclass(frozen=True)
class TaskRequests:
    """Makes the requests for the tasks of one stack.

    Attributes:
        stack: The stack.
        configuration: What tasks depend on apart from the stack.
        base: The specification's folder.
        options: What this run wants.
        variables: This program's own environment variables.
    """

    stack: Stack
    configuration: Configuration
    base: Path
    options: RunOptions
    variables: Mapping[str, str] = field(repr=False)  # may hold passwords

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

    def for_wheel(self, label: str) -> OwnWheelRequest:
        """What the wheel task of an own package asks for."""
        package, options = self.stack.own_packages[label], self.options
        layer = next(layer for layer in self.stack.layers if any(use.package == package for use in layer.own))
        upgraded = options.upgrade or package.name in options.upgrade_packages
        return OwnWheelRequest(
            package=package,
            label=label,
            layer=layer,
            uv=apply_variables(self.stack.uv, self.variables),
            layout=self.configuration.layout,
            base=self.base,
            platform=self.configuration.host,
            log=self.log(f"wheel:{label}"),
            providers=self.configuration.runtime_providers,
            archives=self.runtime_archives(package.python),
            local_wheel_dirs=options.local_wheel_folders,
            use_index=options.use_index,
            epoch=self.configuration.epoch,
            upgrade=upgraded and options.drafts is None,
        )

    def for_build(self, node: TaskNode) -> BuildRequest:
        """What a build task asks for."""
        from venvstacks.actions.building.build import BuildRequest  # noqa: PLC0415

        layer = self.layer(node)
        return BuildRequest(
            layer=layer,
            platform=self._platform,
            layout=self.configuration.layout,
            base=self.base,
            log=self.log(node.name),
            host=self.configuration.host,
            uv=apply_variables(self.stack.uv, self.variables),
            providers=self.configuration.runtime_providers,
            archives=self.runtime_archives(layer.python),
            scripts=self.configuration.scripts,
            use_index=self.options.use_index,
        )

    def for_link(self, node: TaskNode) -> LinkRequest:
        """What a link task asks for."""
        from venvstacks.actions.linking.link_request import LinkRequest  # noqa: PLC0415

        return LinkRequest(
            layer=self.layer(node),
            platform=self._platform,
            layout=self.configuration.layout,
            base=self.base,
            log=self.log(node.name),
            bytecode=self.configuration.bytecode,
            emulator=self._emulator if self.configuration.bytecode == "shipped" else (),
        )

    def for_header_check(self, node: TaskNode) -> HeaderCheckRequest:
        """What reading the headers of compiled files asks for."""
        from venvstacks.actions.building.check_headers import HeaderCheckRequest  # noqa: PLC0415

        return HeaderCheckRequest(self.layer(node), self._platform, self.configuration.layout, self.base)

    def for_import_check(self, node: TaskNode) -> CheckRequest:
        """What importing a layer's packages asks for.

        Raises:
            BuildError: The emulator that it needs is not on this machine.
        """
        from venvstacks.actions.building.import_check import CheckRequest  # noqa: PLC0415

        layout = self.configuration.layout
        return CheckRequest(
            self.layer(node), self._platform, layout, self.base, self.log(node.name), emulator=self._emulator
        )

    def archive_options(self) -> ArchiveOptions:
        """How archives are written."""
        from venvstacks.actions.publishing.publish import ArchiveOptions  # noqa: PLC0415

        configuration = self.configuration
        return ArchiveOptions(
            configuration.archive_format,
            configuration.archive_level,
            configuration.tag_outputs,
            self.options.force_archives,
            configuration.epoch,
            configuration.kept_format,
            self.options.older,
        )

    def export_options(self) -> ExportOptions:
        """How exports are written."""
        from venvstacks.actions.publishing.export import ExportOptions  # noqa: PLC0415

        return ExportOptions(self.configuration.link_mode, self.configuration.bytecode)

    def published_layer(self, node: TaskNode) -> PublishedLayer:
        """The layer of an archive or export task, as publishing sees it."""
        from venvstacks.actions.publishing.layer_metadata import PublishedLayer  # noqa: PLC0415

        configuration = self.configuration
        return PublishedLayer(
            self.layer(node),
            self._platform,
            configuration.layout,
            self.base,
            configuration.tools,
            reads_headers=configuration.reads_headers,
        )

    def runtime_archives(self, python: PythonImplementation) -> dict[str, ArchiveSource]:
        """The archives that the specification names for a Python, by platform."""
        archives = self.stack.settings.runtime_archives.get(str(python))
        if not archives:
            return {}
        from venvstacks.runtimes.provider_request import ArchiveSource  # noqa: PLC0415

        return {name: ArchiveSource(self._address(source.url), source.sha256) for name, source in archives.items()}

    def _address(self, url: str) -> str:
        return url if "://" in url else str(self.base / url)

    @property
    def _platform(self) -> TargetPlatform:
        assert self.configuration.platform is not None  # noqa: S101 - without one only lock tasks are compiled
        return self.configuration.platform

    @property
    def _emulator(self) -> tuple[str, ...]:
        from venvstacks.actions.emulation import find_emulator  # noqa: PLC0415 - to build for other platforms

        return find_emulator(self.configuration.emulator, self._platform, self.base, self.variables.get("PATH"))
