from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks.sharing.action_result import ActionResult, BadRecordError, Blob, decode, encode

KEY, OTHER = "ab" * 32, "cd" * 32
RESULT = ActionResult(
    key=KEY,
    task="build:app",
    outputs={"$build/a": Blob(sha256=OTHER, size=0), "é": Blob(sha256=KEY, size=5_000_000_000)},
    seconds=1.5,
    made_with={"uv": "1"},
    values={"files": 3},
)


@pytest.mark.parametrize("secret", [None, b"secret"])
def test_records_are_read_as_they_were_written(secret: bytes | None) -> None:
    assert decode(encode(RESULT, secret), KEY, secret) == RESULT


def test_servers_find_an_action_result() -> None:
    """Field numbers of the Remote Execution API: output_files = 2, path = 1, digest = 2, hash = 1, size_bytes = 2."""
    small = ActionResult(key=KEY, task="t", outputs={"p": Blob(sha256=OTHER, size=300)}, seconds=0.0)
    wanted = b"\x12\x4a" + b"\x0a\x01p" + b"\x12\x45" + b"\x0a\x40" + OTHER.encode() + b"\x10\xac\x02" + b"\x2a"
    assert encode(small, None).startswith(wanted)


def test_a_machine_without_the_secret_reads_signed_records() -> None:
    assert decode(encode(RESULT, b"secret"), KEY, None) == RESULT


@pytest.mark.parametrize("secret", [None, b"other", b""])
def test_records_that_are_not_signed_with_the_secret_are_refused(secret: bytes | None) -> None:
    with pytest.raises(BadRecordError, match="not signed"):
        decode(encode(RESULT, secret), KEY, b"secret")


def test_a_signed_record_belongs_to_its_key() -> None:
    with pytest.raises(BadRecordError, match="another key"):
        decode(encode(RESULT, b"secret"), OTHER, b"secret")


def test_files_cannot_be_exchanged_in_a_signed_record() -> None:
    record = encode(RESULT, b"secret")
    place = record.index(OTHER.encode())
    with pytest.raises(BadRecordError, match="contradicts"):
        decode(record[:place] + b"ef" * 32 + record[place + 64 :], KEY, b"secret")


def stated(sha256: str, size: int) -> bytes:
    outputs = {"a": {"sha256": sha256, "size": size}}
    return json.dumps({"key": KEY, "task": "t", "outputs": outputs, "seconds": 1}).encode()


@pytest.mark.parametrize(
    "statement",
    [
        b"",
        b"{}",
        b"[" * 100_000,
        json.dumps(
            {"key": KEY, "task": "t", "outputs": {"a": {"sha256": "../../x", "size": 1}}, "seconds": 1}
        ).encode(),
        json.dumps({"key": KEY, "task": "t", "outputs": {"a": {"sha256": KEY, "size": -1}}, "seconds": 1}).encode(),
        json.dumps(
            {"key": KEY, "task": "t", "outputs": {"a": {"sha256": KEY, "size": 1 << 60}}, "seconds": 1}
        ).encode(),
        b'{"key": "' + KEY.encode() + b'", "task": "t", "outputs": {}, "seconds": NaN}',
    ],
)
def test_statements_that_make_no_sense_are_refused(statement: bytes) -> None:
    text = b"-" * 64 + b"\n" + statement
    size, more = len(text), bytearray()
    while size > 0x7F:
        more.append(size & 0x7F | 0x80)
        size >>= 7
    with pytest.raises(BadRecordError):
        decode(b"\x2a" + bytes([*more, size]) + text, KEY, None)


@given(st.data())
def test_no_change_of_a_byte_gets_through(data: st.DataObject) -> None:
    record = bytearray(encode(RESULT, b"secret"))
    place = data.draw(st.integers(0, len(record) - 1))
    record[place] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(BadRecordError):
        assert decode(bytes(record), KEY, b"secret") == RESULT  # a number of a field that nobody reads, at most


@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_are_refused(data: bytes) -> None:
    with pytest.raises(BadRecordError):
        decode(data, KEY, None)
