"""The part of uv's settings that layers refer to: named indexes and index sources."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from math import isfinite
from typing import Any

from venvstacks.model.positions import KeyPath
from venvstacks.model.sources import parse_sources
from venvstacks.model.specification import UvTable
from venvstacks.model.surroundings import Surroundings


def index_names(uv: UvTable) -> frozenset[str]:
    """Names of all named indexes in `[[tool.uv.index]]`."""
    return frozenset(entry["name"] for entry in _indexes(uv) if isinstance(entry.get("name"), str))


def _indexes(uv: UvTable) -> list[dict[str, Any]]:
    declared = uv.get("index", [])
    return [entry for entry in declared if isinstance(entry, dict)] if isinstance(declared, list) else []


def find_uv_faults(uv: UvTable) -> Iterator[tuple[KeyPath, str, str]]:
    """Faults of uv's settings, as (key path below `tool.uv`, message, hint).

    uv checks its own settings when it reads them; these are the rules that layered locks add (an index has a location,
    and sources have forms that are known), and the types of what is read here before uv sees it.
    """
    for key, (types, expected, hint) in _READ_HERE.items():
        if key in uv and not (isinstance(uv[key], types) and _holds_strings(uv[key])):
            yield (key,), f"must be {expected}", hint
    for path in _infinite_numbers((), uv):
        yield path, "is not a finite number", "uv has no setting that is infinite or not a number"
    declared = uv.get("index", [])
    if not isinstance(declared, list) or not all(isinstance(entry, dict) for entry in declared):
        yield ("index",), "must be an array of tables", 'write [[tool.uv.index]] with a name = "..." and a url = "..."'
        return
    yield from _find_index_faults(declared)
    yield from _find_source_faults(uv.get("sources", {}), index_names(uv))


_READ_HERE: Mapping[str, tuple[tuple[type, ...], str, str]] = {
    "exclude-newer": ((str, date), "a string or a date", 'write "2026-01-31", "2026-01-31T12:00:00Z" or "1 week"'),
    "find-links": ((list,), "an array of strings", 'write find-links = ["folder"], relative to the specification'),
    "no-index": ((bool,), "true or false", "whether no package index is asked, but find-links and --local-wheels only"),
    "override-dependencies": ((list,), "an array of strings", 'write override-dependencies = ["frog==1.2"]'),
}


def _infinite_numbers(path: KeyPath, value: object) -> Iterator[KeyPath]:
    if isinstance(value, float) and not isfinite(value):
        yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _infinite_numbers((*path, key), part)


def _holds_strings(value: object) -> bool:
    return not isinstance(value, list) or all(isinstance(element, str) for element in value)


def _find_index_faults(declared: list[dict[str, Any]]) -> Iterator[tuple[KeyPath, str, str]]:
    for number, entry in enumerate(declared):
        if not isinstance(entry.get("url"), str):
            hint = 'the location of an index (PEP 503 or 691), or of a folder with format = "flat"'
            yield ("index", number), "an index needs a 'url'", hint


def _find_source_faults(table: object, names: Collection[str]) -> Iterator[tuple[KeyPath, str, str]]:
    sources, faults = parse_sources(table)
    for path, message, hint in faults:
        yield ("sources", *path), message, hint
    for package, choices in sources.items():
        for source in choices:
            if source.extra or source.group:
                message = "layers have no extras and groups that a source could belong to"
                yield ("sources", package), message, "leave out 'extra' and 'group'"
            if source.index is not None and source.index not in names:
                known = ", ".join(sorted(names)) or "none"
                yield ("sources", package), f"'{source.index}' is not a named index", f"named indexes: {known}"


def effective_uv(inline: UvTable | None, surroundings: Surroundings) -> UvTable:
    """Uv's settings, inline or from its file; `UV_EXCLUDE_NEWER` where they have no `exclude-newer`."""
    settings = inline if inline is not None else (surroundings.uv_file or {})
    if surroundings.exclude_newer and "exclude-newer" not in settings:
        return {**settings, "exclude-newer": surroundings.exclude_newer}
    return settings
