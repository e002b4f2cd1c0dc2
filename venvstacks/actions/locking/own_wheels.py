"""Wheels of own packages while a layer is locked: their pins, their addresses for uv, and where they come from.

A package with a declared source never comes from an index instead. Where only another package needs it, or where a
project takes it from a source of its own, locking fails and says what to write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import parse_wheel_filename

from venvstacks.actions.locking.lock_request import LockRequest
from venvstacks.digests import sha256_file
from venvstacks.errors import LockError
from venvstacks.locking.locks import LayerLock, LockedPackage, Provision, ResolvedPackage, Wheel
from venvstacks.model.own_packages import OwnPackage, OwnUse
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.sources import parse_sources
from venvstacks.records.wheel_pins import WheelPin, read_pin


@dataclass(frozen=True)
class OwnWheel:
    """An own package of the layer that is locked, with its pin and wheel."""

    use: OwnUse
    pin: WheelPin
    wheel: Path


def own_wheels(request: LockRequest) -> tuple[OwnWheel, ...]:
    """The own packages of a layer that were built.

    Raises:
        LockError: A wheel has not been built.
    """
    found = []
    for use in request.layer.own:
        if use.package.is_wheel:
            continue
        label = request.labels[use.package]
        pin = read_pin(request.base / request.layout.wheel_pin(label))
        folder = request.base / request.layout.own_wheel(label)
        if pin is None or not (folder / pin.file).is_file():
            raise LockError(
                f"layer '{request.layer.env_name}' cannot be locked: the wheel of '{use.package.name}' is not built",
                hint=f"build its wheel first: `venvstacks lock` does, and so does the task wheel:{label}",
            )
        found.append(OwnWheel(use, pin, folder / pin.file))
    return tuple(found)


def own_addresses(request: LockRequest) -> dict[str, dict[str, tuple[str, str]]]:
    """Target name to package name to version and address of the wheel, for everything that a layer has sources for.

    Raises:
        LockError: A wheel is missing, or is for another platform than that of the layer.
    """
    addresses: dict[str, dict[str, tuple[str, str]]] = {target.name: {} for target in request.layer.platforms}
    missing: list[str] = []
    for use in request.layer.own:
        if use.package.is_wheel:
            for name in use.targets:
                addresses[name][use.package.name] = _given_wheel(request, use.package)
    for own in own_wheels(request):
        for target in request.layer.platforms:
            if target.name not in own.use.targets:
                continue
            wheel = _wheel_for(request, own, target)
            if wheel is None:
                missing.append(f"{own.pin.name} {own.pin.version}: built for {own.pin.platform}, not for {target.name}")
            else:
                addresses[target.name][own.pin.name] = own.pin.version, wheel.as_uri()
    if missing:
        raise LockError(
            f"layer '{request.layer.env_name}' cannot be locked: wheels of own packages are for one platform only",
            details=tuple(missing),
            hint="build them on the other platforms and give them with --local-wheels, or narrow `platforms`",
        )
    return addresses


def _given_wheel(request: LockRequest, package: OwnPackage) -> tuple[str, str]:
    source = package.source
    if source.path is None:
        return _version(source.address.rpartition("/")[2]), source.url or ""
    place = request.base / source.path
    return _version(place.name), place.absolute().as_uri()


def _version(file: str) -> str:
    return str(parse_wheel_filename(file)[1])


def _wheel_for(request: LockRequest, own: OwnWheel, target: TargetPlatform) -> Path | None:
    """The wheel of an own package for a target: the one that was built here, or one in the folders of local wheels."""
    if own.pin.platform in {None, target.name}:
        return own.wheel
    from venvstacks.locking.wheel_choice import WheelTarget, fitting_wheel  # noqa: PLC0415 - few wheels are compiled

    prefix = f"{own.wheel.name.split('-')[0]}-{own.pin.version}-".casefold()
    places = [
        place
        for folder in request.local_wheel_dirs
        for place in sorted(folder.glob("*.whl"))
        if place.name.casefold().startswith(prefix)
    ]
    offered = LockedPackage(own.pin.name, own.pin.version, (target.name,), tuple(Wheel(str(p), ()) for p in places))
    layer = request.layer
    found = fitting_wheel(offered, WheelTarget(target, layer.python, layer.glibc, layer.macos))
    return Path(found.location) if found else None


def check_sources(
    request: LockRequest, resolutions: Mapping[str, Sequence[ResolvedPackage]], provision: Provision
) -> None:
    """Check that no package with a declared source was taken from an index.

    Raises:
        LockError: One was; the message says what to write.
    """
    layer, built = request.layer, own_wheels(request)
    declared = parse_sources(request.uv.get("sources", {}))[0]
    wrong: dict[str, str] = {}
    for target in layer.platforms:
        values = target.marker_environment(layer.python)
        own = {use.package.name for use in layer.own if target.name in use.targets}
        settled = own | provision.on(target.name).keys() | layer.package_indexes.keys()
        for name in sorted({package.name for package in resolutions[target.name]} - settled):
            if name not in declared:
                for pin in (wheel.pin for wheel in built if name in wheel.pin.inner_sources):
                    wrong[name] = f"{name}: {pin.name} takes it from {pin.inner_sources[name]}"
            elif (source := next((s for s in declared[name] if s.holds(values)), None)) and source.index is None:
                wrong[name] = f"{name}: the specification declares {source.label}, but only other packages require it"
    if wrong:
        names = ", ".join(sorted(wrong))
        raise LockError(
            f"layer '{layer.env_name}' cannot be locked: {names} would come from an index instead of its source",
            details=tuple(wrong.values()),
            hint=f"add {names} to the layer's requirements, and to [tool.uv.sources] if it is not there",
        )


def with_rebuilt_wheels(request: LockRequest, lock: LayerLock) -> LayerLock:
    """A lock with the present wheels of own packages in place of earlier builds of the same versions."""
    present = {(own.pin.name, own.pin.version): own for own in own_wheels(request)}

    def renewed(package: LockedPackage, wheel: Wheel) -> Wheel:
        own = present.get((package.name, package.version))
        if own is None or not wheel.is_own or package.is_shared:
            return wheel
        hashes = (("sha256", sha256_file(own.wheel)),)
        return replace(wheel, hashes=hashes, size=own.wheel.stat().st_size if wheel.size is not None else None)

    packages = (replace(p, wheels=tuple(renewed(p, wheel) for wheel in p.wheels)) for p in lock.packages)
    return replace(lock, packages=tuple(packages))
