"""Reads the contents of a publication: its manifest and the lists next to its archives, never an archive."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from typing import TypeVar

from packaging.utils import canonicalize_name

from venvstacks.archives.expected import check_path
from venvstacks.deployment.manifest_reading import PUBLISH_AGAIN
from venvstacks.deployment.offers import OfferedFile, OfferedLayer
from venvstacks.deployment.steps.publication_source import FolderSource, Source
from venvstacks.deployment.steps.published_offer import PublishedManifest, offer_of, read_manifest
from venvstacks.digests import TreeEntry
from venvstacks.errors import DeployError
from venvstacks.insight.contents import LayerContents, StackContents, lowest_first
from venvstacks.model.conventions import METADATA_DIR, PACKED_LIMIT
from venvstacks.model.platforms import PLATFORMS, TargetPlatform
from venvstacks.records.file_lists import FileManifest
from venvstacks.records.package_lists import ListedPackage, PackageList
from venvstacks.records.published_metadata import FileReference, LayerMetadata
from venvstacks.records.stack_manifest import StackManifest

_Found = TypeVar("_Found")
_UNLISTED = (
    "published without a list of packages, so what these need, their licences and sizes are not known; "
    "`venvstacks publish` of this version adds the list"
)


def read_publication(source: Source, platform: TargetPlatform) -> StackContents:
    """The contents of all layers that a source offers.

    Args:
        source: The publication.
        platform: Whose archives, where the names of archives carry platforms. Otherwise those that there are.

    Raises:
        DeployError: There is no publication, or it is not valid.
        TransferError: It cannot be fetched.
    """
    found = read_manifest(source, _offered_platform(source, platform))
    entries = {entry.install_target: entry for entry in _entries(found)}
    published = {str(entry.target_platform) for entry in entries.values()}
    meant = next((PLATFORMS[name] for name in sorted(published) if name in PLATFORMS), platform)
    offer = offer_of(found, source, meant)
    layers = (_layer(source, layer, entries[target]) for target, layer in offer.layers.items())
    return StackContents(source.label, "publication", lowest_first(layers))


def _entries(found: PublishedManifest) -> tuple[LayerMetadata, ...]:
    try:
        return StackManifest.parse(found.content).entries
    except ValueError as error:
        raise DeployError(f"{found.name} is not a manifest: {error}", hint=PUBLISH_AGAIN) from error


def _offered_platform(source: Source, platform: TargetPlatform) -> TargetPlatform:
    """`platform`, or the only one that a folder has something for."""
    if not isinstance(source, FolderSource):
        return platform
    found = [
        one for one in PLATFORMS.values() if (source.folder / METADATA_DIR / f"venvstacks-{one.name}.json").exists()
    ]
    return found[0] if len(found) == 1 else platform


def _layer(source: Source, layer: OfferedLayer, entry: LayerMetadata) -> LayerContents:
    files = _read(source, layer.files, lambda data: FileManifest.unpack(data).entries())
    listed = _package_list(source, entry.product.package_list)
    product = entry.product
    return LayerContents(
        name=layer.name,
        target=layer.target,
        kind=layer.kind,
        python=layer.python,
        platform=layer.platform,
        lower=layer.lower,
        declared=listed.declared if listed else (),
        packages=listed.packages if listed else tuple(guessed_packages(files)),
        files=files,
        archive=layer.archive,
        offered=layer,
        locked_at=entry.locked_at,
        version=layer.lock_version,
        source=(product.runtime_provider, product.runtime_build or "") if product.runtime_provider else None,
        notes=() if listed else (_UNLISTED,),
    )


def _package_list(source: Source, reference: FileReference | None) -> PackageList | None:
    if reference is None:
        return None
    file = OfferedFile(reference.name, reference.size, reference.sha256)
    if "/" in file.name or not _is_path(file.name) or file.size > PACKED_LIMIT:
        raise DeployError(
            f"the manifest of {source.label} is not valid: {file.name!r} is not a list of packages, or is too large",
            hint="publish again with this version of venvstacks",
        )
    return _read(source, file, PackageList.unpack)


def _is_path(name: str) -> bool:
    try:
        check_path(name)
    except ValueError:
        return False
    return True


def _read(source: Source, file: OfferedFile, parse: Callable[[bytes], _Found]) -> _Found:
    content = source.read(file)
    try:
        return parse(content)
    except ValueError as error:
        raise DeployError(
            f"{file.name} of {source.label} is not a valid list: {error}", hint="publish again with `--force`"
        ) from error


def guessed_packages(files: Iterable[TreeEntry]) -> Iterable[ListedPackage]:
    """The packages that the names of metadata folders tell, without anything that their content would tell."""
    infos = {posixpath.dirname(entry.path) for entry in files if entry.path.endswith(".dist-info/METADATA")}
    names = (posixpath.basename(path) for path in infos if posixpath.dirname(path).endswith("site-packages"))
    for stem in sorted(name.removesuffix(".dist-info") for name in names):
        name, _, version = stem.partition("-")
        yield ListedPackage(name=str(canonicalize_name(name)), version=version, purl="")
