"""The configuration of a project: what tasks depend on apart from the stack itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from venvstacks.model.conventions import Bytecode, LinkMode
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import TargetPlatform


@dataclass(frozen=True)
class Configuration:
    """What tasks depend on apart from the stack itself.

    Attributes:
        platform: The platform that environments are built for; None if this machine's platform is not supported.
        host: The platform of this machine, which builds wheels; None if it is not supported.
        emulator: Start of the commands that run programs of `platform` on this machine, if it needs one and has one.
        layout: Paths of the project's files and folders.
        tools: Versions of the tools that shape results, by name.
        archive_format: Format of archives.
        archive_level: Compression level, or None for the format's default.
        kept_format: Whether the format is that of the original's publications in the folder of archives.
        epoch: The time that archived files carry, in seconds since 1970; None for the times of the locks.
        tag_outputs: Whether published names carry platform and build number.
        release: What publications are called, a normalised version; None derives it from the times of the locks.
        local_wheels: Wheel files of the local wheel folders, relative to the specification's folder.
        check_imports: Whether to check that linked layers can be imported.
        check_headers: Whether to check the headers of their compiled files as well, where they can be imported.
        scripts: Whether console and GUI scripts of packages become launchers; otherwise they are removed.
        bytecode: When bytecode is made: `on-deploy`, `shipped` or `none`.
        link_mode: How files get into exports: `clone`, `copy` or `hardlink`.
        runtime_providers: Where Pythons come from, in order.
    """

    platform: TargetPlatform | None
    layout: StackLayout = field(default_factory=StackLayout)
    host: TargetPlatform | None = None
    emulator: tuple[str, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)
    archive_format: str = "tar.zst"
    archive_level: int | None = None
    kept_format: bool = False
    epoch: int | None = None
    tag_outputs: bool = False
    release: str | None = None
    local_wheels: tuple[str, ...] = ()
    check_imports: bool = True
    check_headers: bool = False
    scripts: bool = True
    bytecode: Bytecode = "on-deploy"
    link_mode: LinkMode = "clone"
    runtime_providers: tuple[str, ...] = ("standalone",)

    @property
    def tag(self) -> str | None:
        """The platform's name if outputs are tagged; otherwise None."""
        return self.platform.name if self.tag_outputs and self.platform else None

    @property
    def is_foreign(self) -> bool:
        """Whether the environments are for another platform than this machine's."""
        return self.layout.foreign is not None

    @property
    def can_start(self) -> bool:
        """Whether this machine can start programs of the target platform."""
        return not self.is_foreign or bool(self.emulator)

    @property
    def imports_layers(self) -> bool:
        """Whether what layers declare is imported."""
        return self.check_imports and self.can_start

    @property
    def reads_headers(self) -> bool:
        """Whether layers are checked by the headers of their compiled files: always where they cannot be imported."""
        return self.check_imports and (self.check_headers or not self.can_start)
