"""A comparison of two stacks as lines of text, or as Markdown for pull requests."""

from __future__ import annotations

from collections.abc import Iterator

from venvstacks.insight.comparison import Comparison, Download, LayerChange, PackageChange
from venvstacks.insight.readable import readable_bytes

_FEW = 5  # files that are named
_SIGNS = {"added": "+", "removed": "-", "updated": "~", "same version": "!"}


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """The comparison as text."""
    yield f"{comparison.before.label} -> {comparison.after.label}"
    for layer in comparison.layers:
        if layer.status != "same":
            yield ""
            yield f"{layer.name}: {_about(layer)}"
            yield from (f"  {_SIGNS[one.status]} {_sentence(one)}" for one in layer.packages)
            if layer.files:
                yield f"  {_few('other file', layer.files)}"
    same = [layer.name for layer in comparison.layers if layer.status == "same"]
    if same:
        yield ""
        yield f"unchanged: {', '.join(same)}"
    if comparison.downloads:
        yield ""
        yield from map(_download, comparison.downloads)


def markdown_lines(comparison: Comparison) -> Iterator[str]:
    """The comparison as Markdown: a table for each layer that differs, and one of downloads."""
    yield f"### Layers: {_code(comparison.before.label)} → {_code(comparison.after.label)}"
    if comparison.is_empty:
        yield ""
        yield "Nothing differs."
    for layer in comparison.layers:
        if layer.status != "same":
            yield ""
            yield f"**{_cell(layer.name)}**: {_cell(_about(layer))}"
            if layer.packages:
                yield ""
                yield "| package | before | after | size |"
                yield "|---|---|---|---|"
                yield from map(_row, layer.packages)
            if layer.files:
                yield ""
                yield _cell(_few("other file", layer.files))
    if comparison.downloads:
        yield ""
        yield "| users of | fetch | first installation | layers |"
        yield "|---|---|---|---|"
    for each in comparison.downloads:
        update = "" if each.update is None else readable_bytes(each.update)
        cells = _cell(each.application), update, readable_bytes(each.first), _cell(", ".join(each.layers))
        yield f"| {' | '.join(cells)} |"


def _about(layer: LayerChange) -> str:
    old, new = layer.before, layer.after
    if old is None or new is None:
        only = new or old
        size = f", {readable_bytes(only.size)}" if only and only.size is not None else ""
        return f"{'new' if old is None else 'removed'}{size}"
    parts = []
    if old.size is not None and new.size is not None and old.size != new.size:
        parts.append(f"{readable_bytes(old.size)} -> {readable_bytes(new.size)}")
    if old.archive and new.archive and old.archive.sha256 != new.archive.sha256:
        parts.append(f"archive {readable_bytes(old.archive.size)} -> {readable_bytes(new.archive.size)}")
    if old.python != new.python:
        parts.append(f"{old.python} -> {new.python}")
    return ", ".join(parts) or "changed"


def _sentence(one: PackageChange) -> str:
    growth = f"  {_signed(one.growth)}" if one.growth else ""
    if one.status == "updated":
        return f"{one.name} {one.before} -> {one.after}{growth}"
    if one.status == "same version":
        return f"{one.name} {one.after}: {_same_version(one)}"
    moved = f" ({'was' if one.status == 'added' else 'is now'} in {one.elsewhere})" if one.elsewhere else ""
    return f"{one.name} {one.after or one.before}{moved}{growth}"


def _same_version(one: PackageChange) -> str:
    if one.files:
        return f"the version is the same, but {_few('file', one.files)}"
    return f"the version is the same, but the wheel is another one: {' -> '.join(dict.fromkeys(one.wheels))}"


def _row(one: PackageChange) -> str:
    remark = f" ({_same_version(one)})" if one.status == "same version" else ""
    moved = f" (in {one.elsewhere})" if one.elsewhere else ""
    before = one.before or moved.strip()
    after = (one.after or moved.strip()) + remark
    growth = "" if one.growth is None else _signed(one.growth)
    return f"| {_cell(one.name)} | {_cell(before)} | {_cell(after)} | {growth} |"


def _download(each: Download) -> str:
    if each.update is None:
        return f"users of {each.application} fetch {readable_bytes(each.first)} (it is new)"
    layers = f": {', '.join(each.layers)}" if each.layers else ""
    return f"users of {each.application} fetch {readable_bytes(each.update)} of {readable_bytes(each.first)}{layers}"


def _signed(size: int) -> str:
    return f"{'-' if size < 0 else '+'}{readable_bytes(abs(size))}"


def _few(what: str, paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - _FEW} more" if len(paths) > _FEW else ""
    verb = "differs" if len(paths) == 1 else "differ"
    return f"{len(paths)} {what}{'' if len(paths) == 1 else 's'} {verb}: {', '.join(paths[:_FEW])}{more}"


def _cell(text: str) -> str:
    """Text in which Markdown has no special signs, so that names from elsewhere cannot form links or HTML."""
    escaped = text.replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ")
    return "".join(f"\\{sign}" if sign in "|*_`[]@#!" else sign for sign in escaped)


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"
