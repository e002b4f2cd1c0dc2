"""The record of a shared result: which files it consists of, encoded as Bazel's cache servers expect it.

Pure. Servers of Bazel's layout keep records under `/ac/<key>`, and some accept only the message `ActionResult` of the
Remote Execution API there. This program's own statement is in its field `stdout_raw`, behind a signature:

    output_files = 2 {path = 1, digest = 2 {hash = 1, size_bytes = 2}}    as the server reads it
    stdout_raw = 5                     the signature (64 hex digits, or dashes), a line end, the statement

The statement names the key, so that a record that is copied to another key is refused.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from venvstacks.data_faults import first_fault
from venvstacks.digests import canonical_json

MOST_BYTES = 4 << 20
"""Bytes of a record that are read."""

_UNSIGNED = b"-" * 64
_CONTEXT = b"venvstacks action result 1\n"

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Blob(BaseModel):
    """A file that is found by its content.

    Attributes:
        sha256: Hex digest.
        size: Bytes.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    sha256: Sha256
    size: Annotated[int, Field(ge=0, lt=1 << 50)]


class ActionResult(BaseModel):
    """What a task has made, on whichever machine.

    Attributes:
        key: The key that it belongs to.
        task: The task's name there.
        outputs: Files by role.
        seconds: How long the task took.
        made_with: Versions of tools, and the platform.
        values: What the task recorded about its result.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    key: Sha256
    task: str
    outputs: dict[str, Blob]
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    made_with: dict[str, str] = {}
    values: dict[str, bool | int | float | str | list[str]] = {}


class BadRecordError(ValueError):
    """A record that must not be used; the text says why."""


def encode(result: ActionResult, secret: bytes | None) -> bytes:
    """The record's bytes.

    Args:
        result: The result.
        secret: The key that records are signed with, if they are.
    """
    statement = canonical_json(result.model_dump(mode="json"))
    rows = b"".join(
        _field(2, _field(1, role.encode()) + _field(2, _field(1, blob.sha256.encode()) + _number(2, blob.size)))
        for role, blob in sorted(result.outputs.items())
    )
    return rows + _field(5, _signature(statement, secret) + b"\n" + statement)


def decode(data: bytes, key: str, secret: bytes | None) -> ActionResult:
    """The result in a record's bytes.

    Args:
        data: The bytes.
        key: The key that it was found under.
        secret: The key that it must be signed with, if records are signed.

    Raises:
        BadRecordError: It is no record, is damaged, belongs to another key, or is not signed with the secret.
    """
    signature, statement = _signed_statement(data)
    if secret is not None and not hmac.compare_digest(signature, _signature(statement, secret)):
        raise BadRecordError("it is not signed with this cache's key")
    result, _ = read_statement(data)
    if result.key != key:
        raise BadRecordError("it belongs to another key")
    return result


def read_statement(data: bytes) -> tuple[ActionResult, bool]:
    """What a record states, whatever its key is, and whether it is signed; the signature is not compared.

    Raises:
        BadRecordError: It is no record, or damaged.
    """
    signature, statement = _signed_statement(data)
    try:
        result = ActionResult.model_validate_json(statement)
    except ValidationError as error:
        raise BadRecordError(first_fault(error)) from error
    if _parse(data)[0] != {role: (blob.sha256, blob.size) for role, blob in result.outputs.items()}:
        raise BadRecordError("its list of files contradicts its statement")
    return result, signature != _UNSIGNED


def _signed_statement(data: bytes) -> tuple[bytes, bytes]:
    """Signature and statement of a record."""
    _, text = _parse(data)
    if text[64:65] != b"\n":
        raise BadRecordError("it is no record of this program")
    return text[:64], text[65:]


def _signature(statement: bytes, secret: bytes | None) -> bytes:
    if secret is None:
        return _UNSIGNED
    return hmac.new(secret, _CONTEXT + statement, "sha256").hexdigest().encode()


def _parse(data: bytes) -> tuple[Mapping[str, tuple[str, int]], bytes]:
    outputs: dict[str, tuple[str, int]] = {}
    text = b""
    try:
        for number, value in _fields(data):
            if number == 2 and isinstance(value, bytes):
                row = dict(_fields(value))
                digest = dict(_fields(_bytes(row[2])))
                size = digest.get(2, 0)
                outputs[_bytes(row[1]).decode()] = (_bytes(digest[1]).decode(), size if isinstance(size, int) else -1)
            elif number == 5:
                text = _bytes(value)
    except (IndexError, KeyError, ValueError) as error:
        raise BadRecordError("it is no ActionResult") from error
    return outputs, text


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    raise ValueError(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value) if value else b""  # proto3 leaves zeros out


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and the place after it."""
    value = shift = 0
    while shift <= 63:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError(shift)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field number and value of each field: numbers, and what has a length. Other kinds raise ValueError."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        value, at = _read_varint(data, at)
        if tag & 7 == 0:
            yield tag >> 3, value
        elif tag & 7 == 2 and at + value <= len(data):
            yield tag >> 3, data[at : at + value]
            at += value
        else:
            raise ValueError(tag)
