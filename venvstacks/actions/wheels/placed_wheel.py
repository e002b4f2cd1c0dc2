"""The wheel of an own package in the build folder, where layers are built from it."""

from __future__ import annotations

import shutil
from pathlib import Path

from venvstacks.actions.wheels.wheel_request import OwnWheelRequest
from venvstacks.records.wheel_pins import WheelPin
from venvstacks.tools.files import staging_folder, swap_in


def place_wheel(request: OwnWheelRequest, pin: WheelPin, wheel: Path) -> None:
    """Copy a wheel to its place; one of an earlier version is removed.

    Raises:
        OSError: It cannot be written.
    """
    trash = request.base / request.layout.staging
    with staging_folder(trash, f"placing-{request.label}") as staging:
        fresh = staging / "wheel"
        fresh.mkdir()
        shutil.copyfile(wheel, fresh / pin.file)
        swap_in(fresh, request.folder, trash=trash)


def recorded_values(pin: WheelPin) -> dict[str, object]:
    """What is to be recorded about the task of a wheel."""
    result: dict[str, object] = {"wheel": pin.file, "from": pin.identity}
    if not pin.reproducible:
        note = "is not built reproducibly: another build of the same source gives other bytes; the cache keeps this one"
        result["warnings"] = [f"the wheel of {pin.name} {note}"]
    return result
