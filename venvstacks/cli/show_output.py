"""What is shown about stacks: text and data made of values, printed by the commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from venvstacks.model.conventions import LayerKind
from venvstacks.model.stack import Layer, Stack
from venvstacks.reasons import Reason

Tree = Mapping[str, "Tree"]

_HEADINGS: Mapping[LayerKind, str] = {
    "runtime": "Runtimes",
    "framework": "Frameworks",
    "application": "Applications",
}


def stack_tree(
    stack: Stack, chosen: Sequence[str], staleness: Mapping[str, tuple[Reason, ...]], deployed: Mapping[str, str]
) -> Tree:
    """Categories, layers, and what each layer stands on in import order; `*` marks layers without a valid lock."""
    tree: dict[str, Tree] = {}
    for kind, heading in _HEADINGS.items():
        layers = [layer for layer in stack.layers if layer.kind == kind and layer.env_name in chosen]
        if layers:
            tree[heading] = {
                _title(layer, staleness, deployed): {_plain(lower, deployed): {} for lower in layer.below}
                for layer in layers
            }
    return tree


def _title(layer: Layer, staleness: Mapping[str, tuple[Reason, ...]], deployed: Mapping[str, str]) -> str:
    if not layer.platforms:
        return f"{layer.env_name} (disabled)"
    return ("*" if staleness.get(layer.env_name) else "") + _plain(layer, deployed)


def _plain(layer: Layer, deployed: Mapping[str, str]) -> str:
    name = deployed.get(layer.env_name, layer.env_name)
    return layer.env_name if name == layer.env_name else f"{layer.env_name} -> {name}"


def render_tree(title: str, tree: Tree) -> str:
    """A tree as lines with the usual box-drawing characters."""
    return "\n".join([title, *_render(tree, "")])


def _render(tree: Tree, indent: str) -> Iterator[str]:
    for number, (label, below) in enumerate(tree.items(), start=1):
        last = number == len(tree)
        yield f"{indent}{'└── ' if last else '├── '}{label}"
        yield from _render(below, indent + ("    " if last else "│   "))


def staleness_lines(chosen: Sequence[str], staleness: Mapping[str, tuple[Reason, ...]]) -> Iterator[str]:
    """Why the locks that the tree marks are not valid: what changed, from what to what."""
    stale = [name for name in chosen if staleness.get(name)]
    if stale:
        yield ""
        yield "* not valid:"
    for name in stale:
        yield from (f"  {name}: {reason}" for reason in staleness[name])


def stack_data(
    stack: Stack, chosen: Sequence[str], staleness: Mapping[str, tuple[Reason, ...]], deployed: Mapping[str, str]
) -> dict[str, object]:
    """The same as data."""
    layers: dict[str, list[dict[str, object]]] = {}
    for kind, heading in _HEADINGS.items():
        layers[heading.lower()] = [
            {
                "name": layer.name,
                "env_name": layer.env_name,
                "install_target": deployed.get(layer.env_name, layer.env_name),
                "python_implementation": str(layer.python),
                "platforms": [target.name for target in layer.platforms],
                "needs": [lower.env_name for lower in layer.below],
                "lock_is_valid": bool(layer.platforms) and not staleness.get(layer.env_name),
                "lock_reasons": [str(reason) for reason in staleness.get(layer.env_name, ())],
            }
            for layer in stack.layers
            if layer.kind == kind and layer.env_name in chosen
        ]
    return {"specification": stack.source, "layers": layers}
