"""Whether manifests and metadata on the disk are still what tasks have written; no models where nothing changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from venvstacks.graph.taskgraph import TaskNode
from venvstacks.reasons import Reason
from venvstacks.records.published_json import Entry, as_listed, listed_entries, lists_exactly


def manifest_reasons(node: TaskNode, base: Path, release: str | None) -> tuple[Reason, ...]:
    """Why a manifest is not the one of the layers whose metadata exists; empty if it is.

    Args:
        node: The task that writes it.
        base: The specification's folder.
        release: What the publication is called; None derives it from the times of the locks.

    Raises:
        OSError: Metadata cannot be read.
    """
    written = _text_of(base / node.outputs[0])
    if written is None:
        return (Reason("missing output", node.outputs[0]),)
    gathered = tuple(base / path for path in node.gathers)
    if lists_exactly(written, (place.read_bytes() for place in gathered if place.is_file()), release):
        return ()
    from venvstacks.records.stack_manifest import wanted_manifest  # noqa: PLC0415 - models take time

    if written == wanted_manifest(gathered, release):
        return ()
    return (Reason("changed input", "metadata of the layers, or the release"),)


def lost_results(nodes: Iterable[TaskNode], base: Path, exports: str) -> dict[str, tuple[Reason, ...]]:
    """Results that are no longer what their tasks have recorded, by task.

    They are metadata that another program has written over, and folders of exports that are missing. Missing archives
    are not among them: somebody may have moved them to another place and kept the metadata.

    Args:
        nodes: The tasks.
        base: The specification's folder.
        exports: The folder of exports, relative to it.
    """
    nodes, found = tuple(nodes), dict[str, tuple[Reason, ...]]()
    manifests = {path: node.outputs[0] for node in nodes if node.kind == "manifest" for path in node.gathers}
    entries = {path: listed_entries(_text_of(base / path) or "") for path in dict.fromkeys(manifests.values())}
    for node in nodes:
        place = base / node.outputs[0] if node.kind in ("archive", "export") else None
        if place is None or not place.exists():
            continue
        target = _deployed_name(place, entries.get(manifests.get(node.outputs[0], ""), {}))
        folder = f"{exports}/{target}"
        if target is None:
            found[node.name] = (Reason("invalid record", node.outputs[0]),)
        elif node.kind == "export" and not (base / folder).is_dir():
            found[node.name] = (Reason("missing output", folder),)
    return found


def _text_of(place: Path) -> str | None:
    try:
        return place.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _deployed_name(place: Path, entries: Mapping[str, Entry]) -> str | None:
    """The deployed name in a file of metadata; None if it is not valid. What a manifest lists needs no closer look."""
    try:
        if (entry := as_listed(place.read_bytes(), entries)) is not None:
            return str(entry["install_target"])
    except OSError:
        return None
    from venvstacks.records.published_metadata import read_metadata  # noqa: PLC0415 - models take time

    metadata = read_metadata(place)
    return metadata.install_target if metadata else None
