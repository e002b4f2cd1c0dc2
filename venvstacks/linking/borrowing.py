"""Which files of the layers below a layer borrows, so that each is where it would be in one flat environment.

All rules work on lists of files. Their results become links where the layer is deployed (the overlay): nothing that
leads into another layer's packages is shipped. A layer's own files are never replaced; of several lower layers, the
first in import order is used.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from venvstacks.linking.linkage import Linkage
from venvstacks.linking.provided import Provided
from venvstacks.model.system_libraries import LINUX_LIBRARIES

_ORIGIN = re.compile(r"(\$ORIGIN|\$\{ORIGIN\}|@loader_path)(/|$)")
_RUN_PATH = "@rpath/"


@dataclass(frozen=True)
class Lower:
    """A layer below, as seen from the layer that borrows.

    Attributes:
        env_name: Environment name, for messages.
        deployed_name: Name of its folder.
        provided: What it provides.
        below: Environment names of the layers below it.
    """

    env_name: str
    deployed_name: str
    provided: Provided
    below: frozenset[str] = frozenset()

    def place(self, path: str) -> str:
        """One of its files as the layer that borrows refers to it, relative to that layer's folder."""
        return f"../{self.deployed_name}/{path}"


Links = Mapping[str, str]
"""Path of a link to the file that it leads to; both are relative to the folder of the layer that borrows."""


@dataclass(frozen=True)
class LibraryNeeds:
    """What a layer's compiled files need from the layers below.

    Attributes:
        links: The libraries that run paths reach.
        unreached: Names that no run path of the layer's own files reaches, sorted.
    """

    links: dict[str, str] = field(default_factory=dict)
    unreached: tuple[str, ...] = ()


def library_needs(own: Mapping[str, Linkage], own_paths: Iterable[str], lower: Sequence[Lower]) -> LibraryNeeds:
    """Link lower layers' libraries into each folder that a run path of an own file, or of such a library, names.

    A run path is relative to the folder that a file is loaded from. Loaded through a link, a library looks for others
    in the folders of the link, so these get links as well, until nothing is added.

    Args:
        own: The layer's own compiled files.
        own_paths: All its files and links.
        lower: The layers below, in import order.
    """
    present = set(own_paths)
    places: dict[str, dict[str, Lower]] = {}
    for layer in lower:
        for path in layer.provided.objects:
            places.setdefault(posixpath.dirname(path), {}).setdefault(posixpath.basename(path), layer)
    links: dict[str, str] = {}
    pending = list(own.items())
    done: set[str] = set()
    while pending:
        path, linkage = pending.pop()
        for folder in sorted(set(_folders(path, linkage)) - done):
            done.add(folder)
            for name, layer in places.get(folder, {}).items():
                place = f"{folder}/{name}"
                if place not in present:
                    links[place] = layer.place(place)
                    pending.append((place, layer.provided.objects[place]))
    reached, unreached = _names(own, present | links.keys())
    names = {posixpath.basename(path) for path in present}
    return LibraryNeeds(dict(sorted(links.items())), tuple(sorted(unreached - reached - names - LINUX_LIBRARIES)))


def loaded_by_imports(own: Mapping[str, Linkage], libraries: Mapping[str, Linkage]) -> tuple[str, ...]:
    """Names of a layer's libraries that importing its own extension modules loads, by run paths, sorted.

    Packages that need such a library without a run path to it rely on that import (so do those built on PyTorch): the
    dynamic linker looks for no library whose name is loaded already.

    Args:
        own: The layer's own compiled files.
        libraries: The shared libraries among them and in its overlay.
    """
    pending = [(path, linkage) for path, linkage in own.items() if path not in libraries]
    loaded: set[str] = set()
    while pending:
        path, linkage = pending.pop()
        for name, candidates in _candidates(path, linkage):
            found = next((place for place in candidates if place in libraries), None)
            if found and name not in loaded:
                loaded.add(name)
                pending.append((found, libraries[found]))
    return tuple(sorted(loaded))


def _names(objects: Mapping[str, Linkage], present: Iterable[str]) -> tuple[set[str], set[str]]:
    """Names of needed libraries that run paths of some file reach, and those that run paths of some file miss."""
    known = set(present)
    reached: set[str] = set()
    missed: set[str] = set()
    for path, linkage in objects.items():
        for name, candidates in _candidates(path, linkage):
            (reached if any(place in known for place in candidates) else missed).add(name)
    return reached, missed


def _folders(path: str, linkage: Linkage) -> Iterator[str]:
    """The folders within the layer that a file at `path` has libraries looked for in."""
    yield from _run_path_folders(path, linkage)
    for _, candidates in _candidates(path, linkage):
        yield from map(posixpath.dirname, candidates)


def _candidates(path: str, linkage: Linkage) -> Iterator[tuple[str, list[str]]]:
    """Each needed library that is not named by an absolute path, and where in the layer it is looked for."""
    folders = list(_run_path_folders(path, linkage))
    for needed in linkage.needed:
        own_place = _ORIGIN.match(needed)
        if own_place:
            places = [posixpath.join(posixpath.dirname(path), needed[own_place.end() :])]
        elif needed.startswith(_RUN_PATH):
            places = [posixpath.join(folder, needed.removeprefix(_RUN_PATH)) for folder in folders]
        elif "/" not in needed:
            places = [posixpath.join(folder, needed) for folder in folders]
        else:
            continue
        normal = map(posixpath.normpath, places)
        yield posixpath.basename(needed), [place for place in normal if not place.startswith("../")]


def _run_path_folders(path: str, linkage: Linkage) -> Iterator[str]:
    for run_path in linkage.run_paths:
        match = _ORIGIN.match(run_path)
        if match:
            folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), run_path[match.end() :]))
            if not folder.startswith(".."):
                yield folder


def data_links(own_paths: Iterable[str], lower: Sequence[Lower]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Link data files, programs and scripts of the layers below, file by file.

    Folders stay real, so that programs that walk through them, or write into them, work as before.

    Args:
        own_paths: All files and links of the layer.
        lower: The layers below, in import order.

    Returns:
        The links, and a sentence for each file that several lower layers have with different content.
    """
    present = set(own_paths)
    used: dict[str, Lower] = {}
    notes = []
    for layer in lower:
        for path, digest in layer.provided.data.items():
            if path in present:
                continue
            winner = used.setdefault(path, layer)
            if winner.provided.data[path] != digest:
                notes.append(f"{path}: taken from '{winner.env_name}', not the different one of '{layer.env_name}'")
    return {path: layer.place(path) for path, layer in sorted(used.items())}, tuple(sorted(notes))


def named_libraries(names: Iterable[str], lower: Sequence[Lower], folder: str) -> dict[str, str]:
    """Links in one folder to libraries that are found by their names alone, and to what those look for.

    Args:
        names: The names.
        lower: The layers below, in import order.
        folder: The folder for the links, relative to the layer's own.
    """
    chosen: dict[str, tuple[Lower, str]] = {}
    pending = [found for name in sorted(names) if (found := _published(name, lower))]
    while pending:
        layer, path = pending.pop()
        name = posixpath.basename(path)
        if name in chosen:
            continue
        chosen[name] = (layer, path)
        searched = set(_folders(path, layer.provided.objects[path]))
        pending += [
            (other, place)
            for other in lower
            for place in other.provided.objects
            if posixpath.dirname(place) in searched
        ]
    return {f"{folder}/{name}": layer.place(path) for name, (layer, path) in sorted(chosen.items())}


def _published(name: str, lower: Sequence[Lower]) -> tuple[Lower, str] | None:
    """The library that the first layer with one of that name publishes."""
    for layer in lower:
        if name in layer.provided.libraries:
            paths = sorted(path for path in layer.provided.objects if posixpath.basename(path) == name)
            if paths:
                return layer, paths[0]
    return None
