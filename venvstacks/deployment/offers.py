"""What a source of published layers offers, checked as a whole, and the layers that chosen applications need."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from venvstacks.archives.expected import check_path
from venvstacks.errors import DeployError, UsageError
from venvstacks.model.conventions import LayerKind
from venvstacks.model.platforms import TargetPlatform

_DIGEST = re.compile(r"[0-9a-f]{64}")
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_APPLICATION_PREFIX = "app-"


@dataclass(frozen=True)
class OfferedFile:
    """A published file.

    Attributes:
        name: Its name beside the others.
        size: Bytes.
        sha256: Hex digest.
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class OfferedLayer:
    """A published layer, as far as deploying is concerned.

    Attributes:
        name: Environment name.
        target: Deployed name: the archive's top folder.
        kind: Runtime, framework or application.
        python: `cpython@X.Y.Z`.
        platform: Name of the platform that it is for.
        lock_version: Version of its lock.
        archive: The packed layer.
        files: Its per-file manifest.
        disk_size: Bytes that it takes unpacked, about: files begin in blocks of their own.
        runtime: Deployed name of the runtime below; None for runtimes.
        frameworks: Deployed names of all frameworks below, in import order.
        launch_module: What an application is run with.
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

    @property
    def lower(self) -> tuple[str, ...]:
        """Deployed names of all layers below."""
        return self.frameworks if self.runtime is None else (*self.frameworks, self.runtime)

    @property
    def application(self) -> str:
        """The name by which users know an application."""
        return self.name.removeprefix(_APPLICATION_PREFIX)


def find_application(name: str, known: Collection[str]) -> str | None:
    """Which of the applications `known` (layer names) a user means by a layer name or an environment name.

    A layer may be called `app-x` itself: a layer name goes before an environment name.
    """
    candidates = name, name.removeprefix(_APPLICATION_PREFIX)
    return next((one for one in candidates if one in known), None)


@dataclass(frozen=True)
class Offer:
    """All layers that one source offers for one platform; made by `check_offer`.

    Attributes:
        source: Folder or URL, for messages.
        layers: By deployed name.
    """

    source: str
    layers: Mapping[str, OfferedLayer]

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


def check_offer(source: str, layers: Iterable[OfferedLayer], platform: TargetPlatform) -> Offer:
    """See that a manifest holds together, and is for this platform.

    Raises:
        DeployError: It does not; tells every fault.
    """
    listed = tuple(layers)
    by_target = {layer.target: layer for layer in listed}
    faults = [f"{layer.name}: {fault}" for layer in listed for fault in _faults(layer, by_target, platform)]
    for field in ("name", "target"):
        values = [getattr(layer, field).casefold() for layer in listed]
        faults += [f"{value}: there twice" for value in sorted({value for value in values if values.count(value) > 1})]
    if faults:
        raise DeployError(
            f"the manifest of {source} does not hold together",
            details=tuple(faults),
            hint="publish the whole stack again, with one version of venvstacks",
        )
    return Offer(source, by_target)


def _faults(layer: OfferedLayer, others: Mapping[str, OfferedLayer], platform: TargetPlatform) -> Iterator[str]:
    if layer.platform != platform.name:
        yield f"it is for {layer.platform}, and this machine is {platform.name}"
    names = [layer.name, layer.target, layer.archive.name, layer.files.name]
    names += [layer.application] if layer.kind == "application" else []  # names a link to it
    for name in names:
        yield from _name_faults(name, platform)
    for file in (layer.archive, layer.files):
        if file.size < 0 or not _DIGEST.fullmatch(file.sha256):
            yield f"{file.name} has no proper size or SHA-256"
    if layer.kind == "application" and not _MODULE.fullmatch(layer.launch_module or ""):
        yield f"{layer.launch_module!r} is no launch module"
    if (layer.kind == "runtime") != (layer.runtime is None):
        yield "a runtime stands on none, and every other layer on one"
    if layer.runtime is not None and (layer.runtime not in others or others[layer.runtime].kind != "runtime"):
        yield f"its runtime '{layer.runtime}' is not there"
    yield from _framework_faults(layer, others)


def _name_faults(name: str, platform: TargetPlatform) -> Iterator[str]:
    try:
        check_path(name, platform)
    except ValueError as error:
        yield str(error)
        return
    if "/" in name or name.startswith("."):
        yield f"{name!r} is not the name of a visible file"


def _framework_faults(layer: OfferedLayer, others: Mapping[str, OfferedLayer]) -> Iterator[str]:
    """What is below a framework must be below whatever stands on it: that also rules out circles."""
    if len(set(layer.lower)) != len(layer.lower) or (layer.kind == "runtime" and layer.frameworks):
        yield "the layers below are listed wrongly"
    for name in layer.frameworks:
        lower = others.get(name)
        if lower is None or lower.kind != "framework":
            yield f"its framework '{name}' is not there"
        elif lower.runtime != layer.runtime or not set(lower.frameworks) < set(layer.frameworks):
            yield f"it does not list everything that '{name}' stands on"
