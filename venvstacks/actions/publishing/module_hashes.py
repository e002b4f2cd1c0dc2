"""Hashes of launch and support modules as published metadata has them: by the algorithm of the original.

Readers compare them with the original's, so names and hashes are joined here, which this program does in no other
place: for a file its name and hash; for a folder the same for all its files, with the name of each folder before what
    it holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from venvstacks.digests import TreeEntry, prefixed
from venvstacks.model.source_trees import SourceTree
from venvstacks.model.stack import Layer


def module_hashes(layer: Layer, entries: Iterable[TreeEntry], site_dir: str) -> dict[str, str]:
    """The hashes of a layer's launch and support modules, by module name; not those of modules of packages.

    Args:
        layer: The layer.
        entries: What its environment holds.
        site_dir: Where modules are in the environment.
    """
    written = [
        SourceTree(f"{launch.module}.py", is_package=False, files=("",)) for launch in layer.launches if launch.function
    ]
    if not layer.sources and not written:
        return {}
    digests = {entry.path: entry.sha256 for entry in entries if not entry.is_link}
    return {source.module: _module_hash(source, digests, site_dir) for source in (*layer.sources, *written)}


def _module_hash(source: SourceTree, digests: Mapping[str, str], site_dir: str) -> str:
    name = PurePosixPath(source.path).name
    place = f"{site_dir}/{name}"
    if not source.is_package:
        return prefixed(_joined((name, prefixed(digests.get(place, "")))))
    inside = {
        path.removeprefix(f"{place}/"): digest
        for path, digest in digests.items()
        if path.startswith(f"{place}/") and "__pycache__" not in path.split("/")
    }
    return f"sha256/{_joined(_folder_texts(name, inside))}"


def _folder_texts(name: str, files: Mapping[str, str]) -> Iterator[str]:
    """A folder's name, its files by name, then the folders in it by name."""
    yield name
    below: dict[str, dict[str, str]] = {}
    for path, digest in sorted(files.items()):
        folder, separator, rest = path.partition("/")
        if separator:
            below.setdefault(folder, {})[rest] = digest
        else:
            yield path
            yield prefixed(digest)
    for folder in sorted(below):
        yield from _folder_texts(folder, below[folder])


def _joined(texts: Iterable[str]) -> str:
    return hashlib.sha256("".join(texts).encode()).hexdigest()
