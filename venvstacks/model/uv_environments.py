"""uv's `environments` and `required-environments` against the platforms of layers, which decide what is locked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from packaging.markers import InvalidMarker

from venvstacks.model.markers import holds
from venvstacks.model.platforms import PythonImplementation, TargetPlatform

ENVIRONMENT_KEYS = ("environments", "required-environments")

_Targets = Sequence[tuple[TargetPlatform, PythonImplementation]]


def differing_environments(table: Mapping[str, Any], targets: _Targets) -> Iterator[str]:
    """Where `environments` or `required-environments` of a table of uv's differ from the platforms of layers.

    Args:
        table: uv's settings, or the part of them with these keys.
        targets: The platforms that are locked for, with their Pythons.
    """
    allowed, required = (_markers(table.get(key)) for key in ENVIRONMENT_KEYS)
    left_out = dict.fromkeys(t.name for t, python in targets if not any(_holds(m, t, python) for m in allowed))
    if allowed and left_out:
        yield f"environments leave out {', '.join(left_out)}, but layers are locked for it: their `platforms` decide"
    for marker in required:
        if targets and not any(_holds(marker, target, python) for target, python in targets):
            yield f"required-environments ask for ({marker}), which no platform here is: `platforms` of layers decide"


def _markers(value: object) -> list[str]:
    return [marker for marker in value if isinstance(marker, str)] if isinstance(value, list | tuple) else []


def _holds(marker: str, target: TargetPlatform, python: PythonImplementation) -> bool:
    try:
        return holds(marker, {**target.marker_environment(python), "extra": ""})
    except InvalidMarker:
        return False
