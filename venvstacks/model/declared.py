"""The distributions that a layer itself requires, on one platform."""

from __future__ import annotations

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from venvstacks.model.markers import holds
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer


def required_names(layer: Layer, platform: TargetPlatform) -> tuple[str, ...]:
    """Normalised names of the distributions that `layer` itself requires on `platform`, in its order, each once."""
    environment = platform.marker_environment(layer.python)
    names: dict[str, None] = {}
    for text in layer.requirements:
        requirement = Requirement(text)
        if requirement.marker is None or holds(requirement.marker, environment):
            names[str(canonicalize_name(requirement.name))] = None
    return tuple(names)


def declared_distributions(layer: Layer, platform: TargetPlatform) -> tuple[str, ...]:
    """The same without distributions that the layer excludes, which are resolved but not installed."""
    return tuple(name for name in required_names(layer, platform) if name not in layer.exclude)
