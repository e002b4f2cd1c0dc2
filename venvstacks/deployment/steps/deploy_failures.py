"""What failures of the file system and of transfers mean to whoever deploys."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from venvstacks.errors import DeployError, TransferError
from venvstacks.tools.write_hints import WriteHints

_UNTOUCHED = "what was installed before is untouched"
_HINTS = WriteHints(
    full=f"free some space and run the same command again; {_UNTOUCHED}",
    refused=f"make the folder writable for you, or deploy into another one; {_UNTOUCHED}",
    in_the_way="name a folder: a file is in the way",
    otherwise=f"run the same command again; {_UNTOUCHED}",
)


@contextlib.contextmanager
def not_deployed(root: Path) -> Iterator[None]:
    """Tell of a failure of the file system, or of a download, as a `DeployError`."""
    try:
        yield
    except OSError as error:
        where = error.filename or root
        raise DeployError(
            f"{where} cannot be written: {error.strerror or error}",
            hint=_HINTS.for_error(error),
        ) from error
    except TransferError as error:
        hint = f"{error.hint}; {_UNTOUCHED}"
        if error.kind == "broken off":
            hint = f"run the same command again: it goes on where this one stopped; {_UNTOUCHED}"
        raise DeployError(error.message, hint=hint) from error
