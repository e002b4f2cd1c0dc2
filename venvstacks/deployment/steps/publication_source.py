"""Where published layers come from: a folder, or a web server that serves one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from pydantic import ValidationError

from venvstacks.data_faults import first_fault
from venvstacks.deployment.offers import Offer, OfferedFile, OfferedLayer, check_offer
from venvstacks.digests import sha256_bytes, sha256_file
from venvstacks.errors import DeployError, TransferError, UsageError
from venvstacks.model.conventions import METADATA_DIR
from venvstacks.model.platforms import TargetPlatform
from venvstacks.records.published_metadata import LayerMetadata, StackManifest
from venvstacks.tools.transfer import Downloads, WantedFile
from venvstacks.urls import shown

_MANIFEST_LIMIT = 64 << 20
_HALF_BLOCK = 2048  # what a file leaves empty at its end, on average
_PUBLISH_AGAIN = "publish again with this version of venvstacks, or fetch the files again"


class Source(Protocol):
    """What deploying reads from."""

    @property
    def label(self) -> str:
        """Folder or URL, for messages and records."""

    def read_optional(self, path: str) -> bytes | None:
        """A small file by its path below the source; None if it is not there."""

    def read(self, file: OfferedFile) -> bytes:
        """A small published file, verified."""

    def obtain(self, file: OfferedFile, folder: Path) -> Path:
        """A published file on this machine, verified; it may be put into `folder`, or be where it is."""

    def space_needed(self, file: OfferedFile, folder: Path) -> int:
        """Bytes that `obtain` is going to add to `folder`."""


@dataclass(frozen=True)
class FolderSource:
    """A folder of published artifacts.

    Attributes:
        folder: Absolute path.
    """

    folder: Path

    @property
    def label(self) -> str:
        """The folder."""
        return str(self.folder)

    def read_optional(self, path: str) -> bytes | None:
        """See `Source`."""
        try:
            return (self.folder / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(self.folder / path, error) from error

    def read(self, file: OfferedFile) -> bytes:
        """See `Source`."""
        content = self.read_optional(file.name)
        if content is None:
            raise _missing(self.folder / file.name)
        _check(file, len(content), sha256_bytes(content))
        return content

    def obtain(self, file: OfferedFile, folder: Path) -> Path:  # noqa: ARG002 - nothing has to be fetched
        """See `Source`."""
        place = self.folder / file.name
        try:
            size = place.stat().st_size
            _check(file, size, sha256_file(place) if size == file.size else "")
        except FileNotFoundError:
            raise _missing(place) from None
        except OSError as error:
            raise _unreadable(place, error) from error
        return place

    def space_needed(self, file: OfferedFile, folder: Path) -> int:  # noqa: ARG002 - nothing has to be fetched
        """See `Source`."""
        return 0


@dataclass(frozen=True)
class WebSource:
    """The same, on a web server.

    Attributes:
        url: Without a final slash.
        downloads: Fetches.
    """

    url: str
    downloads: Downloads

    @property
    def label(self) -> str:
        """The URL, without passwords and query."""
        return shown(self.url)

    def read_optional(self, path: str) -> bytes | None:
        """See `Source`."""
        try:
            return self.downloads.read(self._address(path), _MANIFEST_LIMIT)
        except TransferError as error:
            if error.kind == "missing":
                return None
            raise

    def read(self, file: OfferedFile) -> bytes:
        """See `Source`."""
        content = self.downloads.read(self._address(file.name), file.size)
        _check(file, len(content), sha256_bytes(content))
        return content

    def obtain(self, file: OfferedFile, folder: Path) -> Path:
        """See `Source`. What an interrupted deploy fetched is gone on with."""
        place, part = self._places(file, folder)
        if place.exists():
            return place
        folder.mkdir(parents=True, exist_ok=True)
        self.downloads.fetch(WantedFile(self._address(file.name), file.sha256, file.size), part)
        return part.replace(place)

    def space_needed(self, file: OfferedFile, folder: Path) -> int:
        """See `Source`. What an earlier deploy has fetched is there already."""
        held = [place.stat().st_size for place in self._places(file, folder) if place.is_file()]
        return max(0, file.size - max(held, default=0))

    @staticmethod
    def _places(file: OfferedFile, folder: Path) -> tuple[Path, Path]:
        """Where a file is when it is complete, and until then."""
        name = f"{file.sha256[:16]}-{file.name}"
        return folder / name, folder / f"{name}.part"

    def _address(self, path: str) -> str:
        return f"{self.url}/{quote(path, safe='/@+')}"


def open_source(text: str, make_downloads: Callable[[], Downloads]) -> Source:
    """The source that a user names.

    Raises:
        UsageError: It is neither a folder nor a URL of a known kind.
    """
    scheme, separator, _ = text.partition("://")
    if separator and scheme.lower() in {"http", "https"}:
        return WebSource(text.rstrip("/"), make_downloads())
    if separator:
        raise UsageError(f"{scheme}:// is not a source to deploy from", hint="give a folder, or an http(s) URL")
    folder = Path(text).expanduser().absolute()
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="name the folder that `venvstacks publish` has written")
    return FolderSource(folder)


def read_offer(source: Source, platform: TargetPlatform) -> Offer:
    """What the source offers for a platform: the manifest tagged with its name, or else the plain one.

    Raises:
        DeployError: There is no manifest, or it makes no sense.
    """
    names = f"{METADATA_DIR}/venvstacks-{platform.name}.json", f"{METADATA_DIR}/venvstacks.json"
    for name in names:
        content = source.read_optional(name)
        if content is not None:
            return _parse(content, f"{source.label}/{name}", source, platform)
    raise DeployError(
        f"nothing is published for {platform.name} at {source.label}",
        details=tuple(f"there is no {name}" for name in names),
        hint="name the folder that `venvstacks publish` has written, or its URL",
    )


def _parse(content: bytes, name: str, source: Source, platform: TargetPlatform) -> Offer:
    try:
        manifest = StackManifest.model_validate_json(content)
    except ValidationError as error:
        raise DeployError(f"{name} is not a manifest: {first_fault(error)}", hint=_PUBLISH_AGAIN) from error
    return check_offer(source.label, tuple(_offered(entry, name) for entry in manifest.entries), platform)


def _offered(entry: LayerMetadata, name: str) -> OfferedLayer:
    listed = entry.product.file_manifest
    digest = (entry.archive_hashes or {}).get("sha256")
    if listed is None or digest is None or entry.archive_name is None or entry.archive_size is None:
        raise DeployError(
            f"{name}: layer '{entry.layer_name}' was published without the digests that deploying needs",
            hint=_PUBLISH_AGAIN,
        )
    return OfferedLayer(
        name=entry.layer_name,
        target=entry.install_target,
        kind=entry.product.kind,
        python=entry.python_implementation,
        platform=entry.target_platform or "no platform",
        lock_version=entry.lock_version,
        archive=OfferedFile(entry.archive_name, entry.archive_size, digest),
        files=OfferedFile(listed.name, listed.size, listed.sha256),
        disk_size=entry.product.uncompressed_size + entry.product.file_count * _HALF_BLOCK,
        runtime=None if entry.product.kind == "runtime" else entry.runtime_layer,  # runtimes name themselves there
        frameworks=entry.required_layers or (),
        launch_module=entry.app_launch_module,
    )


def _check(file: OfferedFile, size: int, sha256: str) -> None:
    if size != file.size:
        how = f"it has {size} bytes, not {file.size}"
    elif sha256 != file.sha256:
        how = f"its SHA-256 is {sha256}, not {file.sha256}"
    else:
        return
    raise DeployError(f"{file.name} is not the file that the manifest speaks of: {how}", hint=_PUBLISH_AGAIN)


def _missing(place: Path) -> DeployError:
    return DeployError(f"{place} is not there, although the manifest speaks of it", hint=_PUBLISH_AGAIN)


def _unreadable(place: Path, error: OSError) -> DeployError:
    return DeployError(f"{place} cannot be read: {error.strerror or error}", hint="check its permissions")
