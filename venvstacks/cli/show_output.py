"""What is shown about stacks: text and data made of values, printed by the commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from venvstacks.model.conventions import LayerKind
from venvstacks.model.stack import Layer, Stack
from venvstacks.reasons import Reason

Tree = Mapping[str, "Tree"]

_HEADINGS: Mapping[LayerKind, str] = {
    "runtime": "Runtimes",
    "framework": "Frameworks",
    "application": "Applications",
}
_UNKNOWN_VERSION = "???"


@dataclass(frozen=True)
class Shown:
    """What is shown of a stack.

    Attributes:
        stack: The stack.
        chosen: Environment names of the layers that are shown.
        staleness: Why locks are not valid, by environment name; empty for valid ones.
        deployed: Deployed names, as far as locks say them.
        operations: What would be done to each layer; None to show the layers below each instead.
    """

    stack: Stack
    chosen: tuple[str, ...]
    staleness: Mapping[str, tuple[Reason, ...]]
    deployed: Mapping[str, str]
    operations: Mapping[str, tuple[str, ...]] | None = None

    def layers(self, kind: LayerKind) -> Iterator[Layer]:
        """The shown layers of a kind, in the order of the stack."""
        chosen = frozenset(self.chosen)
        return (layer for layer in self.stack.layers if layer.kind == kind and layer.env_name in chosen)

    def target(self, layer: Layer) -> str:
        """The layer's deployed name; a version that no lock says yet is shown as question marks."""
        unknown = f"{layer.env_name}@{_UNKNOWN_VERSION}" if layer.versioned else layer.env_name
        return self.deployed.get(layer.env_name, unknown)

    def is_valid(self, layer: Layer) -> bool:
        """Whether the layer's lock is valid."""
        return bool(layer.platforms) and not self.staleness.get(layer.env_name)

    def title(self, layer: Layer) -> str:
        """How trees call a layer: `*` before one without a valid lock, then its names."""
        target = self.target(layer)
        names = layer.env_name if target == layer.env_name else f"{layer.env_name} -> {target}"
        return names if self.is_valid(layer) else f"*{names}"


def stack_tree(shown: Shown) -> Tree:
    """Categories, layers, and below each layer what it needs in import order, or what would be done to it."""
    tree: dict[str, Tree] = {}
    titles = {layer.env_name: shown.title(layer) for layer in shown.stack.layers}
    for kind, heading in _HEADINGS.items():
        branch: dict[str, Tree] = {}
        for layer in shown.layers(kind):
            title = titles[layer.env_name]
            if shown.operations is None:
                branch[title] = {titles[lower.env_name]: {} for lower in layer.below}
            else:
                words = ", ".join(shown.operations[layer.env_name])
                branch[f"{title} ({words})" if words else title] = {}
        if branch:
            tree[heading] = branch
    return tree


def render_tree(title: str, tree: Tree) -> str:
    """A tree as lines with the usual box-drawing characters."""
    return "\n".join([title, *_render(tree, "")])


def _render(tree: Tree, indent: str) -> Iterator[str]:
    for number, (label, below) in enumerate(tree.items(), start=1):
        last = number == len(tree)
        yield f"{indent}{'└── ' if last else '├── '}{label}"
        if below:
            yield from _render(below, indent + ("    " if last else "│   "))


def staleness_lines(shown: Shown) -> Iterator[str]:
    """Why the locks that the tree marks are not valid: what changed, from what to what."""
    stale = [name for name in shown.chosen if shown.staleness.get(name)]
    if stale:
        yield ""
        yield "* not valid:"
    for name in stale:
        yield from (f"  {name}: {reason}" for reason in shown.staleness[name])


def stack_data(shown: Shown, specification: str) -> dict[str, Any]:
    """The same as data, in the original's form; what that form lacks is under the key `venvstacks`."""
    entries = {layer.env_name: _entry(shown, layer) for layer in shown.stack.layers}
    data: dict[str, Any] = {"spec_name": specification}
    for kind, heading in _HEADINGS.items():
        data[heading.lower()] = [
            entries[layer.env_name] | _above(shown, layer, entries) for layer in shown.layers(kind)
        ]
    data["venvstacks"] = {"layers": {layer.env_name: _details(shown, layer) for layer in shown.stack.layers}}
    return data


def _entry(shown: Shown, layer: Layer) -> dict[str, object]:
    words = None if shown.operations is None else list(shown.operations.get(layer.env_name, ()))
    return {
        "name": layer.env_name,
        "install_target": shown.target(layer),
        "has_valid_lock": shown.is_valid(layer),
        "selected_operations": words,
    }


def _above(shown: Shown, layer: Layer, entries: Mapping[str, dict[str, object]]) -> dict[str, object]:
    if layer.runtime is None or shown.operations is not None:
        return {}
    return {"dependencies": [entries[lower.env_name] for lower in layer.below]}


def _details(shown: Shown, layer: Layer) -> dict[str, object]:
    return {
        "layer": layer.name,
        "kind": layer.kind,
        "python_implementation": str(layer.python),
        "platforms": [target.name for target in layer.platforms],
        "lock_reasons": [str(reason) for reason in shown.staleness.get(layer.env_name, ())],
    }
