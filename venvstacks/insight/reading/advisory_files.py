"""Reads advisories in the OSV format: a file, a folder, a zip archive of records, or one of these by its URL."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from venvstacks.errors import UsageError
from venvstacks.insight.advisories import Advisory, parse_advisories
from venvstacks.tools.files import home_expanded
from venvstacks.tools.transfer import Downloads
from venvstacks.urls import shown

_LARGEST = 512 << 20  # bytes of a database; that of all packages of PyPI has less than 50 MB
_LARGEST_RECORD = 32 << 20
_MOST_RECORDS = 1_000_000


def read_advisories(place: str, environment: Mapping[str, str]) -> Iterator[Advisory]:
    """The advisories at a place.

    Args:
        place: A `.json` file with one record or a list of them, a `.zip` of such files, a folder of these, or a URL.
        environment: Environment variables: proxies, certificates.

    Raises:
        UsageError: There are none, or they are not valid.
        TransferError: They cannot be fetched.
    """
    if "://" in place:
        with Downloads(environment) as downloads:
            yield from _parse(downloads.read(place, _LARGEST), shown(place))
        return
    path = home_expanded(place)
    try:
        files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
        for file in files:
            if file.stat().st_size > _LARGEST:
                raise _refused(str(file), f"it has more than {_LARGEST} bytes")
            yield from _parse(file.read_bytes(), str(file))
    except OSError as error:
        raise _refused(place, error.strerror or str(error)) from error
    if not files:
        raise _refused(place, "there is no .json file in it")


def _parse(content: bytes, name: str) -> Iterator[Advisory]:
    if not content.startswith(b"PK"):
        yield from _records(content, name)
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [one for one in archive.infolist() if one.filename.endswith(".json")]
            if len(members) > _MOST_RECORDS:
                raise _refused(name, f"it has more than {_MOST_RECORDS} files")
            for member in members:
                with archive.open(member) as stream:
                    record = stream.read(_LARGEST_RECORD + 1)
                if len(record) > _LARGEST_RECORD:
                    raise _refused(name, f"{member.filename} has more than {_LARGEST_RECORD} bytes")
                yield from _records(record, f"{name}: {member.filename}")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise _refused(name, f"it is no sound zip archive: {error}") from error


def _records(content: bytes, name: str) -> Iterator[Advisory]:
    try:
        data: Any = json.loads(content)
        yield from parse_advisories(data)
    except (ValueError, RecursionError) as error:
        raise _refused(name, str(error)) from error


def _refused(name: str, why: str) -> UsageError:
    return UsageError(
        f"the advisories {name} cannot be used: {why}",
        hint="give a .json file, a folder or a .zip archive with records in the OSV format, or the URL of one",
    )
