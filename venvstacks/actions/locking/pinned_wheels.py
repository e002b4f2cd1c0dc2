"""What a lock records of the wheels of own packages: the digests that their pins hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from venvstacks.actions.locking.lock_request import LockRequest
from venvstacks.locking.lock_metadata import LockedWheel
from venvstacks.model.stack import Layer

if TYPE_CHECKING:
    from venvstacks.records.wheel_pins import WheelPin


def wheels_to_lock(request: LockRequest) -> dict[str, LockedWheel | None]:
    """What a lock records of the wheels of the layer and of those below, by label; None for wheels without a pin.

    Of wheels of lower layers only what resolving reads counts.
    """
    found: dict[str, LockedWheel | None] = {}
    for layer in (*request.layer.below, request.layer):  # what a lower layer holds is not this one's to lock
        for label, pin in _pins(request, layer):
            own = layer is request.layer
            wheel = LockedWheel(metadata=pin.metadata, wheel=pin.wheel if own else None) if pin else None
            found.setdefault(label, wheel)
    return found


def _pins(request: LockRequest, layer: Layer) -> Iterator[tuple[str, WheelPin | None]]:
    if not layer.own:
        return
    from venvstacks.records.wheel_pins import read_pin  # noqa: PLC0415 - few layers have own packages

    for use in layer.own:
        if (label := request.labels.get(use.package)) is not None:
            yield label, read_pin(request.base / request.layout.wheel_pin(label))
