"""Failures of the file system and of downloads, as errors that say what happened to the deployment and what to do."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from venvstacks.errors import DeployError, TransferError, UnreadableError
from venvstacks.tools.write_hints import WriteHints, special_hint

_UNTOUCHED = "what was installed before is untouched"
_HINTS = WriteHints(
    full=f"free some space and run the same command again; {_UNTOUCHED}",
    refused=f"make the folder writable for you, or deploy into another one; {_UNTOUCHED}",
    in_the_way="name a folder: a file is in the way",
    otherwise=f"run the same command again; {_UNTOUCHED}",
)
_READ_AGAIN = "check the disk, and deploy again with --repair"
MAKE_READABLE = "run this as the user who deployed, or have that user make it readable for you"


@contextlib.contextmanager
def not_deployed(root: Path) -> Iterator[None]:
    """Turn failures to write, and of downloads, into a `DeployError`; for steps before the switch.

    Args:
        root: The deployment, for failures that name no file.
    """
    try:
        yield
    except OSError as error:
        where = error.filename2 or error.filename or root  # of a link, the first one is what it leads to
        raise DeployError(
            f"{where} cannot be written: {error.strerror or error}",
            hint=_HINTS.for_error(error),
        ) from error
    except TransferError as error:
        hint = f"{error.hint}; {_UNTOUCHED}"
        if error.kind == "broken off":
            hint = f"run the same command again: it continues where this one stopped; {_UNTOUCHED}"
        raise DeployError(error.message, hint=hint) from error


@contextlib.contextmanager
def reading(root: Path) -> Iterator[None]:
    """Turn failures to read what a deployment holds into an `UnreadableError`.

    Args:
        root: The deployment, for failures that name no file.
    """
    try:
        yield
    except OSError as error:
        refused = error.errno in {errno.EACCES, errno.EPERM}
        raise UnreadableError(
            f"{error.filename or root} cannot be read: {error.strerror or error}",
            hint=MAKE_READABLE if refused else special_hint(error) or _READ_AGAIN,
            refused=refused,
        ) from error
