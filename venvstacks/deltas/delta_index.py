"""The index of a delta: which contents it holds, and how each is made; checked as a whole when it is read.

Patched files are cut into windows: `WINDOW` bytes of the new file each, the last one shorter. Each window is patched
from one part of the old file, which is at most three windows long, so that files of any size take the same memory.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import accumulate

from venvstacks.archives.expected import MOST_ENTRIES
from venvstacks.json_forms import FormError, array, digest, optional, parse, record, row, whole

MAGIC = b"VSDELTA1"
"""The first bytes of a delta."""

WINDOW = 16 << 20
"""Bytes of a new file that are patched at a time."""

OLD_PART = 3 * WINDOW
"""Most bytes of the old file that one window is patched from."""

PACKED_LIMIT = 16 << 20
"""Bytes of a packed index that are read."""

_UNPACKED_LIMIT = 80 << 20
_MOST_COMMAS = 8 * MOST_ENTRIES  # three keys of a row and four numbers of a window
_LONGEST_FRAME = WINDOW + (1 << 17)  # what cannot be compressed gets a few bytes longer
_LARGEST = (1 << 63) - 1

Window = tuple[int, int, int]
"""First byte and number of bytes of the part of the old file, and bytes of the frame."""


@dataclass(frozen=True)
class HeldContent:
    """The content of one or several files of the new version that the old version lacks.

    Attributes:
        sha256: Hex digest.
        size: Bytes.
        base: Digest of the file of the old version that is patched; None if the content is held whole.
        windows: How it is patched, a window after the other.
    """

    sha256: str
    size: int
    base: str | None = None
    windows: tuple[Window, ...] | None = None

    def __post_init__(self) -> None:
        """Check that the windows make up the file.

        Raises:
            ValueError: They do not.
        """
        if (self.base is None) != (self.windows is None):
            raise ValueError("a patch has a base and windows")
        if self.windows is not None and len(self.windows) != max(1, -(-self.size // WINDOW)):
            raise ValueError("the windows do not make up the file")

    def sizes(self) -> Iterator[int]:
        """Bytes of the result of each window."""
        for number in range(len(self.windows or ())):
            yield min(WINDOW, self.size - number * WINDOW)


@dataclass(frozen=True)
class DeltaIndex:
    """What a delta holds.

    Attributes:
        contents: Patches first, then what is held whole; in the order of their frames.
    """

    contents: tuple[HeldContent, ...]

    def __post_init__(self) -> None:
        """Check that the contents are in order, each once.

        Raises:
            ValueError: They are not.
        """
        digests = [one.sha256 for one in self.contents]
        if len(set(digests)) != len(digests):
            raise ValueError("a content is listed twice")
        whole = [one.base is None for one in self.contents]
        if whole != sorted(whole):
            raise ValueError("patches come before whole files")
        if len(digests) > MOST_ENTRIES:
            raise ValueError(f"more than {MOST_ENTRIES} contents")

    def frame_places(self) -> tuple[int, ...]:
        """Where the frames of each content begin, counted from the first one; at the end where the last frame begins.

        That is the frame of all whole files, and the place of each of these.
        """
        lengths = (sum(length for _, _, length in one.windows or ()) for one in self.contents)
        return tuple(accumulate(lengths, initial=0))

    def packed(self) -> bytes:
        """The index as a delta holds it."""
        rows = [{key: value for key, value in asdict(one).items() if value is not None} for one in self.contents]
        data = {"format": 1, "contents": rows}
        return zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 9)

    @classmethod
    def unpack(cls, data: bytes) -> DeltaIndex:
        """Read an index.

        Raises:
            ValueError: It is damaged, not consistent, of another version, or larger than any layer needs.
        """
        inflater = zlib.decompressobj()
        try:
            text = inflater.decompress(data, _UNPACKED_LIMIT + 1)
        except zlib.error as error:
            raise ValueError(f"its index is not compressed as it should be: {error}") from error
        if len(text) > _UNPACKED_LIMIT or text.count(b",") > _MOST_COMMAS:
            raise ValueError("its index is larger than any layer needs")
        if not inflater.eof or inflater.unused_data:
            raise ValueError("its index is cut off, or something follows it")
        try:
            return parse(text, _INDEX)
        except FormError as error:
            raise ValueError(f"its index is not valid: {error}") from error


_WINDOW = row(whole(0, _LARGEST), whole(0, OLD_PART), whole(1, _LONGEST_FRAME))
_CONTENT = record(
    HeldContent, sha256=digest, size=whole(0, _LARGEST), base=optional(digest), windows=optional(array(_WINDOW))
)
_INDEX = record(DeltaIndex, "versioned", contents=array(_CONTENT))
