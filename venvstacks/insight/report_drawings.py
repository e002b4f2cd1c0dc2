"""Drawings of a report as SVG: the graph of the layers, the treemap of sizes, the timeline of the last run.

Colours come from the page's style sheet, by class. Every drawing has a name and a description for screen readers, and
the page has a table with the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from venvstacks.insight.contents import LayerContents, StackContents
from venvstacks.insight.readable import readable_bytes
from venvstacks.insight.timeline import Timeline
from venvstacks.insight.treemap import Area, Box, lay_out

_WIDTH, _HEIGHT = 1000, 560  # of the treemap
_LETTER = 6.6  # width of a letter of the labels
_NODE = Box(0, 0, 190, 46)
_GAP_X, _GAP_Y = 24, 54
_ROW = 20  # height of a row of the timeline
_MOST_LETTERS = 24
_COLOURS = 8  # classes c0 to c7 of the style sheet


def layer_graph(stack: StackContents) -> Iterator[str]:
    """The layers as boxes, applications on top, with lines to the nearest layers below."""
    levels: dict[int, list[LayerContents]] = {}
    for layer in stack.layers:
        levels.setdefault(_level(layer, stack), []).append(layer)
    rows = [levels[level] for level in sorted(levels, reverse=True)]
    width = max(len(row) for row in rows) * (_NODE.width + _GAP_X) + _GAP_X
    height = len(rows) * (_NODE.height + _GAP_Y)
    places: dict[str, Box] = {}
    for number, row in enumerate(rows):
        left = (width - len(row) * (_NODE.width + _GAP_X) + _GAP_X) / 2
        for column, layer in enumerate(row):
            x, y = left + column * (_NODE.width + _GAP_X), number * (_NODE.height + _GAP_Y) + 8
            places[layer.target] = Box(x, y, _NODE.width, _NODE.height)
    yield _open("graph", width, height, "The layers", "A box for each layer; lines lead to the layers that it needs.")
    for layer in stack.layers:
        for target in nearest_targets(layer, stack):
            start, end = places[layer.target], places[target]
            points = start.x + start.width / 2, start.y + start.height, end.x + end.width / 2, end.y
            yield '<line class="edge" x1="{:.0f}" y1="{:.0f}" x2="{:.0f}" y2="{:.0f}"/>'.format(*points)
    for layer in stack.layers:
        yield from _node(layer, places[layer.target])
    yield "</svg>"


def _level(layer: LayerContents, stack: StackContents) -> int:
    """The row of a layer, counted from below: runtimes, frameworks by how many are below them, applications."""
    if layer.kind == "runtime":
        return 0
    if layer.kind == "application":
        return 1 << 20
    return 1 + sum(
        1 for target in layer.lower if target in stack.by_target and stack.by_target[target].kind != "runtime"
    )


def nearest_targets(layer: LayerContents, stack: StackContents) -> list[str]:
    """Deployed names of the layers below that no other layer below needs."""
    below = [stack.by_target[target] for target in layer.lower if target in stack.by_target]
    covered = {target for other in below for target in other.lower}
    return [other.target for other in below if other.target not in covered]


def _node(layer: LayerContents, box: Box) -> Iterator[str]:
    size = "" if layer.size is None else readable_bytes(layer.size)
    packed = f", {readable_bytes(layer.archive.size)} packed" if layer.archive else ""
    yield f'<rect class="node {layer.kind}" {_place(box)} rx="6"/>'
    yield _text("name", box.x + 10, box.y + 19, _cut(layer.name, _MOST_LETTERS))
    yield _text("note", box.x + 10, box.y + 36, f"{size}{packed}")


def _place(box: Box) -> str:
    return f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'


def _text(kind: str, x: float, y: float, text: str, *, to_the_left: bool = False) -> str:
    anchor = ' text-anchor="end"' if to_the_left else ""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}"{anchor}>{escape(text)}</text>'


def treemap(area: Area, rows: Mapping[tuple[str, ...], str]) -> Iterator[str]:
    """The sizes of layers as a treemap; each box has its label and size as a tooltip.

    Args:
        area: All layers.
        rows: Ids of the table rows about a box, by its labels from the layer on; such a box is a link to its row, so
            that the keyboard reaches it. Others are hidden from screen readers.
    """
    content = "Boxes in proportion to unpacked sizes: layers, packages in them, folders in these."
    yield _open("treemap", _WIDTH, _HEIGHT, "Sizes", content, role="group")
    names: list[str] = []
    colour = -1
    for level, one, box in lay_out(area, Box(0, 0, _WIDTH, _HEIGHT)):
        if level == 0:
            continue
        colour += level == 1
        names = [*names[: level - 1], one.label]
        about = f"{' > '.join(names)}: {readable_bytes(one.size)}{f', {one.note}' if one.note else ''}"
        row = rows.get(tuple(names))
        begin, end = (f'<a href="#{row}">', "</a>") if row else ('<g aria-hidden="true">', "</g>")
        yield f'{begin}<g class="c{colour % _COLOURS} l{level}"><title>{escape(about)}</title>'
        yield f"<rect {_place(box)}/>"
        letters = int((box.width - 6) / _LETTER)
        if letters >= 4 and box.height >= 13:
            yield _text("name", box.x + 3, box.y + 11, _cut(one.label, letters))
        yield f"</g>{end}"
    yield "</svg>"


def timeline_chart(timeline: Timeline) -> Iterator[str]:
    """The tasks of a run as bars; those of the longest chain are marked."""
    left, right = 250, 680
    scale = right / (timeline.seconds or 1.0)
    about = "A bar for each task, from its beginning to its end; those of the longest chain have another colour."
    yield _open("timeline", left + right + 70, len(timeline.tasks) * _ROW + 8, "The last run", about)
    for number, task in enumerate(timeline.tasks):
        bar = Box(left + task.began * scale, number * _ROW + 4, max(1.0, task.seconds * scale), _ROW - 5)
        yield _text("name", left - 8, bar.y + 12, _cut(task.name, 38), to_the_left=True)
        yield f'<rect class="{"critical" if task.is_critical else "task"}" {_place(bar)} rx="2"/>'
        yield _text("note", bar.x + bar.width + 5, bar.y + 12, f"{task.seconds:.2f} s")
    yield "</svg>"


def _open(kind: str, width: float, height: float, title: str, about: str, *, role: str = "img") -> str:
    return (
        f'<svg class="{kind}" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'role="{role}" aria-labelledby="{kind}-title {kind}-about" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{kind}-title">{title}</title><desc id="{kind}-about">{about}</desc>'
    )


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: max(1, letters - 1)]}…"
