"""A source of published layers in a bundle: the file for machines without a network, or its unpacked folder.

It holds a part of a publication as it was published, signed metadata included. Archives that not every Python can read
are packed in another format: their files are compared with the (signed) list of files like all others, and whether the
packed bytes are those that the bundle was made with is compared before.
"""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.deployment.offers import OfferedFile, OfferedLayer
from venvstacks.deployment.steps.publication_source import (
    Obtained,
    Source,
    check_published,
    is_on_web,
    open_source,
    source_path,
)
from venvstacks.digests import sha256_bytes, sha256_stream
from venvstacks.errors import DeployError
from venvstacks.json_forms import FormError, array, digest, mapping, parse, record, text, whole
from venvstacks.model.conventions import MANIFEST_LIMIT, METADATA_DIR

if TYPE_CHECKING:
    from venvstacks.tools.transfer import Downloads

PUBLICATION = "publication"
"""The folder of a bundle that holds the part of the publication."""

INDEX = f"{METADATA_DIR}/bundle.json"
"""The description of a bundle, in that folder."""

_INDEX_LIMIT = 1 << 20
_COPY_AGAIN = "copy or download the bundle again"
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class BundleIndex:
    """What a bundle holds.

    Attributes:
        source: Where it was made from, without secrets.
        platform: The target platform.
        applications: Names of its applications.
        layers: Deployed names of its layers.
        repacked: The archives that are in another format than the published one, by the published name.
    """

    source: str
    platform: str
    applications: tuple[str, ...]
    layers: tuple[str, ...]
    repacked: Mapping[str, OfferedFile]


_INDEX_FORM = record(
    BundleIndex,
    "versioned",
    source=text,
    platform=text,
    applications=array(text),
    layers=array(text),
    repacked=mapping(record(OfferedFile, name=text, size=whole(0), sha256=digest)),
)


@dataclass(frozen=True)
class BundledSource:
    """A bundle.

    Attributes:
        label: The bundle's file or folder.
        folder: What it holds of the publication.
        index: What that is.
    """

    label: str
    folder: Path | zipfile.Path
    index: BundleIndex

    def available(self, layers: Iterable[OfferedLayer]) -> tuple[OfferedLayer, ...]:
        """See `Source`. Deltas are never in it: machines that have an earlier version get the whole layer."""
        return tuple(replace(layer, deltas=()) for layer in layers if layer.target in self.index.layers)

    def read_optional(self, path: str, limit: int = MANIFEST_LIMIT) -> bytes | None:
        """See `Source`."""
        place = self.folder / path
        with self._reading(path):
            content = _read(place, limit + 1) if _is_file(place) else None
        if content is not None and len(content) > limit:
            raise DeployError(f"{path} in {self.label} has more than {limit} bytes", hint=_COPY_AGAIN)
        return content

    def read(self, file: OfferedFile) -> bytes:
        """See `Source`."""
        content = self.read_optional(file.name, file.size)
        if content is None:
            raise self._missing(file.name)
        check_published(file, len(content), sha256_bytes(content))
        return content

    def obtain(self, file: OfferedFile, folder: Path) -> Obtained:  # noqa: ARG002 - nothing has to be fetched
        """See `Source`."""
        file = self.index.repacked.get(file.name, file)
        place = self.folder / file.name
        if not _is_file(place):
            raise self._missing(file.name)
        with self._reading(file.name), place.open("rb") as stream:
            sha256, size = sha256_stream(stream), stream.tell()
        check_published(file, size, sha256)
        return Obtained(place, size)

    def space_needed(self, file: OfferedFile, folder: Path) -> int:  # noqa: ARG002 - nothing has to be fetched
        """See `Source`."""
        return 0

    def bytes_to_fetch(self, file: OfferedFile, folder: Path) -> int:  # noqa: ARG002 - nothing is kept in the folder
        """See `Source`."""
        return self.index.repacked.get(file.name, file).size

    @contextlib.contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as error:
            raise DeployError(f"{name} in {self.label} is damaged: {error}", hint=_COPY_AGAIN) from error
        except OSError as error:
            raise DeployError(f"{self.label} cannot be read: {error.strerror or error}", hint=_COPY_AGAIN) from error

    def _missing(self, name: str) -> DeployError:
        return DeployError(f"{name} is missing in {self.label}", hint=_COPY_AGAIN)


def open_source_or_bundle(text: str, make_downloads: Callable[[], Downloads]) -> Source:
    """The source that a user names: a bundle, or what `open_source` opens.

    Raises:
        UsageError: It is neither of them.
        DeployError: It is a damaged bundle.
    """
    bundle = None if is_on_web(text) else open_bundle(source_path(text))
    return bundle or open_source(text, make_downloads)


def open_bundle(place: Path) -> BundledSource | None:
    """The bundle at `place`; None if there is something else.

    Raises:
        DeployError: It is damaged, or was made by another version.
    """
    try:
        root = _root(place)
        folder = root / PUBLICATION if root else None
        if folder is None or not _is_file(folder / INDEX):
            return None
        content = _read(folder / INDEX, _INDEX_LIMIT)
    except (OSError, *_DAMAGE):
        return None
    try:
        return BundledSource(str(place), folder, parse(content, _INDEX_FORM))
    except FormError as error:
        raise DeployError(f"the bundle {place} cannot be used: {error}", hint=_COPY_AGAIN) from error


def _read(place: Path | zipfile.Path, most: int) -> bytes:
    with place.open("rb") as stream:
        return stream.read(most)


def _is_file(place: Path | zipfile.Path) -> bool:
    return place.exists() and place.is_file()  # Python 3.9 takes what is not in an archive for a file of it


def _root(place: Path) -> Path | zipfile.Path | None:
    if place.is_dir():
        return place
    return zipfile.Path(place) if place.is_file() and zipfile.is_zipfile(place) else None  # not of a FIFO or device
