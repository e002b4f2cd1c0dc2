"""What may go from the folders of a stack: what killed runs have left, and what a task makes, where asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from venvstacks.graph.compiler import Configuration
from venvstacks.graph.taskgraph import TaskGraph, TaskNode
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.stack import Stack
from venvstacks.records.file_lists import SUFFIX
from venvstacks.records.published_metadata import read_metadata
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


def leavings(node: TaskNode, stack: Stack, configuration: Configuration, base: Path) -> tuple[Path, ...]:
    """Everything that a task has left behind, whether it is there or not; nothing for locks, which are the user's.

    Args:
        node: The task.
        stack: The stack.
        configuration: Says where everything is.
        base: The specification's folder.
    """
    if node.kind == "lock":
        return ()
    layout = configuration.layout
    found = [base / path for path in node.outputs]
    if node.kind == "build":
        layer = stack.by_env_name[node.env_name]
        environment = base / layout.environment(layer)
        aliases = [path for path in environment.parent.glob(f"{layer.env_name}@*") if path.is_symlink()]
        found = [environment, *(alias for alias in aliases if str(alias.readlink()) == layer.env_name), *found]
    if node.kind in {"archive", "export"} and (metadata := read_metadata(found[0])):
        folder = base / (layout.artifacts if node.kind == "archive" else layout.export)
        name = metadata.archive_name or metadata.install_target
        found = [folder / name, *([folder / f"{name}{SUFFIX}"] if metadata.archive_name else []), *found]
    return tuple(found)
