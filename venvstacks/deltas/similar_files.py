"""Which old file a new one is patched from, found by names and sizes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable

from venvstacks.digests import TreeEntry

_HASH = re.compile(r"(?<=[-._])(?=[0-9a-f]*[0-9])[0-9a-f]{8,64}(?=[-._])")  # libopenblas-6cdc3b4a.so
_VERSION = re.compile(r"(?<=[-._])[0-9]+(?:\.[0-9]+)+(?:(?:a|b|rc|\.post|\.dev)[0-9]+)?")  # numpy-2.3.3.dist-info


def similar_files(old: Iterable[TreeEntry]) -> Callable[[TreeEntry], TreeEntry | None]:
    """A function that gives the old file to patch a new one from, or None.

    That is the file of the same path, or else the one whose path differs only in versions and content hashes; of
    several, the one whose size is nearest.
    """
    by_path = {entry.path: entry for entry in old if not entry.is_link and entry.size}
    by_name = defaultdict(list)
    for path in sorted(by_path):
        by_name[without_versions(path)].append(by_path[path])

    def find(new: TreeEntry) -> TreeEntry | None:
        if new.path in by_path:
            return by_path[new.path]
        candidates = by_name.get(without_versions(new.path), [])
        return min(candidates, key=lambda entry: abs(entry.size - new.size), default=None)

    return find


def without_versions(path: str) -> str:
    """The path with signs in place of the versions and content hashes in its names."""
    return _HASH.sub("#", _VERSION.sub("@", path))
