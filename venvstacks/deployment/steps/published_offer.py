"""What a source of published layers offers: its manifest, found and checked."""

from __future__ import annotations

from dataclasses import dataclass

from venvstacks.deployment.manifest_reading import read_layers
from venvstacks.deployment.offers import Offer, check_offer
from venvstacks.deployment.steps.publication_source import Source
from venvstacks.errors import DeployError, TransferError
from venvstacks.model.conventions import METADATA_DIR
from venvstacks.model.platforms import TargetPlatform


@dataclass(frozen=True)
class PublishedManifest:
    """The manifest of a source.

    Attributes:
        name: Where it is, for messages.
        content: Its bytes.
    """

    name: str
    content: bytes


def read_offer(source: Source, platform: TargetPlatform) -> Offer:
    """The source's offer for a platform.

    Raises:
        DeployError: There is no manifest, or it is not valid.
    """
    return offer_of(read_manifest(source, platform), source, platform)


def read_manifest(source: Source, platform: TargetPlatform) -> PublishedManifest:
    """The manifest of a source: the one that is tagged with a platform's name, or else the plain one.

    Raises:
        DeployError: There is none.
    """
    names = f"{METADATA_DIR}/venvstacks-{platform.name}.json", f"{METADATA_DIR}/venvstacks.json"
    refusal = None
    for name in names:
        try:
            content = source.read_optional(name)
        except TransferError as error:
            if error.kind != "forbidden":
                raise
            refusal, content = error, None  # how S3 answers for a missing file where the folder may not be listed
        else:
            refusal = None
        if content is not None:
            return PublishedManifest(f"{source.label}/{name}", content)
    if refusal is not None:
        raise refusal
    raise DeployError(
        f"nothing is published for {platform.name} at {source.label}",
        details=tuple(f"there is no {name}" for name in names),
        hint="name the folder that `venvstacks publish` has written, or its URL",
    )


def offer_of(manifest: PublishedManifest, source: Source, platform: TargetPlatform) -> Offer:
    """What a manifest offers for a platform, checked.

    Raises:
        DeployError: It is not valid, or for another platform.
    """
    layers, release = read_layers(manifest.content, manifest.name)
    return check_offer(source.label, source.available(layers), platform, release)
