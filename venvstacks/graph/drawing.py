"""A task graph as text for programs that draw graphs: Graphviz and Mermaid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from venvstacks.graph.taskgraph import TaskGraph

_COLOURS = {"run": "#f4a261", "maybe": "#f7dc8a", "blocked": "#e07a7a", "up to date": "#b7dfb4"}


def draw_dot(graph: TaskGraph, status: Mapping[str, str]) -> str:
    """The graph in Graphviz's language, tasks coloured by status; edges point from a task to those that use it."""
    lines = [
        "digraph venvstacks {",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fontname="sans-serif"];',
    ]
    for node in graph.nodes:
        said = status.get(node.name, "up to date")
        label = json.dumps(f"{node.name}\n{said}", ensure_ascii=False)
        lines.append(f'  {_quoted(node.name)} [label={label}, fillcolor="{_COLOURS[said]}"];')
    lines += [f"  {_quoted(start)} -> {_quoted(end)};" for start, end in _edges(graph)]
    return "\n".join([*lines, "}", ""])


def draw_mermaid(graph: TaskGraph, status: Mapping[str, str]) -> str:
    """The graph as a Mermaid flowchart, tasks coloured by status."""
    numbers = {node.name: f"t{number}" for number, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for node in graph.nodes:
        said = status.get(node.name, "up to date")
        text = node.name.replace('"', "#quot;")
        lines.append(f'  {numbers[node.name]}["{text}<br/>{said}"]:::{said.replace(" ", "_")}')
    lines += [f"  {numbers[start]} --> {numbers[end]}" for start, end in _edges(graph)]
    lines += [f"  classDef {said.replace(' ', '_')} fill:{colour}" for said, colour in _COLOURS.items()]
    return "\n".join([*lines, ""])


def _edges(graph: TaskGraph) -> Iterator[tuple[str, str]]:
    for node in graph.nodes:
        for needed in sorted(graph.needs(node)):
            if needed in graph.by_name:
                yield needed, node.name


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
