"""What a failure to write means to the user."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from venvstacks.errors import PublishError

_FULL = "free some space, or choose another output folder; what was published before is untouched"
_REFUSED = "make the output folder writable, or choose another one; what was published before is untouched"
_HINTS = {
    errno.ENOSPC: _FULL,
    errno.EFBIG: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _REFUSED,
    errno.EPERM: _REFUSED,
    errno.EROFS: _REFUSED,
    errno.ENOTDIR: "choose an output folder that is not below a file",
}
_OTHERWISE = "look after the output folder and run the same command again; what was published before is untouched"


@contextlib.contextmanager
def not_written(destination: Path) -> Iterator[None]:
    """Tell of a failure to write `destination` as a `PublishError`; other errors of this program pass through."""
    try:
        yield
    except OSError as error:
        raise PublishError(
            f"{destination} cannot be written: {error.strerror or error}",
            hint=_HINTS.get(error.errno or 0, _OTHERWISE),
        ) from error
