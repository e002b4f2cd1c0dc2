"""Deltas of a published layer: from the versions of older publications to this one."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from venvstacks.actions.publishing.archive_names import delta_name
from venvstacks.actions.toolset import Tools
from venvstacks.archives.expected import ExpectedTree, expect
from venvstacks.archives.member_contents import Contents
from venvstacks.archives.unpack import unpack_archive
from venvstacks.deltas.make_delta import DeltaRequest, write_delta
from venvstacks.deltas.old_version import OldVersion
from venvstacks.deployment.offers import Offer, OfferedDelta, OfferedFile, OfferedLayer
from venvstacks.deployment.ways import cheapest_chain
from venvstacks.digests import sha256_file
from venvstacks.errors import PublishError, TransferError
from venvstacks.model.platforms import TargetPlatform
from venvstacks.records.file_lists import FileManifest
from venvstacks.records.published_metadata import DeltaReference, LayerMetadata
from venvstacks.tools.clones import lay_file
from venvstacks.tools.files import remove_leftovers, replacing, staging_folder

KEPT_VERSIONS = 8
"""Older versions of a layer that a publication has deltas from, those of the older publications first."""

_WORTH = 0.9  # of the archive's size: what is hardly smaller is not worth a file


class PublishedFiles(Protocol):
    """The files of an older publication."""

    def read(self, file: OfferedFile) -> bytes:
        """The content of a small file, verified.

        Raises:
            DeployError: It is missing, or another one.
            TransferError: It cannot be fetched.
        """

    def obtain(self, file: OfferedFile, folder: Path) -> Path:
        """A file on this machine, verified: in `folder`, or where the publication has it. It raises as `read` does."""


@dataclass(frozen=True)
class OlderPublication:
    """A publication that deltas are made from.

    Attributes:
        offer: What it offers for the target platform.
        files: Its files.
    """

    offer: Offer
    files: PublishedFiles


@dataclass(frozen=True)
class DeltaTarget:
    """A published layer that deltas lead to.

    Attributes:
        metadata: Its metadata.
        contents: The files of its archive.
        platform: The platform that it was built for.
        folder: Where it is published.
        staging: Where old versions are unpacked.
        tag: A platform's name where outputs are tagged.
    """

    metadata: LayerMetadata
    contents: Contents
    platform: TargetPlatform
    folder: Path
    staging: Path
    tag: str | None = None

    @property
    def version(self) -> str:
        """What names this version: the digest of its list of files."""
        listed = self.metadata.product.file_manifest
        return listed.sha256 if listed else ""


def publish_deltas(
    target: DeltaTarget, older: Sequence[OlderPublication], known: Sequence[DeltaReference], tools: Tools
) -> tuple[tuple[DeltaReference, ...], tuple[str, ...]]:
    """Write the deltas of a layer from the versions that older publications offer.

    Deltas of the older publications that lead to their versions are kept: with the new ones they are chains.

    Args:
        target: The layer.
        older: The older publications, the most important first.
        known: Deltas that the layer has.
        tools: What actions work with.

    Returns:
        All deltas of the layer, and remarks for users about the new ones.

    Raises:
        PublishError: An older publication is damaged, or cannot be fetched.
        DeployError: A file of an older publication is missing, or another one.
        OSError: A delta cannot be written.
    """
    deltas = {(delta.from_files, delta.to_files): delta for delta in known if (target.folder / delta.name).is_file()}
    notes = []
    with _staged(target) as staging:
        for publication in older:
            layer = _layer_of(publication, target)
            if layer is None or layer.files.sha256 == target.version:
                continue
            if (layer.files.sha256, target.version) not in deltas:
                with _fetching(publication):
                    made = _make(target, publication, layer, staging, tools)
                deltas[layer.files.sha256, target.version] = made
                notes.append(_note(target, publication, made))
            for offered in layer.deltas:
                if (offered.before, offered.after) not in deltas:
                    deltas[offered.before, offered.after] = _reference(offered)
        kept = _worthwhile(target, deltas.values())
        for delta in kept:
            _place(target, delta, older, staging)
    return kept, tuple(notes)


@contextlib.contextmanager
def _staged(target: DeltaTarget) -> Iterator[Path]:
    name = f"deltas-{target.metadata.layer_name}"
    remove_leftovers(target.staging, name)
    with staging_folder(target.staging, name) as staging:
        yield staging


def _layer_of(publication: OlderPublication, target: DeltaTarget) -> OfferedLayer | None:
    names = (one for one in publication.offer.layers.values() if one.name == target.metadata.layer_name)
    return next(names, None)


def _make(
    target: DeltaTarget, publication: OlderPublication, layer: OfferedLayer, staging: Path, tools: Tools
) -> DeltaReference:
    """Write the delta from one older version."""
    with staging_folder(staging, "old") as folder:
        expected = _expected(publication, layer, target.platform)
        archive = publication.files.obtain(layer.archive, folder)
        unpack_archive(archive, expected, folder, lambda: tools.processes.stopping)
        old = OldVersion(folder / expected.top, tuple(expected.entries.values()))
        request = DeltaRequest(old, target.contents, folder, tools.threads)
        with tools.compressors, (folder / "new.delta").open("wb") as stream:
            made = write_delta(request, stream)
        name = delta_name(target.metadata.install_target, made.sha256, target.tag)
        (folder / "new.delta").rename(staging / name)
    facts = {"from_files": layer.files.sha256, "to_files": target.version}
    return DeltaReference(name=name, size=made.size, sha256=made.sha256, **facts)


def _expected(publication: OlderPublication, layer: OfferedLayer, platform: TargetPlatform) -> ExpectedTree:
    try:
        listed = FileManifest.unpack(publication.files.read(layer.files))
        return expect(listed.entries(), listed.install_target, siblings=frozenset(layer.lower), platform=platform)
    except ValueError as error:
        raise PublishError(
            f"the list of files {layer.files.name} of {publication.offer.source} is refused: {error}",
            hint="leave that publication out, or publish it again",
        ) from error


def _note(target: DeltaTarget, publication: OlderPublication, made: DeltaReference) -> str:
    size, whole = made.size, target.metadata.archive_size or 0
    name, source = target.metadata.layer_name, publication.offer.source
    if size >= _WORTH * whole:
        return f"{name}: no delta from {source}, as it would hardly be smaller than the archive"
    return f"{name}: a delta of {_size(size)} instead of {_size(whole)} from {source}"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _reference(offered: OfferedDelta) -> DeltaReference:
    file = offered.file
    return DeltaReference(
        name=file.name, size=file.size, sha256=file.sha256, from_files=offered.before, to_files=offered.after
    )


def _offered(delta: DeltaReference) -> OfferedDelta:
    return OfferedDelta(OfferedFile(delta.name, delta.size, delta.sha256), delta.from_files, delta.to_files)


def _worthwhile(target: DeltaTarget, deltas: Collection[DeltaReference]) -> tuple[DeltaReference, ...]:
    """The deltas of ways that are worth it, from as many versions as are kept."""
    offered = {_offered(delta): delta for delta in deltas}
    kept: dict[OfferedDelta, None] = {}
    versions = 0
    for version in dict.fromkeys(delta.before for delta in offered):
        chain = cheapest_chain(offered, target.version, {version})
        if chain and sum(delta.file.size for delta in chain) < _WORTH * (target.metadata.archive_size or 0):
            versions += 1
            kept |= dict.fromkeys(chain)
        if versions == KEPT_VERSIONS:
            break
    return tuple(delta for key, delta in offered.items() if key in kept)


def _place(target: DeltaTarget, delta: DeltaReference, older: Sequence[OlderPublication], staging: Path) -> None:
    """Put a delta into the folder, where it is not there yet: a new one, or one of an older publication."""
    place, new = target.folder / delta.name, staging / delta.name
    if place.is_file() and place.stat().st_size == delta.size and sha256_file(place) == delta.sha256:
        return
    if not new.is_file():
        file = _offered(delta).file
        publication = next(one for one in older if file in _files_of_deltas(one))
        with _fetching(publication):
            new = publication.files.obtain(file, staging)
    with replacing(place) as temporary:
        temporary.unlink()  # so that the file can be cloned
        lay_file(new, temporary)


def _files_of_deltas(publication: OlderPublication) -> Iterator[OfferedFile]:
    return (delta.file for layer in publication.offer.layers.values() for delta in layer.deltas)


@contextlib.contextmanager
def _fetching(publication: OlderPublication) -> Iterator[None]:
    try:
        yield
    except TransferError as error:
        raise PublishError(f"{publication.offer.source}: {error.message}", hint=error.hint) from error
