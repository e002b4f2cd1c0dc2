"""Answers of two environments compared, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_NOT_COMPARED = {"probe"}
"""What only the layered environment has: the application itself."""

_ENDED_EARLY = {"ended", "not answered"}
"""What stands in place of answers when the probe ended too early."""


def differences(flat: object, layered: object, place: str = "") -> Iterator[str]:
    """`place: flat value -> layered value` for every leaf that differs."""
    if isinstance(flat, Mapping) and isinstance(layered, Mapping):
        for key in sorted({*flat, *layered} - _NOT_COMPARED):
            yield from differences(flat.get(key), layered.get(key), f"{place}.{key}" if place else str(key))
    elif isinstance(flat, list) and isinstance(layered, list):
        shown = {str(value): value for value in (*flat, *layered)}
        for text, value in shown.items():
            if (value in flat) != (value in layered):
                yield f"{place}: {text} {'only flat' if value in flat else 'only in layers'}"
    elif flat != layered:
        yield f"{place}: {flat!r} -> {layered!r}"


def unanswered(answers: Mapping[str, object]) -> bool:
    """Whether the probe ended before it answered, so that equal answers say nothing."""
    return not _ENDED_EARLY.isdisjoint(answers)
