"""The manifest of a stack, written last, and the removal of files that only old manifests name.

Archives have names of their own (see `archive_names`), so that a manifest and the files that it names belong together
for as long as those files exist. Files of the last two earlier manifests, and of those of the last hour, are kept for
readers.

    <output folder>/__venvstacks__/earlier/venvstacks.<time>-<digest>.json    earlier manifests
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from venvstacks.actions.publishing.archive_names import (
    BILL_SUFFIX,
    DELTA_SUFFIX,
    FILES_SUFFIX,
    PACKAGES_SUFFIX,
    PROVENANCE_SUFFIX,
)
from venvstacks.archives.formats import ARCHIVE_FORMATS
from venvstacks.archives.write_failures import not_written
from venvstacks.digests import sha256_bytes
from venvstacks.records.earlier_publications import named_files
from venvstacks.records.stack_manifest import wanted_manifest
from venvstacks.tools.files import write_atomically, write_if_changed

EARLIER = "earlier"
"""Folder of earlier manifests, below that of the metadata."""

_KEPT = 2
_HELD = timedelta(hours=1)
_TIME = "%Y%m%dT%H%M%SZ"
_LISTS = (FILES_SUFFIX, PACKAGES_SUFFIX, DELTA_SUFFIX, BILL_SUFFIX, PROVENANCE_SUFFIX)
_SUFFIXES = (*(f".{name}" for name in ARCHIVE_FORMATS), *_LISTS)
_ENDINGS = "|".join(map(re.escape, _SUFFIXES))


def write_manifest(metadata_files: Sequence[Path], place: Path, release: str | None = None) -> dict[str, object]:
    """Write the manifest of all layers that have been published or exported; see `wanted_manifest`.

    Raises:
        PublishError: It cannot be written.
    """
    with not_written(place):
        return {"written": write_if_changed(place, wanted_manifest(metadata_files, release))}


def publish_manifest(
    metadata_files: Sequence[Path], place: Path, now: datetime, *, tagged: bool = False, release: str | None = None
) -> dict[str, object]:
    """Write the manifest of all published layers, keep the one before, and remove files that only old manifests name.

    Args:
        metadata_files: Metadata of the layers; missing files are left out.
        place: The manifest.
        now: The present time.
        tagged: Whether names are tagged; such archives are numbered and kept.
        release: What the publication is called; None derives it from the times of the locks.

    Raises:
        PublishError: It cannot be written.
    """
    if tagged:
        return write_manifest(metadata_files, place, release)
    text = wanted_manifest(metadata_files, release).encode()
    with not_written(place):
        before = place.read_bytes() if place.is_file() else None
        if before is not None and before != text:
            name = f"{place.stem}.{now.strftime(_TIME)}-{sha256_bytes(before)[:8]}.json"
            write_atomically(place.parent / EARLIER / name, before)
        written = write_if_changed(place, text)
    for superseded in _superseded(place, now):
        with contextlib.suppress(OSError):  # what cannot be removed does no harm, and is tried again
            superseded.unlink()
    return {"written": written}


def _superseded(place: Path, now: datetime) -> Iterator[Path]:
    """Published files that only manifests name which are old enough to be dropped, and then those manifests.

    Files that no manifest has named were left by a killed run, or belong to one that is under way: they are kept for
    as long as the files of earlier manifests.
    """
    metadata = place.parent
    folder = metadata.parent
    held = Held.of(metadata, place.stem, now)
    dropped = frozenset[str]().union(*map(named_files, held.dropped))
    old = [
        name
        for name in superseded_names(folder, named_files(place))
        if name in dropped or (_has_digest(name) and _is_older(folder / name, now - _HELD))
    ]
    if old:  # else there is no need to read all other metadata
        others = (*metadata.glob("*.json"), *(metadata / "env_metadata").glob("*.json"), *held.kept)
        named = frozenset[str]().union(*map(named_files, others))
        yield from (folder / name for name in old if name not in named)
    yield from held.dropped


@dataclass(frozen=True)
class Held:
    """The earlier manifests of a folder.

    Attributes:
        kept: Those whose files are kept, also of stacks with other tags.
        dropped: Those that are removed.
    """

    kept: tuple[Path, ...]
    dropped: tuple[Path, ...]

    @classmethod
    def of(cls, metadata: Path, stem: str, now: datetime) -> Held:
        """Decide by the times in their names."""
        everything = sorted((metadata / EARLIER).glob("*.json"))
        own = [path for path in everything if path.name.startswith(f"{stem}.")]
        limit = f"{stem}.{(now - _HELD).strftime(_TIME)}"
        dropped = tuple(path for path in own[:-_KEPT] if path.name < limit)
        return cls(tuple(path for path in everything if path not in dropped), dropped)


def earlier_since(folder: Path, limit: datetime) -> tuple[Path, ...]:
    """Earlier manifests that were replaced at a time or after it.

    Args:
        folder: Their folder.
        limit: The time.
    """
    found = (
        (path, re.search(r"\.(\d{8}T\d{6}Z)-[0-9a-f]{8}\.json$", path.name)) for path in sorted(folder.glob("*.json"))
    )
    return tuple(path for path, time in found if time and time[1] >= limit.strftime(_TIME))


def superseded_names(folder: Path, current: Iterable[str]) -> Iterator[str]:
    """Files that are or were published under the deployed names of `current`, tagged ones excepted.

    Args:
        folder: Where archives are published.
        current: File names of published archives and lists.
    """
    names = "|".join(sorted({re.escape(_deployed_name(name)) for name in current}))
    pattern = re.compile(rf"({names})(-[0-9a-f]{{12}})?({_ENDINGS})(\.files\.json\.gz)?")
    yield from (path.name for path in sorted(folder.iterdir()) if pattern.fullmatch(path.name) and path.is_file())


def _deployed_name(name: str) -> str:
    """The deployed name in the name of an untagged file."""
    return re.sub(rf"(-[0-9a-f]{{12}})?({_ENDINGS})$", "", name)


def _is_older(path: Path, limit: datetime) -> bool:
    try:
        return path.stat().st_mtime < limit.timestamp()
    except OSError:
        return False


def _has_digest(name: str) -> bool:
    return re.search(rf"-[0-9a-f]{{12}}({_ENDINGS})$", name) is not None
