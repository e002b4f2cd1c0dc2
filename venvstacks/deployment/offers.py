"""What a source of published layers offers, checked as a whole, and the layers that chosen applications need."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice

from venvstacks.archives.expected import check_path
from venvstacks.errors import DeployError, UsageError
from venvstacks.model.conventions import LayerKind
from venvstacks.model.platforms import TargetPlatform

_DIGEST = re.compile(r"[0-9a-f]{64}")
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_MOST_FAULTS = 100  # a longer list helps nobody
_APPLICATION_PREFIX = "app-"
MOST_DELTAS = 64
"""Deltas of one layer: publishing keeps fewer."""


@dataclass(frozen=True)
class OfferedFile:
    """A published file.

    Attributes:
        name: Its name, without a folder.
        size: Bytes.
        sha256: Hex digest.
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class OfferedDelta:
    """A delta between two versions of a layer, each named by the SHA-256 of its per-file manifest.

    Attributes:
        file: The delta.
        before: The version that it is applied to.
        after: The version that results.
    """

    file: OfferedFile
    before: str
    after: str


@dataclass(frozen=True)
class OfferedLayer:
    """A published layer, as far as deploying needs it.

    Attributes:
        name: Environment name.
        target: Deployed name: the archive's top folder.
        kind: Runtime, framework or application.
        python: `cpython@X.Y.Z`.
        platform: Name of its target platform.
        lock_version: Version of its lock.
        archive: The packed layer.
        files: Its per-file manifest.
        disk_size: Bytes that it takes on the disk when it is unpacked, approximately: each file takes whole blocks.
        runtime: Deployed name of the runtime below; None for runtimes.
        frameworks: Deployed names of all frameworks below, in import order.
        launch_module: Module that an application runs.
        deltas: Ways from earlier versions to this one.
        notes: Remarks for users, for runtimes.
    """

    name: str
    target: str
    kind: LayerKind
    python: str
    platform: str
    lock_version: int
    archive: OfferedFile
    files: OfferedFile
    disk_size: int
    runtime: str | None = None
    frameworks: tuple[str, ...] = ()
    launch_module: str | None = None
    deltas: tuple[OfferedDelta, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def lower(self) -> tuple[str, ...]:
        """Deployed names of all layers below."""
        return self.frameworks if self.runtime is None else (*self.frameworks, self.runtime)

    @property
    def application(self) -> str:
        """The application's name, as users give it."""
        return self.name.removeprefix(_APPLICATION_PREFIX)


def find_application(name: str, known: Collection[str]) -> str | None:
    """Which of the applications `known` (layer names) a user means by a layer name or an environment name.

    A layer's name may begin with `app-` itself, so a layer name has priority over an environment name.
    """
    candidates = name, name.removeprefix(_APPLICATION_PREFIX)
    return next((one for one in candidates if one in known), None)


@dataclass(frozen=True)
class Offer:
    """All layers that one source offers for one platform; made by `check_offer`.

    Attributes:
        source: Folder or URL, for messages.
        layers: By deployed name.
        release: What the publication is called; None if it was published without a release.
    """

    source: str
    layers: Mapping[str, OfferedLayer]
    release: str | None = None

    @cached_property
    def applications(self) -> Mapping[str, OfferedLayer]:
        """The applications by their layers' names, sorted."""
        found = {layer.application: layer for layer in self.layers.values() if layer.kind == "application"}
        return dict(sorted(found.items()))

    def closure(self, names: Iterable[str]) -> tuple[OfferedLayer, ...]:
        """The applications of these names and every layer that they need, those below first.

        Raises:
            UsageError: There is no such application.
        """
        targets: dict[str, OfferedLayer] = {}
        for name in names:
            found = find_application(name, self.applications)
            if found is None:
                known = ", ".join(self.applications) or "none"
                raise UsageError(
                    f"{self.source} has no application '{name}' for this machine", hint=f"it offers: {known}"
                )
            application = self.applications[found]
            for target in (*application.lower, application.target):
                targets[target] = self.layers[target]
        return tuple(sorted(targets.values(), key=lambda layer: (len(layer.lower), layer.target)))


def check_offer(
    source: str, layers: Iterable[OfferedLayer], platform: TargetPlatform, release: str | None = None
) -> Offer:
    """Check that a manifest is consistent, and is for this platform.

    Raises:
        DeployError: It is not; the error lists the faults.
    """
    listed = tuple(layers)
    by_target = {layer.target: layer for layer in listed}
    below = _masks(listed)
    found = chain(
        (f"{layer.name}: {fault}" for layer in listed for fault in _faults(layer, by_target, platform)),
        (f"{layer.name}: {fault}" for layer in listed for fault in _framework_faults(layer, by_target, below)),
        (f"{name}: listed twice" for field in ("name", "target") for name in _repeated(listed, field)),
    )
    faults = list(islice(found, _MOST_FAULTS))
    if next(found, None) is not None:
        faults.append("and more")
    if faults:
        raise DeployError(
            f"the manifest of {source} is not valid",
            details=tuple(faults),
            hint="publish the whole stack again, with one version of venvstacks",
        )
    return Offer(source, by_target, release)


def _repeated(layers: Iterable[OfferedLayer], field: str) -> list[str]:
    """Names that two layers share where file systems ignore case."""
    counts = Counter(getattr(layer, field).casefold() for layer in layers)
    return sorted(name for name, count in counts.items() if count > 1)


def _faults(layer: OfferedLayer, others: Mapping[str, OfferedLayer], platform: TargetPlatform) -> Iterator[str]:
    if layer.platform != platform.name:
        yield f"it is for {layer.platform}, and this machine is {platform.name}"
    published = (layer.archive, layer.files, *(delta.file for delta in layer.deltas))
    names = [layer.name, layer.target, *(file.name for file in published)]
    names += [layer.application] if layer.kind == "application" else []  # names a link to it
    for name in names:
        yield from _name_faults(name, platform)
    for file in published:
        if file.size < 0 or not _DIGEST.fullmatch(file.sha256):
            yield f"{file.name} has no proper size or SHA-256"
    if len(layer.deltas) > MOST_DELTAS:
        yield f"it lists more than {MOST_DELTAS} deltas"
    if layer.kind == "application" and not _MODULE.fullmatch(layer.launch_module or ""):
        yield f"{layer.launch_module!r} is no launch module"
    if (layer.kind == "runtime") != (layer.runtime is None):
        yield "a runtime needs no other runtime, and every other layer needs one"
    if layer.runtime is not None and (layer.runtime not in others or others[layer.runtime].kind != "runtime"):
        yield f"its runtime '{layer.runtime}' is missing"


def _name_faults(name: str, platform: TargetPlatform) -> Iterator[str]:
    try:
        check_path(name, platform)
    except ValueError as error:
        yield str(error)
        return
    if "/" in name or name.startswith("."):
        yield f"{name!r} is not the name of a visible file"


def _masks(layers: Iterable[OfferedLayer]) -> dict[str, int]:
    """The frameworks below each layer as bits of a number, by deployed name: comparing sets takes one step then."""
    numbers: dict[str, int] = {}
    masks = {}
    for layer in layers:
        bits = bytearray()
        for name in layer.frameworks:
            number = numbers.setdefault(name, len(numbers))
            bits += bytes(max(0, number // 8 + 1 - len(bits)))
            bits[number // 8] |= 1 << number % 8
        masks[layer.target] = int.from_bytes(bits, "little")
    return masks


def _is_part(some: int, more: int) -> bool:
    """Whether one set of bits is a proper subset of another."""
    return some != more and not some & ~more


def _framework_faults(
    layer: OfferedLayer, others: Mapping[str, OfferedLayer], below: Mapping[str, int]
) -> Iterator[str]:
    """What a framework needs must be below every layer that uses the framework: this also excludes cycles."""
    if len(set(layer.lower)) != len(layer.lower) or (layer.kind == "runtime" and layer.frameworks):
        yield "the layers below are listed wrongly"
    for name in layer.frameworks:
        lower = others.get(name)
        if lower is None or lower.kind != "framework":
            yield f"its framework '{name}' is missing"
        elif lower.runtime != layer.runtime or not _is_part(below[name], below[layer.target]):
            yield f"it does not list everything that '{name}' needs"
