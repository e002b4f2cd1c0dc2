"""Which package needs which, across layers: `Requires-Dist` evaluated for the layers' platform, extras included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from venvstacks.insight.contents import LayerContents, StackContents
from venvstacks.model.markers import holds
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.records.package_lists import ListedPackage

_MOST_REQUIREMENTS = 2000  # of one package; metadata comes from strangers


@dataclass(frozen=True)
class Need:
    """One need of a package, or of a layer's declaration.

    Attributes:
        layer: The layer that has the need.
        package: The package that has it; None where the layer's declaration does.
        name: Normalised name of what is needed.
        requirement: The requirement as people write it, without its marker.
        extras: Extras of it.
        provider: The layer that holds what is needed, as imports find it; None if none below does.
    """

    layer: str
    package: str | None
    name: str
    requirement: str
    extras: frozenset[str] = frozenset()
    provider: str | None = None


@dataclass(frozen=True)
class Needs:
    """The needs within a stack.

    Attributes:
        stack: The contents of its layers.
    """

    stack: StackContents
    _extras: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    @cached_property
    def all(self) -> tuple[Need, ...]:
        """Every need, layer by layer from below: declarations first, then packages by name.

        Extras count where something in this layer or above asks for them.
        """
        while True:
            before = {key: len(extras) for key, extras in self._extras.items()}
            found = tuple(need for layer in self.stack.layers for need in self._needs_of(layer))
            for need in found:
                if need.provider is not None and need.extras:
                    self._extras.setdefault((need.provider, need.name), set()).update(need.extras)
            if before == {key: len(extras) for key, extras in self._extras.items()}:
                return found

    @cached_property
    def by_needing(self) -> Mapping[tuple[str, str | None], tuple[Need, ...]]:
        """Needs by layer and needing package; None for the layer's declaration."""
        found: dict[tuple[str, str | None], list[Need]] = {}
        for need in self.all:
            found.setdefault((need.layer, need.package), []).append(need)
        return {key: tuple(needs) for key, needs in found.items()}

    @cached_property
    def by_needed(self) -> Mapping[tuple[str, str], tuple[Need, ...]]:
        """Needs by the layer that holds what is needed, and its name."""
        found: dict[tuple[str, str], list[Need]] = {}
        for need in self.all:
            if need.provider is not None:
                found.setdefault((need.provider, need.name), []).append(need)
        return {key: tuple(needs) for key, needs in found.items()}

    def _needs_of(self, layer: LayerContents) -> Iterator[Need]:
        view = self.stack.view(layer)
        providers = {package.name: each.name for each in reversed(view) for package in each.packages}
        environment = marker_environment(layer)
        for text in layer.declared:
            yield from _need(layer.name, None, text, providers, [environment | {"extra": ""}])
        for package in layer.packages:
            extras = sorted({"", *self._extras.get((layer.name, package.name), ())})
            environments = [environment | {"extra": extra} for extra in extras]
            for text in package.requires[:_MOST_REQUIREMENTS]:
                yield from _need(layer.name, package, text, providers, environments)


def _need(
    layer: str,
    package: ListedPackage | None,
    text: str,
    providers: Mapping[str, str],
    environments: list[dict[str, str]],
) -> Iterator[Need]:
    try:
        parsed = Requirement(text)
        marker = parsed.marker
        if marker is not None and not any(holds(marker, environment) for environment in environments):
            return
    except (InvalidRequirement, ValueError):  # the latter: versions that cannot be compared
        return
    name = str(canonicalize_name(parsed.name))
    parsed.marker = None
    yield Need(
        layer, package.name if package else None, name, str(parsed), frozenset(parsed.extras), providers.get(name)
    )


def marker_environment(layer: LayerContents) -> dict[str, str]:
    """The values of marker variables for a layer; those of Linux where its platform is not known."""
    platform = PLATFORMS.get(layer.platform, PLATFORMS["linux_x86_64"])
    try:
        python = PythonImplementation.parse(layer.python)
    except ValueError:
        python = PythonImplementation("cpython", "3.12.0")
    return platform.marker_environment(python)
