"""Provenance of an archive: a statement of in-toto with the predicate of SLSA 1.0, which a rebuild can confirm.

It holds no time and nothing of the machine: the same archive made from the same files has the same statement, except
for who built it (`runDetails`). Digests of folders are `venvstacksTree`, see `venvstacks.digests.tree_digest`;
those of own packages' sources, which may be files or folders, are `venvstacksSource`, as in their pins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from venvstacks.actions.earlier_results import read_back
from venvstacks.actions.publishing.layer_metadata import PublishedLayer
from venvstacks.actions.publishing.package_listing import shown_requirement
from venvstacks.digests import sha256_file
from venvstacks.errors import PublishError
from venvstacks.graph.compiler import RECIPES
from venvstacks.graph.configuration import Configuration
from venvstacks.model.own_packages import OwnPackage
from venvstacks.model.stack import Layer, Stack
from venvstacks.records.package_lists import PackageList
from venvstacks.records.published_metadata import LayerMetadata
from venvstacks.records.tree_records import RuntimeRecord
from venvstacks.records.wheel_pins import read_pin

BUILD_TYPE = "urn:venvstacks:archive:1"
UNNAMED_BUILDER = "urn:venvstacks:builder:unnamed"
"""Who built it, where nobody says so."""

_TREE = "venvstacksTree"
_SOURCE = "venvstacksSource"


@dataclass(frozen=True)
class Provenance:
    """The provenance of one published layer.

    Attributes:
        published: The layer, as it was linked.
        metadata: Its published metadata.
        packages: The list of its packages.
        own: The packages that it takes from source, by label.
        settings: How archives are written: format, level and epoch.
        builder: URI of who built it.
    """

    published: PublishedLayer
    metadata: LayerMetadata
    packages: PackageList
    own: Mapping[str, OwnPackage]
    settings: Mapping[str, object]
    builder: str = UNNAMED_BUILDER

    @property
    def fits(self) -> bool:
        """Whether the layer was published from what is in the build folder and the locks now."""
        product, published = self.metadata.product, self.published
        return (published.record.content_digest, published.lock.requirements_hash) == (
            product.content_digest,
            self.metadata.requirements_hash,
        )

    def statement(self) -> dict[str, Any]:
        """The statement as JSON data.

        Raises:
            PublishError: Something that the archive was made from cannot be read.
        """
        try:
            dependencies = list(self._dependencies())
        except OSError as error:
            raise PublishError(
                f"layer '{self.published.layer.name}': what it was made from cannot be read: {error}",
                hint="build and publish it again",
            ) from error
        return {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": self.metadata.archive_name, "digest": dict(self.metadata.archive_hashes or {})}],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {
                "buildDefinition": {
                    "buildType": BUILD_TYPE,
                    "externalParameters": {"layer": self._declared(), "archive": dict(self.settings)},
                    "internalParameters": {"recipes": {name: RECIPES[name] for name in ("build", "link", "archive")}},
                    "resolvedDependencies": dependencies,
                },
                "runDetails": {"builder": {"id": self.builder, "version": dict(self.metadata.product.tools)}},
            },
        }

    def _declared(self) -> dict[str, Any]:
        """What the specification says about the layer."""
        layer = self.published.layer
        return {
            "name": layer.env_name,
            "platform": self.published.platform.name,
            "python_implementation": str(layer.python),
            "requirements": [shown_requirement(text) for text in layer.requirements],
            "below": [other.env_name for other in layer.below],
        }

    def _dependencies(self) -> Iterator[dict[str, Any]]:
        yield self._lock()
        yield from self._lower()
        yield from self._python()
        yield from self._modules()
        yield from self._wheels()
        yield from self._sources()

    def _lock(self) -> dict[str, Any]:
        published = self.published
        place = published.layout.lock_file(published.layer)
        facts = {"lock_version": published.lock.lock_version, "locked_at": published.lock.locked_at}
        name = place.rpartition("/")[2]  # the folder of locks may be any
        return {"name": name, "digest": {"sha256": sha256_file(published.base / place)}, "annotations": facts}

    def _lower(self) -> Iterator[dict[str, Any]]:
        for layer in self.published.layer.below:
            record = self._of(layer).record
            yield {"name": record.deployed_name, "digest": {_TREE: record.content_digest}}

    def _of(self, layer: Layer) -> PublishedLayer:
        published = self.published
        return PublishedLayer(layer, published.platform, published.layout, published.base, published.tools)

    def _python(self) -> Iterator[dict[str, Any]]:
        """The Python of a runtime. Layers above depend on its layer, which is among theirs."""
        published = self.published
        if published.layer.runtime is None:
            place = published.base / published.layout.record("runtime", published.layer)
            record = read_back(RuntimeRecord, place, PublishError)
            name, _, version = record.python.partition("@")
            yield {
                "name": f"{name}-{version}",
                "uri": f"pkg:generic/{name}@{version}",
                "digest": {_TREE: record.digest.removeprefix("sha256:")},
                "annotations": {"provider": record.provider, "build": record.build},
            }

    def _modules(self) -> Iterator[dict[str, Any]]:
        """Launch and support modules; folders among them by the digests of their trees."""
        record = self.published.record
        folders = {source.module for source in self.published.layer.sources if source.is_package}
        for module in (record.launch_module, *record.support_modules):
            if module is not None:
                kind = _TREE if module.name in folders else "sha256"
                yield {"name": module.name, "digest": {kind: module.hash.removeprefix("sha256:")}}

    def _wheels(self) -> Iterator[dict[str, Any]]:
        for package in self.packages.packages:
            if package.wheel and package.wheel.sha256:
                found = {
                    "name": package.wheel.file,
                    "uri": package.purl,
                    "digest": {"sha256": package.wheel.sha256},
                    "downloadLocation": package.wheel.url,
                }
                yield {key: value for key, value in found.items() if value}

    def _sources(self) -> Iterator[dict[str, Any]]:
        """The sources of own packages, as their pins name them."""
        published = self.published
        for label in sorted(self.own):
            pin = read_pin(published.base / published.layout.wheel_pin(label))
            if pin is not None:
                digest = {"gitCommit": pin.commit} if pin.commit else {_SOURCE: pin.identity.removeprefix("sha256:")}
                yield {"name": f"source of {pin.file}", "digest": digest, "annotations": dict(pin.source)}


def provenance_of(
    stack: Stack, configuration: Configuration, base: Path, metadata: LayerMetadata, builder: str = UNNAMED_BUILDER
) -> Provenance:
    """The provenance of a layer that is published in the folder of the configuration.

    Raises:
        PublishError: The list of its packages is missing or damaged.
    """
    assert configuration.platform is not None  # noqa: S101 - something is published
    layer, listed = stack.by_env_name[metadata.layer_name], metadata.product.package_list
    try:
        packages = PackageList.unpack(
            (base / configuration.layout.artifacts / (listed.name if listed else "")).read_bytes()
        )
    except (OSError, ValueError) as error:
        raise PublishError(
            f"layer '{layer.name}': the published list of its packages cannot be read: {error}",
            hint="`venvstacks publish --force` writes it again",
        ) from error
    return Provenance(
        PublishedLayer(layer, configuration.platform, configuration.layout, base, configuration.tools),
        metadata,
        packages,
        own=stack.built_for(layer, with_lower=False),
        settings={
            "format": configuration.archive_format,
            "level": configuration.archive_level,
            "epoch": configuration.epoch,
        },
        builder=builder,
    )


def differences(statement: Mapping[str, Any], again: Mapping[str, Any]) -> tuple[str, ...]:
    """Where the statement of a second build says something else, except about who built it: paths with both values."""
    return tuple(_differences("", _comparable(statement), _comparable(again)))


def _comparable(statement: Mapping[str, Any]) -> dict[str, Any]:
    predicate = statement.get("predicate")
    definition = predicate.get("buildDefinition") if isinstance(predicate, dict) else None
    definition = dict(definition) if isinstance(definition, dict) else {}
    dependencies = definition.pop("resolvedDependencies", None)
    named = {
        str(one.get("name")): one
        for one in (dependencies if isinstance(dependencies, list) else ())
        if isinstance(one, dict)
    }
    return {
        "type": [statement.get("_type"), statement.get("predicateType")],
        "subject": statement.get("subject"),
        **definition,
        "dependencies": named,
    }


def _differences(place: str, one: object, other: object) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from _differences(f"{place}.{key}" if place else str(key), one.get(key), other.get(key))
    elif one != other:
        yield f"{place}: {one} is stated, the second build has {other}"
