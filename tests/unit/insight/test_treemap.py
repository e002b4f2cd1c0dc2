from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from venvstacks.insight.treemap import Area, Box, lay_out, squarify

FRAME = Box(10, 20, 300, 200)


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=40))
def test_boxes_fill_the_frame_in_proportion(sizes: list[float]) -> None:
    sizes.sort(reverse=True)
    boxes = squarify(sizes, FRAME)
    area = FRAME.width * FRAME.height
    for size, box in zip(sizes, boxes, strict=True):
        assert math.isclose(box.width * box.height, size / sum(sizes) * area, rel_tol=1e-6)
        assert box.x >= FRAME.x - 1e-6
        assert box.y >= FRAME.y - 1e-6
        assert box.x + box.width <= FRAME.x + FRAME.width + 1e-6
        assert box.y + box.height <= FRAME.y + FRAME.height + 1e-6


def test_equal_sizes_become_squares() -> None:
    boxes = squarify([1.0] * 6, Box(0, 0, 300, 200))
    assert all(math.isclose(box.width, 100) and math.isclose(box.height, 100) for box in boxes)


def test_small_parts_are_left_out_and_empty_ones_too() -> None:
    tree = Area("all", 1001, (Area("big", 1000, (Area("in", 1000),)), Area("tiny", 0.001), Area("none", 0)))
    shown = [(level, area.label) for level, area, _ in lay_out(tree, Box(0, 0, 100, 100))]
    assert shown == [(0, "all"), (1, "big"), (2, "in")]
    assert list(lay_out(tree, Box(0, 0, 1, 100))) == []
    assert squarify([], FRAME) == []
