"""The part of uv's settings that layers refer to: named indexes and index sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from venvstacks.model.positions import KeyPath
from venvstacks.model.specification import UvTable


def index_names(uv: UvTable) -> frozenset[str]:
    """Names of all named indexes in `[[tool.uv.index]]`."""
    return frozenset(entry["name"] for entry in _indexes(uv) if isinstance(entry.get("name"), str))


def _indexes(uv: UvTable) -> list[dict[str, Any]]:
    declared = uv.get("index", [])
    return [entry for entry in declared if isinstance(entry, dict)] if isinstance(declared, list) else []


def find_uv_faults(uv: UvTable) -> Iterator[tuple[KeyPath, str]]:
    """What would make uv's settings useless here, as (key path below `tool.uv`, message).

    uv checks its own settings when it reads them; these are the rules that layered locks add: an index has a
    location, and a source names an index, because only what an index serves can be locked for every platform.
    """
    declared = uv.get("index", [])
    if not isinstance(declared, list) or not all(isinstance(entry, dict) for entry in declared):
        yield ("index",), "must be an array of tables: write [[tool.uv.index]]"
        return
    names = index_names(uv)
    for number, entry in enumerate(declared):
        if not isinstance(entry.get("url"), str):
            yield ("index", number), "an index needs a 'url'"
    sources = uv.get("sources", {})
    if not isinstance(sources, dict):
        yield ("sources",), "must be a table"
        return
    for package, source in sources.items():
        for choice in source if isinstance(source, list) else [source]:
            if not isinstance(choice, dict) or "index" not in choice:
                yield ("sources", package), 'only sources that name an index can be locked: { index = "name" }'
            elif choice["index"] not in names:
                yield ("sources", package), f"'{choice['index']}' is not a named index"
