"""Installed files held against what their wheels list: the one way to notice damage in uv's cache.

uv checks a wheel's digest when it unpacks it, and never again what lies unpacked in its cache. Installed files share
their inodes with those, so that whoever edits a file of a built environment in place has edited the cache as well,
and every later installation gets the edited file (seen with uv 0.13; `--refresh` does not help, either).
"""

from __future__ import annotations

import base64
import csv
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from packaging.utils import canonicalize_name

from venvstacks.digests import TreeEntry

_ALGORITHM = "sha256="


def damaged_distributions(environment: Path, site_dir: str, entries: Iterable[TreeEntry]) -> dict[str, list[str]]:
    """Distributions that hold other files than their RECORD lists, as name to paths relative to `environment`.

    Rows without a digest, and files that were taken out after installing, do not count.

    Args:
        environment: The tree.
        site_dir: Its folder of packages.
        entries: What it holds, with digests.

    Raises:
        OSError: A RECORD cannot be read.
    """
    digests = {entry.path: entry.sha256 for entry in entries if not entry.is_link}
    found: dict[str, list[str]] = {}
    for record in sorted((environment / site_dir).glob("*.dist-info/RECORD")):
        if wrong := _wrong_rows(record, site_dir, digests):
            found[record.parent.name.partition("-")[0]] = wrong
    return found


def owners(environment: Path, site_dir: str, paths: Collection[str]) -> dict[str, str]:
    """Which installed distributions bring these files, as path to name and version; nobody's are left out.

    Raises:
        OSError: A RECORD cannot be read.
    """
    found = {}
    for record in sorted((environment / site_dir).glob("*.dist-info/RECORD")):
        distribution = record.parent.name.removesuffix(".dist-info").replace("-", " ", 1)
        found.update({path: distribution for path, _ in _rows(record, site_dir) if path in paths})
    return found


def distribution_files(environment: Path, site_dir: str) -> dict[str, tuple[str, ...]]:
    """Normalised name of each installed distribution to the files that its RECORD lists, relative to `environment`.

    Raises:
        OSError: A RECORD cannot be read.
    """
    found: dict[str, tuple[str, ...]] = {}
    for record in sorted((environment / site_dir).glob("*.dist-info/RECORD")):
        name = canonicalize_name(record.parent.name.partition("-")[0])
        found[name] = tuple(path for path, _ in _rows(record, site_dir))
    return found


def _wrong_rows(record: Path, site_dir: str, digests: Mapping[str, str]) -> list[str]:
    return [
        path
        for path, digest in _rows(record, site_dir)
        if digest.startswith(_ALGORITHM) and path in digests and digests[path] != _hex(digest.removeprefix(_ALGORITHM))
    ]


def _rows(record: Path, site_dir: str) -> Iterator[tuple[str, str]]:
    """Paths relative to the environment, and their digests as they stand there; empty where there is none."""
    with record.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        for row in csv.reader(stream):
            if row:
                yield posixpath.normpath(posixpath.join(site_dir, row[0])), row[1] if len(row) > 1 else ""


def _hex(digest: str) -> str:
    """A digest as RECORD spells it (URL-safe base64 without padding) in hexadecimal digits; empty if it is none."""
    try:
        return base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)).hex()
    except ValueError:
        return ""
