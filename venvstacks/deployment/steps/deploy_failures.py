"""What failures of the file system and of transfers mean to whoever deploys."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from venvstacks.errors import DeployError, TransferError

_UNTOUCHED = "what was installed before is untouched"
_FULL = f"free some space and run the same command again; {_UNTOUCHED}"
_REFUSED = f"make the folder writable for you, or deploy into another one; {_UNTOUCHED}"
_IN_THE_WAY = "name a folder: a file is in the way"
_HINTS = {
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EACCES: _REFUSED,
    errno.EPERM: _REFUSED,
    errno.EROFS: _REFUSED,
}


@contextlib.contextmanager
def not_deployed(root: Path) -> Iterator[None]:
    """Tell of a failure of the file system, or of a download, as a `DeployError`."""
    try:
        yield
    except OSError as error:
        where = error.filename or root
        raise DeployError(
            f"{where} cannot be written: {error.strerror or error}",
            hint=_HINTS.get(error.errno or 0, f"run the same command again; {_UNTOUCHED}"),
        ) from error
    except TransferError as error:
        hint = f"{error.hint}; {_UNTOUCHED}"
        if error.kind == "broken off":
            hint = f"run the same command again: it goes on where this one stopped; {_UNTOUCHED}"
        raise DeployError(error.message, hint=hint) from error
