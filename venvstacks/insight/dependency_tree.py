"""Dependencies by layer as a tree of rows: what each layer's packages need, or who needs one package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from packaging.utils import canonicalize_name

from venvstacks.insight.contents import LayerContents, StackContents
from venvstacks.insight.needs import Need, Needs

_DEEPEST = 100  # levels; chains of needs come from strangers' metadata


@dataclass(frozen=True)
class Row:
    """One line of a tree.

    Attributes:
        label: What it says.
        size: Bytes; None if they are not known or would be counted twice.
        below: Lines below it.
    """

    label: str
    size: int | None = None
    below: tuple[Row, ...] = ()


def dependency_rows(stack: StackContents, layers: Iterable[LayerContents], depth: int | None = None) -> Iterator[Row]:
    """For each layer a row, and below it the tree of its packages, from what it declares.

    A package whose needs were shown before in the same layer is marked with `(*)`. A package of a lower layer is named
    with that layer, and its needs are shown there.
    """
    needs = Needs(stack)
    for layer in layers:
        yield Row(_heading(layer), layer.size, tuple(_LayerTree(layer, needs, depth).rows()))


def _heading(layer: LayerContents) -> str:
    names = layer.name if layer.name == layer.target else f"{layer.name} -> {layer.target}"
    return f"{names} ({layer.kind})"


class _LayerTree:
    def __init__(self, layer: LayerContents, needs: Needs, depth: int | None) -> None:
        self.layer = layer
        self.needs = needs
        self.depth = _DEEPEST if depth is None else min(depth, _DEEPEST)
        self.shown: set[str] = set()

    def rows(self) -> Iterator[Row]:
        declared = dict.fromkeys(need.name for need in self._of(None))
        listed = [need for name in declared for need in [self._first(None, name)]]
        yield from (self._row(need, 1) for need in listed)
        needed = {need.name for package in self.layer.packages for need in self._of(package.name)}
        rest = [name for name in self.layer.by_name if name not in self.shown]
        for name in sorted(rest, key=lambda name: (name in needed, name)):  # what nothing else reaches comes first
            if name not in self.shown:
                yield self._own(name, 1)
        size = self.layer.package_sizes.get("")
        if size:
            yield Row("(Python itself)" if self.layer.kind == "runtime" else "(files of the layer itself)", size)

    def _of(self, package: str | None) -> tuple[Need, ...]:
        return self.needs.by_needing.get((self.layer.name, package), ())

    def _first(self, package: str | None, name: str) -> Need:
        return next(need for need in self._of(package) if need.name == name)

    def _row(self, need: Need, depth: int) -> Row:
        if need.provider == self.layer.name:
            return self._own(need.name, depth)
        if need.provider is None:
            return Row(f"{need.name} [not installed]")
        package = self.needs.stack.by_name[need.provider].by_name[need.name]
        return Row(f"{package} [{need.provider}]")

    def _own(self, name: str, depth: int) -> Row:
        package = self.layer.by_name[name]
        needed = dict.fromkeys(need.name for need in self._of(name))
        if name in self.shown:
            return Row(f"{package} (*)" if needed else str(package))
        self.shown.add(name)
        row = Row(str(package), self.layer.package_sizes[name])
        if depth >= self.depth:
            return row
        return replace(row, below=tuple(self._row(self._first(name, other), depth + 1) for other in needed))


def inverted_rows(stack: StackContents, package: str) -> Iterator[Row]:
    """For each layer that holds a package a row, and below it who needs it, up to the layers that declare it.

    Raises:
        UsageError: No layer holds it.
    """
    name = str(canonicalize_name(package))
    stack.require_package(name)
    needs = Needs(stack)
    for layer, held in stack.holders(name):
        above = tuple(_above(needs, layer.name, name, {(layer.name, name)}))
        nobody = (Row("nothing that is declared needs it"),)
        yield Row(f"{held} [{layer.name}]", layer.package_sizes[name], above or nobody)


def _above(needs: Needs, provider: str, name: str, path: set[tuple[str, str]], depth: int = 1) -> Iterator[Row]:
    for need in needs.by_needed.get((provider, name), ()):
        if need.package is None:
            yield Row(f"{need.layer} declares {need.requirement}")
            continue
        package = needs.stack.by_name[need.layer].by_name[need.package]
        label = f"{package} [{need.layer}] needs {need.requirement}"
        place = need.layer, need.package
        if place in path or depth >= _DEEPEST:
            yield Row(f"{label} (*)")
        else:
            path.add(place)
            yield Row(label, None, tuple(_above(needs, need.layer, need.package, path, depth + 1)))


def repeated_packages(stack: StackContents) -> dict[str, tuple[tuple[str, str, int | None], ...]]:
    """Packages that several layers hold: name to layer, version and bytes in each."""
    found: dict[str, list[tuple[str, str, int | None]]] = {}
    for layer in stack.layers:
        for package in layer.packages:
            row = layer.name, package.version, layer.package_sizes[package.name]
            found.setdefault(package.name, []).append(row)
    return {name: tuple(rows) for name, rows in sorted(found.items()) if len(rows) > 1}


def repeated_rows(stack: StackContents) -> Iterator[Row]:
    """For each package that several layers hold a row, and below it these layers."""
    for name, places in repeated_packages(stack).items():
        versions = {version for _, version, _ in places}
        label = (
            f"{name} {versions.pop()} in {len(places)} layers"
            if len(versions) == 1
            else f"{name} in {len(places)} layers"
        )
        sizes = [size for _, _, size in places if size is not None]
        yield Row(
            label,
            sum(sizes) if sizes else None,
            tuple(Row(f"{layer}: {version}", size) for layer, version, size in places),
        )


def tree_data(stack: StackContents, layers: Sequence[LayerContents]) -> dict[str, Any]:
    """Dependencies, sizes and repeated packages as JSON data."""
    needs = Needs(stack)
    return {
        "source": stack.label,
        "origin": stack.origin,
        "layers": [_layer_data(layer, needs) for layer in layers],
        "repeated": {
            name: [{"layer": layer, "version": version, "size": size} for layer, version, size in places]
            for name, places in repeated_packages(stack).items()
        },
        "notes": list(stack.notes),
    }


def _layer_data(layer: LayerContents, needs: Needs) -> dict[str, Any]:
    return {
        "name": layer.name,
        "install_target": layer.target,
        "kind": layer.kind,
        "size": layer.size,
        "archive_size": layer.archive.size if layer.archive else None,
        "lower": list(layer.lower),
        "requires": [_need_data(need) for need in needs.by_needing.get((layer.name, None), ())],
        "packages": [
            {
                "name": package.name,
                "version": package.version,
                "purl": package.purl,
                "size": layer.package_sizes[package.name],
                "requires": [_need_data(need) for need in needs.by_needing.get((layer.name, package.name), ())],
                "needed_by": [
                    {"layer": need.layer, "package": need.package, "requirement": need.requirement}
                    for need in needs.by_needed.get((layer.name, package.name), ())
                ],
            }
            for package in layer.packages
        ],
    }


def _need_data(need: Need) -> dict[str, Any]:
    return {"name": need.name, "requirement": need.requirement, "layer": need.provider}
