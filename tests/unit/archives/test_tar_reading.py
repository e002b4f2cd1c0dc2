from __future__ import annotations

import io
import tarfile

import pytest

from venvstacks.archives.tar_reader import read_tar


def header(kind: bytes, content: bytes = b"", name: str = "x") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    return info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


def extended(*records: bytes) -> bytes:
    return header(tarfile.XHDTYPE, b"".join(records))


PATH = b"13 path=frog\n"
SIZE = b"10 size=0\n"


def test_an_extended_header_belongs_to_the_next_member() -> None:
    stream = io.BytesIO(extended(PATH) + header(tarfile.REGTYPE) + bytes(1024))
    assert [member.path for member in read_tar(iter([stream.read()]))] == ["frog"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (extended(PATH) + extended(PATH) + header(tarfile.REGTYPE), "two extended headers follow each other"),
        (extended(PATH, PATH) + header(tarfile.REGTYPE), "says twice b'path'"),
        (extended(SIZE, SIZE) + header(tarfile.REGTYPE), "says twice b'size'"),
        (extended(PATH, b"9999 path=" + b"x" * 9988 + b"\n"), "an extended header of 1001[0-9] bytes"),
        (extended(b"12 mode=0755\n"), "damaged|an extended header says"),
    ],
)
def test_headers_that_go_on_and_on(data: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        list(read_tar(iter([data + bytes(1024)])))
