"""The facts of a report about a stack: sizes, what lies in several layers, downloads, licences, the last run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from venvstacks.insight.comparison import Comparison, Download, compare_stacks, download_of
from venvstacks.insight.contents import LayerContents, StackContents
from venvstacks.insight.dependency_tree import tree_data
from venvstacks.insight.licences import licence_rows
from venvstacks.insight.readable import readable_bytes
from venvstacks.insight.timeline import Timeline
from venvstacks.insight.treemap import Area

FORMAT = 1
"""Raised when the data of a report changes so that programs have to know."""

_ASIDE = (".libs", ".dist-info", ".data")  # folders of wheels next to those of their packages
_SMALLEST_COPY = 4096  # bytes; smaller files that are the same in several layers are not worth a line
_MOST_COPIES = 50


@dataclass(frozen=True)
class Repeated:
    """A package that several layers hold.

    Attributes:
        name: Its name.
        places: Layer, version and bytes in each.
        common: The layer, below all of these, that could hold it instead; None if its versions differ, or no layer is
            below all of them.
        saved: Bytes on the disk of somebody who has all of these layers, if the common layer held it.
    """

    name: str
    places: tuple[tuple[str, str, int], ...]
    common: str | None
    saved: int


@dataclass(frozen=True)
class SameFile:
    """A file with the same content in several layers.

    Attributes:
        size: Its bytes.
        places: Layer and path of each copy.
    """

    size: int
    places: tuple[tuple[str, str], ...]

    @property
    def wasted(self) -> int:
        """Bytes of all copies but one."""
        return self.size * (len(self.places) - 1)


@dataclass(frozen=True)
class Report:
    """Everything that a report shows.

    Attributes:
        stack: The stack.
        earlier: An earlier state, to compare with.
        timeline: The last run, for projects.
    """

    stack: StackContents
    earlier: StackContents | None = None
    timeline: Timeline | None = None

    @cached_property
    def comparison(self) -> Comparison | None:
        """What differs from the earlier state."""
        return compare_stacks(self.earlier, self.stack) if self.earlier else None

    @cached_property
    def downloads(self) -> tuple[Download, ...]:
        """What the users of each application fetch; of those whose archives are known."""
        names = [
            name for name in self.stack.applications if all(one.archive for one in self.stack.application_layers(name))
        ]
        return tuple(download_of(self.stack, name, self.earlier) for name in names)

    @cached_property
    def repeated(self) -> tuple[Repeated, ...]:
        """Packages that several layers hold, the largest saving first."""
        found = (self._repeated(name, places) for name, places in self._holders().items() if len(places) > 1)
        return tuple(sorted(found, key=lambda one: (-one.saved, one.name)))

    def _holders(self) -> Mapping[str, list[LayerContents]]:
        holders: dict[str, list[LayerContents]] = {}
        for layer in self.stack.layers:
            for package in layer.packages:
                holders.setdefault(package.name, []).append(layer)
        return holders

    def _repeated(self, name: str, layers: list[LayerContents]) -> Repeated:
        places = tuple((one.name, one.by_name[name].version, one.package_sizes[name] or 0) for one in layers)
        below = [frozenset((one.target, *one.lower)) for one in layers]
        shared = [target for target in (layers[0].target, *layers[0].lower) if all(target in lower for lower in below)]
        same = len({version for _, version, _ in places}) == 1
        common = self.stack.by_target[shared[0]].name if same and shared and shared[0] in self.stack.by_target else None
        sizes = [size for _, _, size in places]
        return Repeated(name, places, common, sum(sizes) - max(sizes) if common else 0)

    @cached_property
    def copies(self) -> tuple[SameFile, ...]:
        """Large files with the same content in several layers, those that waste most first."""
        by_content: dict[tuple[str, int], list[tuple[str, str]]] = {}
        for layer in self.stack.layers:
            for entry in layer.files:
                if entry.size >= _SMALLEST_COPY:
                    by_content.setdefault((entry.sha256, entry.size), []).append((layer.name, entry.path))
        found = (
            SameFile(size, tuple(places))
            for (_, size), places in by_content.items()
            if len({layer for layer, _ in places}) > 1
        )
        return tuple(sorted(found, key=lambda one: (-one.wasted, one.places)))[:_MOST_COPIES]

    def as_json(self) -> dict[str, Any]:
        """The report as JSON data."""
        return {
            "format": FORMAT,
            **tree_data(self.stack, self.stack.layers),
            "repeated": [
                {
                    "name": one.name,
                    "places": [
                        {"layer": layer, "version": version, "size": size} for layer, version, size in one.places
                    ],
                    "common_layer": one.common,
                    "saved": one.saved,
                }
                for one in self.repeated
            ],
            "same_files": [
                {"size": one.size, "places": [{"layer": layer, "path": path} for layer, path in one.places]}
                for one in self.copies
            ],
            "downloads": [vars(one) | {"layers": list(one.layers)} for one in self.downloads],
            "licences": [row.as_json() for row in licence_rows(self.stack)],
            "against": self.comparison.as_json() if self.comparison else None,
            "last_run": self.timeline.as_json() if self.timeline else None,
        }


def size_areas(stack: StackContents) -> Area:
    """The sizes of a stack as areas: layers, their packages, and the folders in these."""
    layers = tuple(_layer_area(layer) for layer in stack.layers)
    return Area("all layers", sum(layer.size for layer in layers), layers)


def _layer_area(layer: LayerContents) -> Area:
    by_owner: dict[str, list[tuple[str, int]]] = {}
    for entry in layer.files:
        by_owner.setdefault(layer.owners.get(entry.path, ""), []).append((entry.path, entry.size))
    parts = []
    for owner, files in by_owner.items():
        own_name = "Python itself" if layer.kind == "runtime" else "files of the layer itself"
        label = str(layer.by_name[owner]) if owner else own_name
        parts.append(Area(label, sum(size for _, size in files), tuple(_folders(files)), "package" if owner else "own"))
    if not layer.files:
        known = ((package, layer.package_sizes[package.name] or 0) for package in layer.packages)
        parts = [Area(str(package), size, (), "package") for package, size in known]
    packed = f"{readable_bytes(layer.archive.size)} packed" if layer.archive else ""
    return Area(layer.name, sum(part.size for part in parts), tuple(parts), layer.kind, packed)


def _folders(files: list[tuple[str, int]]) -> Iterator[Area]:
    """The folders of a package as areas: what is in the first two levels below site-packages."""
    sizes: dict[str, int] = {}
    for path, size in files:
        inside = path.partition("site-packages/")[2] or path
        folder = "/".join(inside.split("/")[:-1][:2]) or inside
        sizes[folder] = sizes.get(folder, 0) + size
    if len(sizes) > 1:
        tops = {folder.partition("/")[0] for folder in sizes if not folder.partition("/")[0].endswith(_ASIDE)}
        for folder, size in sizes.items():  # the folder that all are in need not be repeated
            yield Area(folder.partition("/")[2] or folder if len(tops) == 1 else folder, size, (), "folder")
