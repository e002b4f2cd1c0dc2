"""What may be removed from the folders of a stack: leftovers of killed runs, and the files that a task writes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from venvstacks.actions.publishing.manifests import EARLIER, superseded_names
from venvstacks.graph.compiler import ARCHIVE_MANIFEST
from venvstacks.graph.configuration import Configuration
from venvstacks.graph.taskgraph import TaskGraph, TaskNode
from venvstacks.model.conventions import METADATA_DIR
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.stack import Stack
from venvstacks.records.earlier_publications import read_earlier
from venvstacks.tools.files import remove_abandoned
from venvstacks.tools.tree_removal import remove_tree


def clear_leftovers(stack: Stack, configuration: Configuration, graph: TaskGraph, base: Path) -> None:
    """Remove staging folders, and temporary files in all folders that tasks write to.

    No other run may be using the build folder. What cannot be removed is left: it does no harm.

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
    yield f"{layout.artifacts}/{METADATA_DIR}/{EARLIER}"
    if configuration.platform:
        for layer in stack.layers:
            environment = layout.environment(layer)
            yield environment
            yield f"{environment}/{EnvironmentLayout.of(layer, configuration.platform).site_dir}"


def removable_files(node: TaskNode, stack: Stack, configuration: Configuration, base: Path) -> tuple[Path, ...]:
    """All files and folders that a task writes, whether they exist or not; none for locks, which belong to the user.

    Args:
        node: The task.
        stack: The stack.
        configuration: Says where everything is.
        base: The specification's folder.
    """
    if node.kind == "lock":
        return ()
    layout = configuration.layout
    if node.kind == "wheel":  # its pin is committed like a lock
        return (base / layout.own_wheel(node.name.partition(":")[2]),)
    found = [base / path for path in node.outputs]
    if node.kind == "build":
        layer = stack.by_env_name[node.env_name]
        environment = base / layout.environment(layer)
        aliases = [path for path in environment.parent.glob(f"{layer.env_name}@*") if path.is_symlink()]
        found = [environment, *(alias for alias in aliases if str(alias.readlink()) == layer.env_name), *found]
    if node.kind == "archive" and (published := read_earlier(found[0])):
        folder = base / layout.artifacts
        superseded = superseded_names(folder, published.file_names) if folder.is_dir() else ()
        found = [*(folder / name for name in sorted({*published.file_names, *superseded})), *found]
    if node.kind == "export" and (exported := read_earlier(found[0])):
        found = [base / layout.export / exported.install_target, *found]
    if node.name == ARCHIVE_MANIFEST:
        found.append(found[0].parent / EARLIER)
    return tuple(found)
