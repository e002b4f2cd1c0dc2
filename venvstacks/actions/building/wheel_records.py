"""RECORD files: the lists of the files of wheels and of installed distributions."""

from __future__ import annotations

import base64
import csv
import io
import posixpath
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from venvstacks.digests import TreeEntry


def record_rows(text: str) -> list[list[str]]:
    """The rows of a RECORD: path, digest and size of each file, as they are written there."""
    return [row for row in csv.reader(io.StringIO(text, newline="")) if row]


def rows_text(rows: Iterable[Iterable[str]]) -> bytes:
    """A RECORD with these rows."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().encode("utf-8", errors="surrogateescape")


def listed_paths(text: str) -> Iterator[str]:
    """The paths in a RECORD, as they are written there."""
    return (row[0] for row in record_rows(text))


def normal_path(listed: str) -> str:
    """A path of a RECORD without `.` and `..`, as far as they can be resolved; nearly all are so already."""
    return posixpath.normpath(listed) if "/." in f"/{listed}" or "//" in listed else listed


def listed_digests(text: str) -> dict[str, str]:
    """Path to SHA-256 (hexadecimal) of what a RECORD lists; empty for rows without such a digest."""
    return {normal_path(row[0]): _hex(row[1]) if len(row) > 1 else "" for row in record_rows(text)}


def _hex(digest: str) -> str:
    try:
        return base64.urlsafe_b64decode(f"{digest.removeprefix('sha256=')}===").hex() if "sha256=" in digest else ""
    except ValueError:
        return ""


def read_record(path: Path) -> str:
    """The text of a RECORD; names of files need not be Unicode.

    Raises:
        OSError: It cannot be read.
    """
    return path.read_text("utf-8", errors="surrogateescape")


def record_text(own_path: str, entries: Iterable[TreeEntry], site_dir: str) -> bytes:
    """A RECORD as uv writes it: sorted by path, with SHA-256 and size of each file but itself.

    Args:
        own_path: Its own path.
        entries: The distribution's files; their paths, like all of these, are relative to the environment.
        site_dir: The folder of packages, which the paths in a RECORD are relative to.
    """
    inside = f"{site_dir}/"

    def listed(path: str) -> str:
        return path[len(inside) :] if path.startswith(inside) else posixpath.relpath(path, site_dir)

    rows = [[listed(entry.path), record_digest(entry.sha256), str(entry.size)] for entry in entries]
    return rows_text(sorted([*rows, [listed(own_path), "", ""]]))


def record_digest(sha256: str) -> str:
    """A hexadecimal SHA-256 as RECORD has it: in URL-safe base64 without padding."""
    return f"sha256={base64.urlsafe_b64encode(bytes.fromhex(sha256)).rstrip(b'=').decode('ascii')}"


def installed_path(site_dir: str, listed: str) -> str:
    """Where a path of a RECORD leads to, relative to the environment."""
    return normal_path(listed if listed.startswith("/") else f"{site_dir}/{listed}")


def owners(environment: Path, site_dir: str, paths: Collection[str]) -> dict[str, str]:
    """Which installed distributions bring these files, as path to name and version; nobody's are left out.

    Raises:
        OSError: A RECORD cannot be read.
    """
    found = {}
    for record in sorted((environment / site_dir).glob("*.dist-info/RECORD")):
        distribution = record.parent.name.removesuffix(".dist-info").replace("-", " ", 1)
        listed = (installed_path(site_dir, path) for path in listed_paths(read_record(record)))
        found.update({path: distribution for path in listed if path in paths})
    return found


def distribution_files(environment: Path, site_dir: str) -> dict[str, tuple[str, ...]]:
    """Normalised name of each installed distribution to the files that its RECORD lists, relative to `environment`.

    Raises:
        OSError: A RECORD cannot be read.
    """
    found: dict[str, tuple[str, ...]] = {}
    for record in sorted((environment / site_dir).glob("*.dist-info/RECORD")):
        name = canonicalize_name(record.parent.name.partition("-")[0])
        paths = listed_paths(read_record(record))
        found[name] = tuple(installed_path(site_dir, path) for path in paths)
    return found
