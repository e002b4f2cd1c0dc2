"""Bytecode for import checks: one sealed file for each set of distributions that is checked.

The code of wheels runs in import checks, so they can write to no cache. They report which sources they compiled; a
process that imports nobody's packages compiles those that an environment's record lists, for the next check.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.actions.publishing.bytecode import compile_command
from venvstacks.actions.toolset import Tools
from venvstacks.digests import sha256_json
from venvstacks.errors import ProcessFailedError, StateError
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.records.tree_records import BuildRecord, RuntimeRecord
from venvstacks.tools.cache_locks import note_use
from venvstacks.tools.files import remove_abandoned, staging_folder, write_atomically
from venvstacks.tools.process import scrubbed_environment
from venvstacks.tools.seals import opened, sealed

if TYPE_CHECKING:
    from venvstacks.actions.building.import_check import CheckRequest

_READABLE_EVERYWHERE = 2  # this version of marshal's format is known to every Python


@dataclass(frozen=True)
class ImportPack:
    """The bytecode that one import check reads.

    Attributes:
        request: The check.
        place: The file in the cache.
        content: What it holds; empty if there is none, or its seal is not right.
        tools: The shell.
    """

    request: CheckRequest
    place: Path
    content: bytes
    tools: Tools

    @classmethod
    def of(cls, request: CheckRequest, distributions: Mapping[str, bool], tools: Tools) -> ImportPack:
        """The pack for a check; the same in every build folder that has the same Python."""
        runtime = request.layer.runtime or request.layer
        try:
            python = RuntimeRecord.load(request.base / request.layout.record("runtime", runtime)).identity
        except StateError:
            python = [str(runtime.python)]
        name = sha256_json(["imports", request.platform.name, python, dict(sorted(distributions.items()))])
        place = tools.cache / "bytecode/imports" / name
        note_use(place)
        try:
            content = opened(tools.seal_key, place.read_bytes()) or b""
        except OSError:
            content = b""
        mark = name.encode("ascii")
        return cls(request, place, content[len(mark) :] if content.startswith(mark) else b"", tools)

    def copy_to(self, place: Path) -> Path | str:
        """Write the bytecode to a file for the check; an empty text if there is none."""
        if not self.content:
            return ""
        place.write_bytes(self.content)
        return place

    def extend(self, paths: Sequence[str]) -> None:
        """Add the bytecode of sources that a check had to compile; a failure leaves the pack as it is."""
        try:
            known = self._recorded(paths)
        except StateError:
            return
        if not known:
            return
        with staging_folder(self.request.staging, f"{self.request.layer.env_name}.pack") as staging:
            wanted, made = staging / "request", staging / "pack"
            wanted.write_bytes(marshal.dumps({"pack": str(made), "files": known}, _READABLE_EVERYWHERE))
            try:
                self.tools.processes.run(
                    [*self.request.emulator, *compile_command(self._interpreter), wanted],
                    env=scrubbed_environment(self.tools.environment),
                    log=self.request.log,
                )
                new: dict[bytes, bytes] = marshal.loads(made.read_bytes())  # noqa: S302 - of a process of our own
                old: dict[bytes, bytes] = marshal.loads(self.content) if self.content else {}  # noqa: S302 - sealed
                content = self.place.name.encode("ascii") + marshal.dumps(old | new, _READABLE_EVERYWHERE)
                remove_abandoned(self.place.parent)
                write_atomically(self.place, sealed(self.tools.seal_key, content))
            except (ProcessFailedError, OSError):
                return  # the next check compiles again

    @property
    def _interpreter(self) -> Path:
        runtime = self.request.layer.runtime or self.request.layer
        folder = self.request.base / self.request.layout.environment(runtime)
        return folder / EnvironmentLayout.of(runtime, self.request.platform).interpreter

    def _recorded(self, paths: Iterable[str]) -> list[tuple[str, str]]:
        """Those of the paths that a build has recorded, with their digests; a child's word counts for nothing else."""
        wanted = {os.path.realpath(path) for path in paths}
        if not wanted:
            return []
        found = []
        for layer in (self.request.layer, *self.request.layer.below):
            folder = os.path.realpath(self.request.base / self.request.layout.environment(layer))
            record = BuildRecord.load(self.request.base / self.request.layout.record("build", layer))
            places = ((f"{folder}/{entry.path}", entry.sha256) for entry in record.entries if not entry.is_link)
            found += [(place, digest) for place, digest in places if place in wanted]
        return found
