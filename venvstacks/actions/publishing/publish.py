"""Publish a linked layer as an archive, and write the manifests of the whole stack."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from venvstacks.actions.publishing.deployable import check_deployable
from venvstacks.actions.publishing.deployed_names import epoch
from venvstacks.actions.publishing.layer_metadata import PublishedLayer
from venvstacks.actions.toolset import Tools
from venvstacks.archives.formats import ArchiveRequest, write_archive
from venvstacks.archives.member_contents import Contents
from venvstacks.archives.members import Member, members
from venvstacks.archives.write_failures import not_written
from venvstacks.errors import InterruptedRunError
from venvstacks.graph.compiler import RECIPES
from venvstacks.records.file_lists import SUFFIX, FileManifest, reference
from venvstacks.records.published_metadata import LayerMetadata, metadata_text, read_metadata, wanted_manifest
from venvstacks.tools.files import (
    write_atomically,
    write_if_changed,
)
from venvstacks.tools.process import Processes

_POSTINSTALL = "postinstall.py"
_X86 = frozenset({"x86_64", "amd64"})
_SMALL = 8 << 20  # bytes of content that one thread compresses in no time


@dataclass(frozen=True)
class _StoppableContents(Contents):
    """Contents that are no longer read once the run is being stopped: compressing may take minutes."""

    processes: Processes

    def read(self, member: Member) -> Iterator[bytes]:
        for chunk in super().read(member):
            if self.processes.stopping:
                raise InterruptedRunError
            yield chunk


def contents_of(published: PublishedLayer, tools: Tools) -> Contents:
    """What is published of a layer."""
    script = (files("venvstacks._injected") / _POSTINSTALL).read_bytes()
    record = published.record
    listed = members(record.entries, record.deployed_name, added={_POSTINSTALL: script}, bytecode=True)
    return _StoppableContents(listed, published.environment, tools.processes)


@dataclass(frozen=True)
class ArchiveOptions:
    """How archives are written.

    Attributes:
        format: `tar.zst`, `tar.xz`, `tar.gz` or `zip`.
        level: Compression level, or None for the format's default.
        tagged: Whether names carry platform and build number.
        force: Whether to write an archive even if the metadata says that it is current.
        epoch: The time of all members, in seconds since 1970; None for that of the layer's lock.
    """

    format: str
    level: int | None = None
    tagged: bool = False
    force: bool = False
    epoch: int | None = None


def archive_layer(published: PublishedLayer, options: ArchiveOptions, tools: Tools) -> dict[str, object]:
    """Write the layer's archive and its metadata, the metadata last.

    Metadata that was made from the same inputs stands, even where the archive itself is not there (it has been
    uploaded, say). An archive that comes out with the same bytes keeps its build number.

    Raises:
        PublishError: The archive cannot be written, or the environment was changed after its build.
    """
    layout, platform = published.layout, published.platform
    folder = published.base / layout.artifacts
    tag = platform.name if options.tagged else None
    place = published.base / layout.published_metadata(layout.artifacts, published.layer, tag)
    common = published.metadata(
        format=options.format,
        level=options.level,
        epoch=options.epoch,
        tagged=options.tagged,
        recipe=RECIPES["archive"],
    )
    previous = read_metadata(place)
    current = previous is not None and previous.product.inputs_digest == common.product.inputs_digest
    if previous and current and not options.force:
        return {"archive": previous.archive_name, "size": previous.archive_size, "written": False}
    with not_written(folder):
        metadata = _write(published, options, common, previous, tools)
        write_atomically(place, metadata_text(metadata.as_json()))
    return {"archive": metadata.archive_name, "size": metadata.archive_size, "written": True}


def _write(
    published: PublishedLayer,
    options: ArchiveOptions,
    common: LayerMetadata,
    previous: LayerMetadata | None,
    tools: Tools,
) -> LayerMetadata:
    folder = published.base / published.layout.artifacts
    build = 1
    if previous and previous.archive_build and previous.lock_version == common.lock_version:
        build = previous.archive_build + 1
    name = _archive_name(common.install_target, published, options, build)
    contents = contents_of(published, tools)
    listed = FileManifest.of(contents.members)
    check_deployable(published, common, listed)
    request = ArchiveRequest(
        contents=contents,
        destination=folder / name,
        format=options.format,
        epoch=epoch(published.lock) if options.epoch is None else options.epoch,
        level=options.level,
        threads=tools.threads,
        x86=published.platform.machine in _X86,
    )
    with tools.compressors if contents.size > _SMALL else contextlib.nullcontext():
        written = write_archive(request)
    if previous and previous.archive_hashes == {"sha256": written.sha256} and build > 1:
        build -= 1
        kept = _archive_name(common.install_target, published, options, build)
        (folder / name).replace(folder / kept)
        name = kept
    packed = listed.packed()
    write_atomically(folder / f"{name}{SUFFIX}", packed)
    product = common.product.model_copy(update={"file_manifest": reference(f"{name}{SUFFIX}", packed)})
    return common.model_copy(
        update={
            "product": product,
            "archive_name": name,
            "archive_build": build,
            "archive_size": written.size,
            "archive_hashes": {"sha256": written.sha256},
            "target_platform": published.platform.name,
        }
    )


def _archive_name(target: str, published: PublishedLayer, options: ArchiveOptions, build: int) -> str:
    tag = f"-{published.platform.name}-{build}" if options.tagged else ""
    return f"{target}{tag}.{options.format}"


def write_manifest(metadata_files: Sequence[Path], place: Path) -> dict[str, object]:
    """Write the manifest of all published or exported layers.

    Raises:
        PublishError: It cannot be written.
    """
    with not_written(place):
        return {"written": write_if_changed(place, wanted_manifest(metadata_files))}
