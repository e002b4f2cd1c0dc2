"""Input files: what counts as a change of one, and which of its facts people want to see.

For nearly every file that is its content. Lock metadata is the exception: it also records how the lock was made, and a
new lock with the same packages must leave everything above it up to date.
"""

from __future__ import annotations

import fnmatch
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from venvstacks.digests import sha256_file, sha256_json

_LOCK_METADATA = "pylock.*.meta.json"
_LOCK_FACTS = ("requirements_hash", "lock_version", "locked_at")


_LOCK = "pylock.*.toml"


def input_facts(path: Path) -> dict[str, str]:
    """Facts in the file at `path` that people want to see when it has changed.

    Of a lock these are the versions of what it installs by package, of lock metadata the version and time of the
    lock. Other files, and those that cannot be read, have no facts.
    """
    try:
        if fnmatch.fnmatchcase(path.name, _LOCK):
            return _locked_versions(tomllib.loads(path.read_text("utf-8")))
        if fnmatch.fnmatchcase(path.name, _LOCK_METADATA):
            metadata = json.loads(path.read_bytes())
            return {fact.replace("_", " "): str(metadata[fact]) for fact in _LOCK_FACTS[1:]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return {}


def _locked_versions(lock: Mapping[str, Any]) -> dict[str, str]:
    versions: dict[str, list[str]] = {}
    for package in lock.get("packages", ()):
        if "provided-by" not in package.get("tool", {}).get("venvstacks", {}):  # a layer below installs such packages
            versions.setdefault(str(package["name"]), []).append(str(package["version"]))
    return {name: " and ".join(sorted(set(found))) for name, found in versions.items()}


def input_digest(path: Path) -> str:
    """Hex SHA-256 of what matters in the file at `path`.

    Raises:
        OSError: It cannot be read.
    """
    if fnmatch.fnmatchcase(path.name, _LOCK_METADATA):
        try:
            metadata = json.loads(path.read_bytes())
            return sha256_json([metadata[fact] for fact in _LOCK_FACTS])
        except (ValueError, KeyError, TypeError, RecursionError):
            return sha256_file(path)
    return sha256_file(path)
