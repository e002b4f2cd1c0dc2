"""Failures to write a published file, as errors with hints that fit the cause."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from venvstacks.errors import PublishError
from venvstacks.tools.write_hints import WriteHints

_UNTOUCHED = "what was published before is untouched"
_HINTS = WriteHints(
    full=f"free some space, or choose another output folder; {_UNTOUCHED}",
    refused=f"make the output folder writable, or choose another one; {_UNTOUCHED}",
    in_the_way="choose an output folder that is not below a file",
    otherwise=f"check the output folder and run the same command again; {_UNTOUCHED}",
)


@contextlib.contextmanager
def not_written(destination: Path) -> Iterator[None]:
    """Raise a failure to write `destination` as a `PublishError`; other errors of this program pass through."""
    try:
        yield
    except OSError as error:
        raise PublishError(
            f"{destination} cannot be written: {error.strerror or error}", hint=_HINTS.for_error(error)
        ) from error
