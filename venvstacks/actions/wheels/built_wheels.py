"""Built wheels in the cache: by what they were built from, so that no source is built again, nor gets another wheel."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from venvstacks.actions.toolset import Tools
from venvstacks.digests import canonical_json, prefixed, sha256_file, sha256_json
from venvstacks.records.wheel_pins import WheelPin
from venvstacks.tools.cache_locks import note_use
from venvstacks.tools.files import make_folders, staging_folder, swap_in, write_atomically
from venvstacks.tools.seals import read_sealed, sealed

_RECIPE = 1
"""Raised whenever the same source is built in another way."""


def _place(pin: WheelPin, platform: str, epoch: int, tools: Tools) -> Path:
    parts = [_RECIPE, pin.name, pin.source.get("subdirectory"), pin.identity, pin.python, platform, epoch]
    return tools.cache / "built" / sha256_json([*parts, list(pin.build_requirements)])[:40]


def find_built(wanted: WheelPin, platform: str, epoch: int, tools: Tools) -> tuple[WheelPin, Path] | None:
    """The wheel that was built from the same source with the same requirements, and its pin; None if there is none."""
    place = _place(wanted, platform, epoch, tools)
    note_use(place / "pin.json")
    pin = _sound_pin(place, tools.seal_key)
    return (pin.model_copy(update={"source": wanted.source}), place / pin.file) if pin else None


def is_sound_built(place: Path, seal_key: bytes) -> bool:
    """Whether an entry of the cache is sealed with this key, and its wheel is the one that was built.

    Raises:
        OSError: The wheel cannot be read.
    """
    return _sound_pin(place, seal_key) is not None


def _sound_pin(place: Path, seal_key: bytes) -> WheelPin | None:
    content = read_sealed(seal_key, place / "pin.json")
    if content is None:
        return None
    pin = WheelPin.model_validate(json.loads(content))  # sealed, so it is ours
    wheel = place / pin.file
    return pin if wheel.is_file() and prefixed(sha256_file(wheel)) == pin.wheel else None


def keep_built(pin: WheelPin, wheel: Path, platform: str, epoch: int, tools: Tools) -> None:
    """Put a wheel into the cache.

    Raises:
        OSError: The cache cannot be written.
    """
    place = _place(pin, platform, epoch, tools)
    unfinished = tools.cache / "built" / "unfinished"
    make_folders(place.parent)
    with staging_folder(unfinished, place.name) as staging:
        new = staging / "new"
        new.mkdir()
        shutil.copyfile(wheel, new / pin.file)
        write_atomically(new / "pin.json", sealed(tools.seal_key, canonical_json(pin.model_dump(mode="json"))))
        swap_in(new, place, trash=unfinished)
