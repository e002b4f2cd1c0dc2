"""The index of a delta is a bounded value: what is damaged or hostile is refused when it is read."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest

from venvstacks.deltas.delta_index import OLD_PART, WINDOW, DeltaIndex, HeldContent

A, B, C = "a" * 64, "b" * 64, "c" * 64
PATCH = {"sha256": A, "size": 10, "base": B, "windows": [[0, 10, 20]]}
WHOLE = {"sha256": C, "size": 10}


def packed(*contents: Any, **changes: Any) -> bytes:
    return zlib.compress(json.dumps({"format": 1, "contents": contents, **changes}).encode())


def test_what_is_written_is_read_again() -> None:
    windows = ((0, 10, 20), (5, 7, 30))
    index = DeltaIndex(
        contents=(
            HeldContent(sha256=A, size=WINDOW + 1, base=B, windows=windows),
            HeldContent(sha256=C, size=0),
        )
    )
    assert DeltaIndex.unpack(index.packed()) == index
    assert index.frame_places() == (0, 50, 50)
    assert list(index.contents[0].sizes()) == [WINDOW, 1]
    assert DeltaIndex.unpack(packed(PATCH, WHOLE)).contents[0].windows == ((0, 10, 20),)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cut off"),
        (b"nothing", "not compressed"),
        (packed(PATCH)[:-1], "cut off"),
        (packed(PATCH) + b"x", "something follows it"),
        (zlib.compress(b" " * (81 << 20)), "larger than any layer needs"),
        (zlib.compress(b"[" + b"1," * 5_000_000 + b"1]"), "larger than any layer needs"),
        (zlib.compress(b"[" * 100_000), "not valid"),
        (zlib.compress(b"\xff"), "not valid"),
        (packed(PATCH, format=2), "format"),
        (packed(PATCH, more=1), "more"),
        (packed(PATCH, PATCH), "listed twice"),
        (packed(WHOLE, PATCH), "patches come before"),
        (packed({**PATCH, "sha256": "../../etc/passwd"}), "sha256"),
        (packed({**PATCH, "base": "B" * 64}), "base"),
        (packed({**PATCH, "path": "x"}), "path"),
        (packed({**PATCH, "size": -1}), "size"),
        (packed({**PATCH, "size": 1.0}), "size"),
        (packed({**PATCH, "size": 1 << 63}), "size"),
        (packed({**PATCH, "size": WINDOW + 1}), "do not make up the file"),
        (packed({**PATCH, "windows": []}), "do not make up the file"),
        (packed({**PATCH, "windows": [[0, 1, 2]] * 2}), "do not make up the file"),
        (packed({**PATCH, "windows": [[-1, 10, 20]]}), "windows"),
        (packed({**PATCH, "windows": [[1 << 64, 10, 20]]}), "windows"),
        (packed({**PATCH, "windows": [[0, OLD_PART + 1, 20]]}), "windows"),
        (packed({**PATCH, "windows": [[0, 10, 0]]}), "windows"),
        (packed({**PATCH, "windows": [[0, 10, 1 << 30]]}), "windows"),
        (packed({**PATCH, "windows": [[0, 10]]}), "windows"),
        (packed({**PATCH, "windows": None}), "a patch has a base and windows"),
        (packed({**PATCH, "base": None}), "a patch has a base and windows"),
    ],
)
def test_what_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        DeltaIndex.unpack(data)
