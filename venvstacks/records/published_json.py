"""Published metadata as JSON: how it is written, and whether a manifest lists exactly what lies next to it.

What a manifest lists word for word was valid when the manifest was written. So a run with nothing to do needs no models
of it (`published_metadata`), which would take a tenth of its time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from venvstacks.records.releases import derived_release

Entry = Mapping[str, Any]
"""The metadata of one layer."""


def metadata_text(value: object) -> str:
    """How all published metadata is written: sorted keys, two-space indent, final newline."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def listed_entries(manifest: str) -> dict[str, Entry]:
    """The entries that this program has written into a manifest, by deployed name; none if it cannot be read."""
    try:
        entries = [entry for group in json.loads(manifest)["layers"].values() for entry in group]
        return {entry["install_target"]: entry for entry in entries if "inputs_digest" in entry["venvstacks"]}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def entries_in(manifest: Path) -> list[Entry]:
    """All layers that a manifest, of this program or another, lists; none where it is missing or is no manifest."""
    try:
        groups = json.loads(manifest.read_bytes())["layers"].values()
        return [entry for group in groups for entry in group if isinstance(entry, dict)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def format_of_the_original(manifest: Path, formats: tuple[str, ...]) -> str | None:
    """The archive format that the original used for what `manifest` lists, or None where it has published nothing.

    A publication that kept the original's format records that, so later ones keep it too.

    Args:
        manifest: The manifest of a stack.
        formats: File name extensions of the formats that are known.
    """
    for entry in entries_in(manifest):
        added = entry.get("venvstacks")
        name = entry.get("archive_name")
        if isinstance(name, str) and (added is None or (isinstance(added, dict) and added.get("kept_format"))):
            return next((known for known in formats if name.endswith(f".{known}")), None)
    return None


def as_listed(metadata: bytes, entries: Mapping[str, Entry]) -> Entry | None:
    """The entry that a file of metadata holds, if it is one of the `entries`."""
    try:
        found = json.loads(metadata)
        return found if entries[found["install_target"]] == found else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def lists_exactly(manifest: str, metadata: Iterable[bytes], release: str | None) -> bool:
    """Whether a manifest is the one of these files of metadata, as far as can be seen without reading them closely.

    Args:
        manifest: Its text.
        metadata: The files of the layers, in the order of the manifest.
        release: What the publication is called; None derives it from the times of the locks.
    """
    known = listed_entries(manifest)
    entries = [as_listed(text, known) for text in metadata]
    found = [entry for entry in entries if entry is not None]
    if len(found) < len(entries):
        return False
    groups = ("runtimes", "frameworks", "applications")
    layers = {group: [entry for entry in found if f"{entry['venvstacks']['kind']}s" == group] for group in groups}
    named = release or derived_release(str(entry["locked_at"]) for entry in found)
    return manifest == metadata_text({"layers": layers} | ({"venvstacks": {"release": named}} if named else {}))
