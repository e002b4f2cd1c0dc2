"""Reads the record that an earlier task has written; a damaged one is removed, so that the next run writes it again."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TypeVar

from venvstacks.errors import StateError, VenvstacksError
from venvstacks.records.tree_records import Record

AnyRecord = TypeVar("AnyRecord", bound=Record)


def read_back(kind: type[AnyRecord], path: Path, error: type[VenvstacksError]) -> AnyRecord:
    """The record at `path`.

    A record is an output of its task: once a damaged one is removed, the next run does that task again.

    Raises:
        VenvstacksError: Of the type `error`: there is no such record, or it was damaged and has been removed.
    """
    try:
        return kind.load(path)
    except StateError as fault:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise error(fault.message, hint="run the same command again: it is written again") from fault
