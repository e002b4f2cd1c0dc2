"""An own package to build, and whether the wheel that is there is still right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.digests import TreeEntry, prefixed, sha256_json, tree_digest
from venvstacks.errors import LockError
from venvstacks.locking.lock_inputs import source_table
from venvstacks.model.layout import StackLayout
from venvstacks.model.own_packages import OwnPackage
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.specification import UvTable
from venvstacks.model.stack import Layer
from venvstacks.reasons import Reason, compare_settings
from venvstacks.records.wheel_pins import WheelPin, read_pin

if TYPE_CHECKING:
    from venvstacks.runtimes.provider_request import ArchiveSource

_FIRST_EPOCH = 315532800
"""1980-01-01: the earliest time that a wheel, which is a zip file, can hold."""


@dataclass(frozen=True)
class OwnWheelRequest:
    """An own package to build.

    Attributes:
        package: The package.
        label: The name of its task, after the kind.
        layer: A layer that needs it: its indexes and oldest systems hold for the build.
        uv: uv's settings.
        layout: Paths of the project's files and folders.
        base: The specification's folder.
        platform: The platform of this machine; None if it is none of the target platforms.
        log: File that collects what git and uv print.
        providers: Where Pythons come from, in order.
        archives: What provider `archive` offers for the package's Python.
        local_wheel_dirs: Folders of local wheels, for the build's requirements.
        use_index: Whether package indexes may be asked.
        epoch: Value of `SOURCE_DATE_EPOCH`; None for the earliest time that wheels can hold.
        upgrade: Whether branches move on, and the build's requirements are chosen again.
    """

    package: OwnPackage
    label: str
    layer: Layer
    uv: UvTable
    layout: StackLayout
    base: Path
    platform: TargetPlatform | None
    log: Path
    providers: tuple[str, ...] = ()
    archives: Mapping[str, ArchiveSource] = field(default_factory=dict)
    local_wheel_dirs: tuple[Path, ...] = ()
    use_index: bool = True
    epoch: int | None = None
    upgrade: bool = False

    @property
    def pin_path(self) -> Path:
        """The file of the pin."""
        return self.base / self.layout.wheel_pin(self.label)

    @property
    def folder(self) -> Path:
        """The folder of the wheel."""
        return self.base / self.layout.own_wheel(self.label)

    @property
    def source_date_epoch(self) -> int:
        """The time that the build may write into the wheel."""
        return max(self.epoch or 0, _FIRST_EPOCH)

    def source_settings(self) -> dict[str, str]:
        """The source as pins have it."""
        return source_table(self.package.source)

    def pin(self) -> WheelPin | None:
        """The present pin; None if there is none.

        Raises:
            LockError: It cannot be read.
        """
        try:
            return read_pin(self.pin_path)
        except OSError as error:
            raise LockError(f"the pin of wheel {self.label} cannot be read: {error}") from error

    def digest_of_files(self, hash_file: Callable[[Path], str]) -> str | None:
        """The digest of the source's files; None for sources that are not on this machine.

        Raises:
            OSError: A file cannot be read.
        """
        tree = self.package.tree
        if tree is None:
            return None
        digest = tree_digest(self._entries(hash_file)) if tree.is_package else hash_file(self.base / tree.path)
        version = self.package.git_version
        return prefixed(sha256_json([digest, version.prefix, version.tag]) if version else digest)

    def _entries(self, hash_file: Callable[[Path], str]) -> Iterator[TreeEntry]:
        tree = self.package.tree
        for name in tree.files if tree else ():
            assert tree is not None  # noqa: S101 - for the type checker
            yield TreeEntry(name, sha256=hash_file(self.base / tree.place_of(name)), executable=name in tree.executable)


def wheel_reasons(request: OwnWheelRequest, hash_file: Callable[[Path], str]) -> tuple[Reason, ...]:
    """Why the wheel of an own package has to be built; empty if it is there and right.

    Args:
        request: The package.
        hash_file: Gives a file's SHA-256.

    Raises:
        LockError: The pin or the source cannot be read.
    """
    pin = request.pin()
    if pin is None:
        return (Reason("missing output", request.layout.wheel_pin(request.label)),)
    reasons = [*compare_settings(dict(pin.source), dict(request.source_settings()))]
    reasons += compare_settings({"python": pin.python}, {"python": str(request.package.python)})
    try:
        digest = request.digest_of_files(hash_file)
        if digest is not None and digest != pin.digest:
            reasons.append(Reason("changed input", f"source of {pin.name}", _short(pin.digest or ""), _short(digest)))
        wheel = request.folder / pin.file
        if not wheel.is_file() or prefixed(hash_file(wheel)) != pin.wheel:
            reasons.append(Reason("missing output", f"{request.layout.own_wheel(request.label)}/{pin.file}"))
    except OSError as error:
        raise LockError(f"the source of own package '{pin.name}' cannot be read: {error}") from error
    machine = request.platform.name if request.platform else None
    if pin.platform not in {None, machine}:
        reasons.append(Reason("changed setting", "platform", pin.platform, machine))
    return tuple(reasons)


def _short(digest: str) -> str:
    return digest[: len("sha256:") + 8]
