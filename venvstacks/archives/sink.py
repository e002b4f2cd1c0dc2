"""The file that an archive is written to; its bytes are counted and hashed while they are written."""

from __future__ import annotations

import hashlib
from typing import BinaryIO


class Sink:
    """Passes bytes on to a file, so that an archive's size and digest are known without reading it again.

    Attributes:
        size: Bytes written so far.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Write all of `data`.

        Raises:
            OSError: The file cannot take it.
        """
        self._stream.write(data)
        self._digest.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes that were written."""
        return self._digest.hexdigest()
