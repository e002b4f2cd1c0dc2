"""What to link, and what linking reads: records of the layer and of the layers below, and a log for notes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from venvstacks.actions.earlier_results import read_back
from venvstacks.actions.layer_request import LayerRequest
from venvstacks.actions.publishing.deployed_names import deployed_name
from venvstacks.errors import LinkError
from venvstacks.linking.borrowing import Lower
from venvstacks.linking.layer_config import ON_DEPLOY
from venvstacks.records.tree_records import BuildRecord, ProvidedRecord


@dataclass(frozen=True)
class LinkRequest(LayerRequest):
    """What to link.

    Attributes:
        log: File that collects notes and the output of child processes.
        bytecode: When bytecode is made: `on-deploy`, `shipped` or `none`.
        emulator: Start of the commands that run the layer's Python, if it is for another machine.
    """

    log: Path
    bytecode: str = ON_DEPLOY
    emulator: tuple[str, ...] = ()

    @cached_property
    def build(self) -> BuildRecord:
        """The environment as its build left it.

        Raises:
            LinkError: Its record is missing or damaged.
        """
        return read_back(BuildRecord, self.base / self.layout.record("build", self.layer), LinkError)

    @cached_property
    def lower(self) -> tuple[Lower, ...]:
        """The layers below, in import order.

        Raises:
            LinkError: A record or a lock's metadata is missing or damaged.
        """
        return tuple(
            Lower(
                layer.env_name,
                deployed_name(layer, self.layout, self.base),
                read_back(ProvidedRecord, self.base / self.layout.record("provided", layer), LinkError).provided,
                frozenset(below.env_name for below in layer.below),
            )
            for layer in self.layer.below
        )

    def note(self, notes: Iterable[str]) -> None:
        """Append sentences to the log."""
        lines = [f"note: {note}\n" for note in notes]
        if lines:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("a", encoding="utf-8") as log:
                log.writelines(lines)
