"""Reading what an earlier step left behind, so that a damaged record is made anew instead of stopping every run."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TypeVar

from venvstacks.errors import StateError, VenvstacksError
from venvstacks.records.tree_records import Record

AnyRecord = TypeVar("AnyRecord", bound=Record)


def read_back(kind: type[AnyRecord], path: Path, error: type[VenvstacksError]) -> AnyRecord:
    """The record at `path`.

    A record is an output of its step: once a damaged one is removed, the next run does that step again.

    Raises:
        VenvstacksError: Of the type `error`: there is no such record, or it was damaged and has been removed.
    """
    try:
        return kind.load(path)
    except StateError as fault:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise error(fault.message, hint="it is made anew when you run the same command again") from fault
