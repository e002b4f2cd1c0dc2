"""A layer to lock, how, and where the files of its lock are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from venvstacks.locking.adaptation import Adaptation
from venvstacks.locking.uv_variables import apply_variables, check_variables
from venvstacks.model.layout import StackLayout
from venvstacks.model.own_packages import OwnPackage
from venvstacks.model.specification import UvTable
from venvstacks.model.stack import Layer

LockPolicy = Literal["renew", "if-needed", "require-valid"]


@dataclass(frozen=True)
class LockRequest:
    """A layer to lock, and how.

    Attributes:
        layer: The layer; it has at least one target platform.
        uv: uv settings as written.
        layout: Paths of the project's files and folders.
        base: Absolute folder of the specification.
        policy: "renew" resolves in any case, "if-needed" only where the lock is not valid; "require-valid" locks a
            layer that has no lock of any form, and refuses one whose lock is not valid.
        ignore_pins: Resolve as if there were no earlier lock.
        local_wheel_dirs: Absolute folders of wheels to choose from, next to the indexes.
        use_index: Whether package indexes may be used.
        log: File that collects what uv prints, or None.
        upgrade: Resolve as if there were no earlier lock, and ignore cached answers of indexes.
        upgrade_packages: Normalised names of packages whose earlier versions are not kept.
        align: Whether to seek one version of each package for all targets.
        drafts: A folder that takes the place of the specification's for the files of locks: they are written there, and
            read from there where they exist. None for the specification's own.
        variables: Environment variables, of which some change uv's settings.
        locked: Whether the lock has to stay as it is, also where only a wheel from source has other bytes.
        labels: The labels of own packages, whose wheels are built before.
        adaptation: What lower layers are adapted to, or may be.
    """

    layer: Layer
    uv: UvTable
    layout: StackLayout
    base: Path
    policy: LockPolicy = "renew"
    ignore_pins: bool = False
    local_wheel_dirs: tuple[Path, ...] = ()
    use_index: bool = True
    log: Path | None = None
    upgrade: bool = False
    upgrade_packages: frozenset[str] = frozenset()
    align: bool = False
    drafts: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    locked: bool = False
    labels: Mapping[OwnPackage, str] = field(default_factory=dict)
    adaptation: Adaptation = field(default_factory=Adaptation)

    @cached_property
    def settings(self) -> UvTable:
        """The settings of uv for this resolution: as written, with what environment variables change.

        Raises:
            LockError: A variable sets something that locks do not support.
        """
        check_variables(self.uv, self.variables)
        return apply_variables(self.uv, self.variables)

    def lock_folder(self, layer: Layer) -> Path:
        """The folder that paths in the lock of a layer, this one or a lower one, are relative to; it may not exist."""
        return (self.base / self.layout.lock_file(layer)).parent


@dataclass(frozen=True)
class LockPaths:
    """The files of one layer's lock.

    Attributes:
        base: The folder that the layout is relative to.
        layout: Says where the files are.
        layer: The layer.
    """

    base: Path
    layout: StackLayout
    layer: Layer

    @classmethod
    def of(cls, request: LockRequest, layer: Layer) -> LockPaths:
        """Where the files of a layer are read: the request's own, or a lower one."""
        drafted = request.drafts is not None and (request.drafts / request.layout.lock_file(layer)).exists()
        return cls(request.drafts if drafted and request.drafts else request.base, request.layout, layer)

    @classmethod
    def to_write(cls, request: LockRequest) -> LockPaths:
        """Where the files of the request's layer are written."""
        return cls(request.drafts or request.base, request.layout, request.layer)

    @property
    def lock(self) -> Path:
        """The lock itself."""
        return self.base / self.layout.lock_file(self.layer)

    @property
    def metadata(self) -> Path:
        """What the lock was made from."""
        return self.base / self.layout.lock_metadata(self.layer)

    @property
    def requirements(self) -> Path:
        """What the layer declares."""
        return self.base / self.layout.declared_requirements(self.layer)

    @property
    def summary(self) -> Path:
        """The packages that the lock installs, for readers."""
        return self.base / self.layout.package_summary(self.layer)


def read_text(path: Path) -> str | None:
    """A file's text, or None if there is no such file; bytes that are not UTF-8 become replacement characters.

    Raises:
        OSError: It is there but cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None
