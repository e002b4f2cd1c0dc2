"""What runs that were killed have left in the folders of a stack: taken away by the next run before it begins."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from venvstacks.graph.compiler import Configuration
from venvstacks.graph.taskgraph import TaskGraph
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.stack import Stack
from venvstacks.tools.files import remove_abandoned, remove_tree


def clear_leftovers(stack: Stack, configuration: Configuration, graph: TaskGraph, base: Path) -> None:
    """Remove staging folders, and temporary files beside everything that tasks write.

    Nobody else may be at work in the build folder. What cannot be removed stays: it harms nobody.

    Args:
        stack: The stack.
        configuration: Says where everything is.
        graph: All tasks of the stack.
        base: The specification's folder.
    """
    staging = base / configuration.layout.staging
    with contextlib.suppress(OSError):
        for leftover in staging.iterdir():
            with contextlib.suppress(OSError):
                remove_tree(leftover)
    for folder in sorted(set(_folders_written_to(stack, configuration, graph))):
        remove_abandoned(base / folder)


def _folders_written_to(stack: Stack, configuration: Configuration, graph: TaskGraph) -> Iterator[str]:
    layout = configuration.layout
    yield from (str(PurePosixPath(path).parent) for node in graph.nodes for path in node.outputs)
    yield layout.artifacts
    if configuration.platform:
        for layer in stack.layers:
            environment = layout.environment(layer)
            yield environment
            yield f"{environment}/{EnvironmentLayout.of(layer, configuration.platform).site_dir}"
