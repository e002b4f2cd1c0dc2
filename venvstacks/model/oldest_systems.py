"""The oldest systems that a layer's wheels may need: those that it writes, the defaults, or newer ones of layers below.

See docs/decisions/0070.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

from venvstacks.model.specification import LayerSpec
from venvstacks.model.stack import Layer

DEFAULT_GLIBC = "2.28"
DEFAULT_MACOS = "13.0"


class OldestSystems(TypedDict):
    """The attributes of `Layer` that say on which systems it has to work."""

    glibc: str
    macos: str
    targets_alone: Mapping[str, str]


def oldest_systems(spec: LayerSpec, default_macos: str, below: Iterable[Layer]) -> OldestSystems:
    """The oldest systems of a layer.

    Args:
        spec: What the layer writes.
        default_macos: The macOS of layers that write none, `X` or `X.Y`.
        below: All layers below.
    """
    written = {"glibc": (spec.linux_target or "").partition("@")[2], "macos": spec.macosx_target or ""}
    alone = {"glibc": written["glibc"] or DEFAULT_GLIBC, "macos": _two_numbers(written["macos"] or default_macos)}
    found = dict(alone)
    for layer in below:
        lower = {"glibc": layer.glibc, "macos": layer.macos}
        found |= {key: max(found[key], lower[key], key=_numbers) for key in found if not written[key]}
    replaced = {key: version for key, version in alone.items() if version != found[key]}
    return {"glibc": found["glibc"], "macos": found["macos"], "targets_alone": replaced}


def _two_numbers(version: str) -> str:
    return ".".join(f"{version}.0".split(".")[:2])


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
