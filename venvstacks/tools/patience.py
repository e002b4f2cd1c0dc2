"""Operations on files that another program has open, which Windows refuses until it closes them.

Virus scanners and search indexes open new files for a moment. POSIX systems allow to rename open files, so that there
nothing is ever repeated.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds to wait before each further attempt."""

_ACCESS_DENIED = 5
_IN_USE = frozenset({_ACCESS_DENIED, 32, 33})
"""Windows' error codes: access denied (as of a folder with an open file in it), sharing violation, lock violation."""


def is_in_use(error: OSError) -> bool:
    """Whether Windows reports that another program uses the file, or may use a file in the folder."""
    return _code(error) in _IN_USE


def is_refused(error: OSError) -> bool:
    """Whether Windows does not say if a file is in use or the user has no right to change it."""
    return _code(error) == _ACCESS_DENIED


def _code(error: OSError) -> int | None:
    """Windows' error code: none of other systems, and none of `open`, where `EACCES` stands for all that it may be."""
    code: int | None = getattr(error, "winerror", 0)
    return _ACCESS_DENIED if code is None and error.errno == errno.EACCES else code


def patiently(operation: Callable[[], Result], pauses: Sequence[float] = PAUSES) -> Result:
    """Carry out `operation`, and repeat it after each pause while another program uses its file.

    Returns:
        The result of the operation.

    Raises:
        OSError: It fails for another reason, or the file is still in use after the last pause.
    """
    for pause in pauses:
        try:
            return operation()
        except OSError as error:
            if not is_in_use(error):
                raise
            time.sleep(pause)
    return operation()


def rename_patiently(source: Path, target: Path) -> None:
    """Rename a file or folder, which Windows may refuse for a moment.

    Raises:
        OSError: It cannot be renamed.
    """
    patiently(lambda: source.rename(target))


def replace_patiently(source: Path, target: Path) -> None:
    """Let a file replace another one, which Windows may refuse for a moment.

    Raises:
        OSError: It cannot be replaced.
    """
    patiently(lambda: source.replace(target))
