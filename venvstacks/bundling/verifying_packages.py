"""The packages that verify signatures, as they are installed in a folder; only the files that any machine can use."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.specifiers import SpecifierSet

NAMES = ("tuf", "securesystemslib")

_LEFT_OUT = {"tuf/ngclient/urllib3_fetcher.py", "tuf/ngclient/_internal/proxy.py"}  # the library's own downloads
_OLDEST, _NEWEST = 9, 20  # minor versions of Python 3


@dataclass(frozen=True)
class VerifyingPackages:
    """What verifies signatures.

    Attributes:
        versions: Version of each distribution by name; empty if they are not installed.
        files: Content by path, relative to the folder that they are imported from.
        oldest: The oldest minor version of Python 3 that they can be used with.
    """

    versions: dict[str, str]
    files: dict[str, bytes]
    oldest: int = _OLDEST


def installed_packages(folder: Path | None = None) -> VerifyingPackages:
    """The installed packages; none where one of them is missing.

    Args:
        folder: Where they are installed; None for the environment of this program.
    """
    where = sys.path if folder is None else [str(folder)]
    found = [one for name in NAMES for one in [*importlib.metadata.distributions(name=name, path=where)][:1]]
    if len(found) < len(NAMES):
        return VerifyingPackages({}, {})
    files = {path: content for one in found for path, content in _files(one)}
    for path in [*files]:
        for parent in PurePosixPath(path).parents:
            if path.endswith(".py") and str(parent) != "." and f"{parent}/__init__.py" not in files:
                files[f"{parent}/__init__.py"] = b""  # zipimport knows no namespace packages
    oldest = max(_oldest(one.metadata["Requires-Python"]) for one in found)
    versions = {one.metadata["Name"]: one.version for one in found}
    return VerifyingPackages(versions, dict(sorted(files.items())), oldest)


def _files(distribution: importlib.metadata.Distribution) -> Iterator[tuple[str, bytes]]:
    for file in distribution.files or ():
        path = file.as_posix()
        is_licence = ".dist-info/" in path and ("licen" in path.lower() or path.endswith("/METADATA"))
        if path not in _LEFT_OUT and ((path.endswith(".py") and not path.startswith("..")) or is_licence):
            yield path, file.read_binary()


def _oldest(requires: str | None) -> int:
    allowed = SpecifierSet(requires or "")
    return next((minor for minor in range(_OLDEST, _NEWEST) if f"3.{minor}.99" in allowed), _OLDEST)
