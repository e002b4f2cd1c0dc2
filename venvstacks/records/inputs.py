"""What counts as a change of an input file.

For nearly every file that is its content. Lock metadata is the exception: it also tells how a lock came about, and a
renewed lock with the same packages must leave everything above it up to date.
"""

from __future__ import annotations

import fnmatch
import json
from pathlib import Path

from venvstacks.digests import sha256_file, sha256_json

_LOCK_METADATA = "pylock.*.meta.json"
_LOCK_FACTS = ("requirements_hash", "lock_version", "locked_at")


def input_digest(path: Path) -> str:
    """Hex SHA-256 of what matters in the file at `path`.

    Raises:
        OSError: It cannot be read.
    """
    if fnmatch.fnmatchcase(path.name, _LOCK_METADATA):
        try:
            metadata = json.loads(path.read_bytes())
            return sha256_json([metadata[fact] for fact in _LOCK_FACTS])
        except (ValueError, KeyError, TypeError):
            return sha256_file(path)
    return sha256_file(path)
