"""Publish a linked layer: its archive, the lists of its files and packages, and its metadata."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.actions.publishing.archive_names import (
    PACKAGES_SUFFIX,
    ArchiveNames,
    Finished,
    choose_names,
    name_by_content,
)
from venvstacks.actions.publishing.deployable import check_deployable
from venvstacks.actions.publishing.deployed_names import epoch
from venvstacks.actions.publishing.layer_metadata import PublishedLayer
from venvstacks.actions.publishing.package_listing import list_packages
from venvstacks.actions.toolset import Tools
from venvstacks.archives.member_contents import Contents
from venvstacks.archives.members import Member, members
from venvstacks.archives.write_archive import ArchiveRequest, ArchiveWritten, write_archive
from venvstacks.archives.write_failures import not_written
from venvstacks.digests import sha256_bytes
from venvstacks.errors import InterruptedRunError, PublishError
from venvstacks.graph.compiler import COMPRESSORS, RECIPES
from venvstacks.model.runtime_needs import broken_promises
from venvstacks.records.earlier_publications import EarlierPublication, read_earlier
from venvstacks.records.file_lists import FileManifest
from venvstacks.records.published_json import metadata_text
from venvstacks.records.published_metadata import FileReference, LayerMetadata, read_metadata
from venvstacks.records.tree_records import LinkRecord
from venvstacks.tools.files import move_file, write_atomically

if TYPE_CHECKING:
    from venvstacks.actions.publishing.published_deltas import OlderPublication

_POSTINSTALL = "postinstall.py"
_X86 = frozenset({"x86_64", "amd64"})
_SMALL = 8 << 20  # bytes; below that, more threads are not worth their start


def contents_of(published: PublishedLayer, tools: Tools) -> Contents:
    """The publication of a layer; reading it ends when the run is stopped, as compressing may take minutes."""

    def passed(_: int) -> None:
        if tools.processes.stopping:
            raise InterruptedRunError

    return Contents(published_members(published.record), published.environment, passed)


def published_members(record: LinkRecord) -> tuple[Member, ...]:
    """What the archive of a linked layer holds."""
    script = (files("venvstacks._injected") / _POSTINSTALL).read_bytes()
    return members(record.entries, record.deployed_name, added={_POSTINSTALL: script}, bytecode=True)


def _observed_contents(published: PublishedLayer, tools: Tools) -> Contents:
    """The publication of a layer, which reports how much of it has been read."""
    contents, report, done = contents_of(published, tools), tools.progress, 0
    if report is None:
        return contents
    task, total = f"archive:{published.layer.env_name}", sum(member.size for member in contents.members)

    def passed(count: int) -> None:
        nonlocal done
        contents.passed(count)
        done += count
        report(task, done, total)

    return replace(contents, passed=passed)


@dataclass(frozen=True)
class ArchiveOptions:
    """How archives are written.

    Attributes:
        format: `tar.zst`, `tar.xz`, `tar.gz` or `zip`.
        level: Compression level, or None for the format's default.
        tagged: Whether names carry platform and build number.
        force: Whether to write an archive even if the metadata says that it is current.
        epoch: The time of all members, in seconds since 1970; None for that of the layer's lock.
        kept_format: Whether the format is that of the original's publications in the same folder.
        older: Publications that deltas are made from.
    """

    format: str
    level: int | None = None
    tagged: bool = False
    force: bool = False
    epoch: int | None = None
    kept_format: bool = False
    older: tuple[OlderPublication, ...] = ()


@dataclass(frozen=True)
class ReadyArchive:
    """An archive that another machine has packed from the same content, in the same way.

    Attributes:
        file: Where it is now; it is moved.
        size: Bytes.
        sha256: Hex digest, which the file has been compared with.
        packages: The packed list of the layer's packages.
    """

    file: Path
    size: int
    sha256: str
    packages: bytes


def archive_layer(
    published: PublishedLayer, options: ArchiveOptions, tools: Tools, ready: ReadyArchive | None = None
) -> dict[str, object]:
    """Write the layer's archive, its deltas and its metadata, in this order. No other bytes replace an earlier file.

    With a `ready` archive nothing is packed. Its name, build number, list of files and metadata are this machine's own.

    Metadata of the same inputs is kept, even where the archive itself is missing (it may have been uploaded). An
    archive that is written again with the same bytes keeps its name and build number.

    Raises:
        PublishError: The archive cannot be written, or the environment was changed after its build.
    """
    layout, platform = published.layout, published.platform
    folder = published.base / layout.artifacts
    tag = platform.name if options.tagged else None
    place = published.base / layout.published_metadata(layout.artifacts, published.layer, tag)
    packages = ready.packages if ready else list_packages(published).packed()
    common = published.metadata(
        COMPRESSORS[options.format],
        format=options.format,
        level=options.level,
        epoch=options.epoch,
        tagged=options.tagged,
        recipe=RECIPES["archive"],
        packages=sha256_bytes(packages),
    )
    earlier = _earlier_of(platform.name, place)
    current = earlier is not None and earlier.product and earlier.product.inputs_digest == common.product.inputs_digest
    if earlier and current and not (options.force or options.older):
        return {"archive": earlier.archive_name, "size": earlier.archive_size, "written": False}
    kept = read_metadata(place) if current and not options.force else None
    listed = name_by_content(common.install_target, tag, packages, PACKAGES_SUFFIX)
    product = common.product.model_copy(update={"package_list": FileReference.of(listed, packages)})
    common = common.model_copy(update={"product": product})
    with not_written(folder):
        if kept is None:
            write_atomically(folder / listed, packages)
        metadata = kept or _write(published, options, (common, earlier), tools, ready)
        metadata, notes = _with_deltas(published, metadata, earlier, options, tools)
        if metadata != kept:
            write_atomically(place, metadata_text(metadata.as_json()))
    result: dict[str, object] = {"archive": metadata.archive_name, "size": metadata.archive_size}
    result |= {"written": kept is None, **({"notes": list(notes)} if notes else {})}
    broken = list(broken_promises(metadata.product.notes, published.layer.glibc))
    return result | ({"warnings": [f"layer '{published.layer.name}': {text}" for text in broken]} if broken else {})


def _earlier_of(platform: str, place: Path) -> EarlierPublication | None:
    """The earlier publication of a layer, for the same platform.

    Raises:
        PublishError: The folder holds the layer for another platform, whose files and manifest would be replaced.
    """
    earlier = read_earlier(place)
    if earlier and earlier.target_platform not in {None, platform}:
        raise PublishError(
            f"{place.parents[2]} holds layers for {earlier.target_platform}, which those for {platform} would replace",
            hint="give both --tag-outputs, so that their names differ, or choose another --output-dir",
        )
    return earlier


def _with_deltas(
    published: PublishedLayer,
    metadata: LayerMetadata,
    earlier: EarlierPublication | None,
    options: ArchiveOptions,
    tools: Tools,
) -> tuple[LayerMetadata, tuple[str, ...]]:
    """The metadata with all deltas, those that lead to this version already included; and remarks about new ones."""
    product = earlier.product if earlier else None
    same = product is not None and product.file_manifest == metadata.product.file_manifest
    deltas, notes = ((product.deltas if product and same else None) or ()), tuple[str, ...]()
    if options.older:
        from venvstacks.actions.publishing.published_deltas import (  # noqa: PLC0415 - few runs make deltas
            DeltaTarget,
            publish_deltas,
        )

        layout = published.layout
        target = DeltaTarget(
            metadata=metadata,
            contents=contents_of(published, tools),
            platform=published.platform,
            folder=published.base / layout.artifacts,
            staging=published.base / layout.staging,
            tag=published.platform.name if options.tagged else None,
        )
        deltas, notes = publish_deltas(target, options.older, deltas, tools)
    product = metadata.product.model_copy(update={"deltas": deltas or None})
    return metadata.model_copy(update={"product": product}), notes


def _write(
    published: PublishedLayer,
    options: ArchiveOptions,
    known: tuple[LayerMetadata, EarlierPublication | None],
    tools: Tools,
    ready: ReadyArchive | None,
) -> LayerMetadata:
    """Write archive and list under names that no other content has had; return the complete metadata."""
    common, earlier = known
    folder, target = published.base / published.layout.artifacts, common.install_target
    tag = published.platform.name if options.tagged else None
    contents = contents_of(published, tools) if ready else _observed_contents(published, tools)
    listed = FileManifest.of(contents.members)
    check_deployable(published, common, listed)
    packed = listed.packed()

    @cache  # a name is asked for again when the archive has it, which would be read to be compared with itself
    def names(size: int, sha256: str) -> ArchiveNames:
        return choose_names(Finished(target, options.format, size, sha256, packed), folder, earlier, tag)

    written: ArchiveWritten | ReadyArchive
    if ready:
        written = ready
        move_file(ready.file, folder / names(ready.size, ready.sha256).archive)
    else:
        request = ArchiveRequest(
            contents=contents,
            destination=folder / f"{target}.{options.format}",
            format=options.format,
            epoch=epoch(published.lock) if options.epoch is None else options.epoch,
            level=options.level,
            threads=tools.threads,
            x86=published.platform.machine in _X86,
            rename=lambda written: folder / names(written.size, written.sha256).archive,
        )
        with tools.compressors if contents.size > _SMALL else contextlib.nullcontext():
            written = write_archive(request)
    chosen = names(written.size, written.sha256)
    write_atomically(folder / chosen.files, packed)
    added = {"file_manifest": FileReference.of(chosen.files, packed), "kept_format": options.kept_format or None}
    return common.model_copy(
        update={
            "product": common.product.model_copy(update=added),
            "archive_name": chosen.archive,
            "archive_build": chosen.build,
            "archive_size": written.size,
            "archive_hashes": {"sha256": written.sha256},
            "target_platform": published.platform.name,
        }
    )
