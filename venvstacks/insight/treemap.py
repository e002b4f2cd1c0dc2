"""Squarified treemaps: boxes whose areas are in proportion to sizes, as near to squares as can be.

The algorithm is that of Bruls, Huizing and van Wijk, "Squarified Treemaps" (2000): boxes are put into rows along the
shorter side, as long as that makes the worst box of the row better.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A rectangle; its place is that of the upper left corner."""

    x: float
    y: float
    width: float
    height: float

    def inset(self, margin: float, top: float) -> Box:
        """The rectangle within a margin, with more room at the top; its sides are not negative."""
        return Box(
            self.x + margin,
            self.y + top,
            max(0.0, self.width - 2 * margin),
            max(0.0, self.height - top - margin),
        )


@dataclass(frozen=True)
class Area:
    """Something with a size, and its parts.

    Attributes:
        label: What it is called.
        size: Its size, in any unit; at least the sum of its parts.
        parts: What it consists of.
        kind: A word for how it is drawn.
        note: More about its size.
    """

    label: str
    size: float
    parts: tuple[Area, ...] = ()
    kind: str = ""
    note: str = ""


def squarify(sizes: Sequence[float], within: Box) -> list[Box]:
    """A box for each size, in order.

    Args:
        sizes: Positive numbers, the largest first.
        within: What the boxes fill together.
    """
    boxes: list[Box] = []
    scale = within.width * within.height / (sum(sizes) or 1.0)
    areas = [size * scale for size in sizes]
    free, begin = within, 0
    while begin < len(areas):
        side = min(free.width, free.height)
        end, total = begin + 1, areas[begin]
        worst = _worst(areas[begin], areas[begin], total, side)
        while end < len(areas):
            other = _worst(areas[begin], areas[end], total + areas[end], side)
            if other > worst:
                break
            worst, total, end = other, total + areas[end], end + 1
        row, free = _lay_row(areas[begin:end], total, free)
        boxes += row
        begin = end
    return boxes


def _worst(largest: float, smallest: float, total: float, side: float) -> float:
    """The worst ratio of sides in a row of boxes: of the largest or of the smallest one."""
    if not (side and total and smallest):
        return float("inf")
    return max(side * side * largest / (total * total), total * total / (side * side * smallest))


def _lay_row(areas: Sequence[float], total: float, free: Box) -> tuple[list[Box], Box]:
    """Boxes along the shorter side of what is free, and what is free after that."""
    boxes = []
    if free.width >= free.height:
        thick = total / free.height if free.height else 0.0
        y = free.y
        for area in areas:
            length = area / thick if thick else 0.0
            boxes.append(Box(free.x, y, thick, length))
            y += length
        return boxes, Box(free.x + thick, free.y, max(0.0, free.width - thick), free.height)
    thick = total / free.width if free.width else 0.0
    x = free.x
    for area in areas:
        length = area / thick if thick else 0.0
        boxes.append(Box(x, free.y, length, thick))
        x += length
    return boxes, Box(free.x, free.y + thick, free.width, max(0.0, free.height - thick))


def lay_out(area: Area, within: Box, *, smallest: float = 3.0, header: float = 14.0) -> Iterator[tuple[int, Area, Box]]:
    """The boxes of an area and its parts, outer ones first, each with its level (0 for `area`).

    Args:
        area: What is drawn.
        within: Where to.
        smallest: Length of a side below which boxes and their parts are left out.
        header: Room for the label of a box that has parts, where it is large enough.
    """
    yield from _lay_out(area, within, 0, smallest, header)


def _lay_out(area: Area, box: Box, level: int, smallest: float, header: float) -> Iterator[tuple[int, Area, Box]]:
    if min(box.width, box.height) < smallest:
        return
    yield level, area, box
    parts = sorted((part for part in area.parts if part.size > 0), key=lambda part: -part.size)
    if not parts:
        return
    has_header = box.height > 3 * header and box.width > 3 * header
    inner = box.inset(1.0, header if has_header else 1.0)
    for part, place in zip(parts, squarify([part.size for part in parts], inner), strict=True):
        yield from _lay_out(part, place, level + 1, smallest, header)
