"""Environment markers (PEP 508) whose values are known; one that cannot be evaluated is an invalid marker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName


def holds(
    marker: str | Marker,
    environment: Mapping[str, Any],
    context: Literal["metadata", "lock_file", "requirement"] = "metadata",
) -> bool:
    """Whether a marker holds.

    Args:
        marker: The marker; a marker may have the right form and still compare what cannot be compared.
        environment: Values of its variables.
        context: What the marker stands in: it decides which further variables there are.

    Raises:
        InvalidMarker: It is no marker, or it cannot be evaluated.
    """
    parsed = Marker(marker) if isinstance(marker, str) else marker
    try:
        return parsed.evaluate(dict(environment), context=context)
    except UndefinedComparison:
        raise InvalidMarker(f"the marker ({parsed}) compares what are no versions as if they were versions") from None
    except UndefinedEnvironmentName as error:
        raise InvalidMarker(f"the marker ({parsed}) names a variable that has no value: {error}") from None
