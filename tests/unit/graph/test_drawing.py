"""Graphs as text for Graphviz and Mermaid."""

from __future__ import annotations

from venvstacks.graph.drawing import draw_dot, draw_mermaid
from venvstacks.graph.taskgraph import TaskGraph, TaskNode

GRAPH = TaskGraph(
    (
        TaskNode("lock:app-🐸", "lock", "app-🐸", outputs=("lock",)),
        TaskNode('build:"x"', "build", "x", inputs=("lock",), outputs=("env",)),
    )
)
STATUS = {"lock:app-🐸": "run"}


def test_dot_quotes_names_and_draws_each_use_as_an_edge() -> None:
    text = draw_dot(GRAPH, STATUS)
    assert '"lock:app-🐸" -> "build:\\"x\\"";' in text
    assert '"lock:app-🐸" [label="lock:app-🐸\\nrun", fillcolor="#f4a261"];' in text
    assert text.startswith("digraph venvstacks {\n")
    assert text.endswith("}\n")


def test_mermaid_numbers_tasks_and_classes_statuses() -> None:
    text = draw_mermaid(GRAPH, STATUS)
    assert text.splitlines()[:4] == [
        "flowchart LR",
        '  t0["lock:app-🐸<br/>run"]:::run',
        '  t1["build:#quot;x#quot;<br/>up to date"]:::up_to_date',
        "  t0 --> t1",
    ]
    assert "  classDef up_to_date fill:#b7dfb4" in text
