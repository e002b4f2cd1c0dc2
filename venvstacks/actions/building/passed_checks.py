"""Import checks that have passed on this machine: a layer with the same contents is not imported a second time.

What is checked is whether *layering* breaks an import (decision 0063), and that follows from the contents of the layer
and of those below it, the Python, and what is asked. Only checks without a warning are remembered: a warning is about
the machine. Entries are sealed, so that code that an import check has run cannot add one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks._injected import check_child
from venvstacks.actions.toolset import Tools
from venvstacks.digests import sha256_file, sha256_json
from venvstacks.errors import StateError
from venvstacks.records.tree_records import RuntimeRecord
from venvstacks.tools.cache_locks import note_use
from venvstacks.tools.files import remove_abandoned, write_atomically
from venvstacks.tools.seals import read_sealed, sealed

if TYPE_CHECKING:
    from venvstacks.actions.building.import_check import CheckRequest


@dataclass(frozen=True)
class PassedCheck:
    """The place where it is remembered that a check has passed.

    Attributes:
        place: The file in the cache; its name is a digest of all that the outcome follows from.
        seal_key: The key that entries are sealed with.
    """

    place: Path
    seal_key: bytes

    @classmethod
    def of(cls, request: CheckRequest, distributions: Mapping[str, bool], tools: Tools) -> PassedCheck | None:
        """The place for a check; None if a record that it depends on is missing, so that nothing can be remembered."""
        layers = (request.layer, *request.layer.below)
        runtime = request.layer.runtime or request.layer
        try:
            python = RuntimeRecord.load(request.base / request.layout.record("runtime", runtime))
            contents = [sha256_file(request.base / request.layout.record("link", layer)) for layer in layers]
        except (OSError, StateError):
            return None
        basis: dict[str, object] = {
            "program": sha256_file(Path(check_child.__file__)),
            "platform": request.platform.name,
            "emulated": bool(request.emulator),
            "python": python.identity,
            "contents": contents,
            "distributions": dict(sorted(distributions.items())),
            "modules": [source.module for source in request.layer.sources if source.is_importable],
            "launches": [launch.target for launch in request.layer.launches],
        }
        return cls(tools.cache / "checks" / sha256_json(basis), tools.seal_key)

    def is_known(self) -> bool:
        """Whether this check has passed before."""
        known = is_sound_check(self.place, self.seal_key)
        if known:
            note_use(self.place)
        return known

    def remember(self) -> None:
        """Note that it has passed; a cache that cannot be written to is left as it is."""
        with contextlib.suppress(OSError):
            self.place.parent.mkdir(parents=True, exist_ok=True)
            remove_abandoned(self.place.parent)
            write_atomically(self.place, sealed(self.seal_key, self.place.name.encode("ascii")))


def is_sound_check(place: Path, seal_key: bytes) -> bool:
    """Whether an entry of the cache was made by this user, for the check that its name stands for."""
    return read_sealed(seal_key, place) == place.name.encode("ascii")
