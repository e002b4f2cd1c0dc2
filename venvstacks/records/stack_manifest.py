"""The manifest of a published stack: the metadata of all layers, and the name of the release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator

from venvstacks.data_faults import first_fault
from venvstacks.digests import sha256_json
from venvstacks.json_forms import check_extent
from venvstacks.model.conventions import MANIFEST_VALUES, MOST_LAYERS, LayerKind
from venvstacks.records.published_json import metadata_text
from venvstacks.records.published_metadata import LayerMetadata, PublishedModel, read_metadata
from venvstacks.records.releases import checked_release, derived_release

_Group = Literal["runtimes", "frameworks", "applications"]
_GROUPS: dict[LayerKind, _Group] = {"runtime": "runtimes", "framework": "frameworks", "application": "applications"}


def wanted_manifest(metadata_files: Iterable[Path], release: str | None = None) -> str:
    """The manifest of the layers whose metadata files exist.

    Args:
        metadata_files: The files.
        release: What the publication is called; None derives it from the times of the locks.
    """
    found = (read_metadata(path) for path in metadata_files)
    return manifest_text((entry for entry in found if entry is not None), release)


class PublicationMetadata(PublishedModel):
    """What this program adds to the manifest of a stack.

    Attributes:
        release: A version as PEP 440 defines it; None in publications of earlier versions.
    """

    release: str | None = Field(default=None, max_length=200)

    @field_validator("release")
    @classmethod
    def _a_version(cls, release: str | None) -> str | None:
        return None if release is None else checked_release(release)


class StackManifest(PublishedModel):
    """All published layers of a stack.

    Attributes:
        layers: Their metadata by kind: `runtimes`, `frameworks`, `applications`.
        product: The additions of this program.
    """

    layers: dict[_Group, tuple[LayerMetadata, ...]]
    product: PublicationMetadata = Field(default=PublicationMetadata(), alias="venvstacks")

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read a published manifest.

        Raises:
            ValueError: It is not a valid manifest, or larger than any stack needs.
        """
        check_extent(text, MANIFEST_VALUES)
        try:
            manifest = cls.model_validate_json(text)
        except ValidationError as error:
            raise ValueError(first_fault(error)) from error
        if sum(map(len, manifest.layers.values())) > MOST_LAYERS:
            raise ValueError(f"it lists more than {MOST_LAYERS} layers")
        return manifest

    @property
    def entries(self) -> tuple[LayerMetadata, ...]:
        """All layers, those of a kind in the order of the manifest."""
        return tuple(entry for group in _GROUPS.values() for entry in self.layers.get(group, ()))


def described_digest(entry: LayerMetadata, published: Mapping[str, LayerMetadata]) -> str:
    """The digest of what a description of a layer is about.

    Args:
        entry: The layer.
        published: All layers by deployed name.
    """
    return sha256_json([_described(published.get(target)) for target in (entry.install_target, *entry.below)])


def _described(entry: LayerMetadata | None) -> list[object]:
    if entry is None:
        return []
    packages = entry.product.package_list
    return [entry.install_target, entry.archive_hashes, entry.requirements_hash, packages.sha256 if packages else None]


def with_fitting_descriptions(entry: LayerMetadata, published: Mapping[str, LayerMetadata]) -> LayerMetadata:
    """The metadata without descriptions of something else: a layer, or one below it, was published again since."""
    product, digest = entry.product, described_digest(entry, published)
    outdated = {
        name: None
        for name in ("bill", "provenance")
        if (found := getattr(product, name)) is not None and found.about != digest
    }
    if not outdated:
        return entry
    return entry.model_copy(update={"product": product.model_copy(update=outdated)})


def manifest_text(entries: Iterable[LayerMetadata], release: str | None = None) -> str:
    """The manifest of a stack: all layers' metadata by kind, in the order given.

    Args:
        entries: The layers' metadata.
        release: What the publication is called; None derives it from the times of the locks.
    """
    listed = tuple(entries)
    published = {entry.install_target: entry for entry in listed}
    layers: dict[_Group, list[dict[str, Any]]] = {group: [] for group in _GROUPS.values()}
    for entry in listed:
        layers[_GROUPS[entry.product.kind]].append(with_fitting_descriptions(entry, published).as_json())
    named = release or derived_release(entry.locked_at for entry in listed)
    return metadata_text({"layers": layers} | ({"venvstacks": {"release": named}} if named else {}))
