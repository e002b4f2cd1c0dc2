"""Rows of trees and tables as lines of text: sizes in a column on the left, branches as box drawings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from venvstacks.insight.dependency_tree import Row
from venvstacks.insight.readable import readable_bytes

_SIZE = 9  # columns of a size, as `123.4 MB`


def row_lines(rows: Iterable[Row]) -> Iterator[str]:
    """The rows and what is below each."""
    for row in rows:
        yield _line(row, "")
        yield from _below(row.below, "")


def _below(rows: Sequence[Row], indent: str) -> Iterator[str]:
    for number, row in enumerate(rows, start=1):
        last = number == len(rows)
        yield _line(row, f"{indent}{'└── ' if last else '├── '}")
        yield from _below(row.below, indent + ("    " if last else "│   "))


def _line(row: Row, before: str) -> str:
    size = "" if row.size is None else readable_bytes(row.size)
    return f"{size:>{_SIZE}}  {before}{row.label}"


def table_lines(
    heading: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()
) -> Iterator[str]:
    """A table as text: a heading, then a row to a line.

    Args:
        heading: Names of the columns.
        rows: Cells.
        right: Numbers of the columns that are aligned to the right, counted from 0.
    """
    listed = [heading, *rows]
    widths = [max(len(row[column]) for row in listed) for column in range(len(heading))]
    for row in listed:
        cells = (
            f"{cell:>{width}}" if n in right else f"{cell:<{width}}"
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()
