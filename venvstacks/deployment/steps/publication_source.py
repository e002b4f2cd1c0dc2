"""Sources of published layers: a folder, or a web server that serves one."""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from venvstacks.deployment.manifest_reading import PUBLISH_AGAIN
from venvstacks.deployment.offers import OfferedFile, OfferedLayer
from venvstacks.digests import sha256_bytes, sha256_file
from venvstacks.errors import DeployError, TransferError, UsageError
from venvstacks.model.conventions import MANIFEST_LIMIT
from venvstacks.tools.files import home_expanded
from venvstacks.tools.patience import replace_patiently
from venvstacks.tools.transfer import Downloads, WantedFile
from venvstacks.urls import child, has_unclear_login, local_path, shown

if TYPE_CHECKING:
    import zipfile


@dataclass(frozen=True)
class Obtained:
    """A published file on this machine.

    Attributes:
        path: Where it is; in a bundle, its member.
        received: Bytes that were received now; fewer than its size if a download was resumed.
    """

    path: Path | zipfile.Path
    received: int


class Source(Protocol):
    """A source of published layers."""

    @property
    def label(self) -> str:
        """Folder or URL, for messages and records."""

    def available(self, layers: Iterable[OfferedLayer]) -> tuple[OfferedLayer, ...]:
        """Of the layers that the manifest lists, those that the source has, each with the deltas that it has."""

    def read_optional(self, path: str, limit: int = MANIFEST_LIMIT) -> bytes | None:
        """A small file by its path below the source; None if it is missing.

        Raises:
            DeployError: It cannot be read, or has more than `limit` bytes.
            TransferError: It cannot be fetched, or is larger than that; its kind is "forbidden" if the server does not
                say whether there is such a file.
        """

    def read(self, file: OfferedFile) -> bytes:
        """A small published file, verified."""

    def obtain(self, file: OfferedFile, folder: Path) -> Obtained:
        """A published file on this machine, verified; in `folder`, or where the source has it."""

    def space_needed(self, file: OfferedFile, folder: Path) -> int:
        """Bytes that `obtain` would add to `folder`."""

    def bytes_to_fetch(self, file: OfferedFile, folder: Path) -> int:
        """Bytes that `obtain` would read from the source."""


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

    def available(self, layers: Iterable[OfferedLayer]) -> tuple[OfferedLayer, ...]:
        """See `Source`."""
        return tuple(layers)

    def read_optional(self, path: str, limit: int = MANIFEST_LIMIT) -> bytes | None:
        """See `Source`."""
        return self._read(path, limit)

    def read(self, file: OfferedFile) -> bytes:
        """See `Source`."""
        content = self._read(file.name, file.size)
        if content is None:
            raise _missing(self.folder / file.name)
        check_published(file, len(content), sha256_bytes(content))
        return content

    def _read(self, path: str, limit: int) -> bytes | None:
        place = self.folder / path
        try:
            _require_file(place)
            with place.open("rb") as stream:
                content = stream.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(place, error) from error
        if len(content) > limit:
            raise DeployError(f"{place} has more than {limit} bytes", hint=PUBLISH_AGAIN)
        return content

    def obtain(self, file: OfferedFile, folder: Path) -> Obtained:  # noqa: ARG002 - nothing has to be fetched
        """See `Source`."""
        place = self.folder / file.name
        try:
            _require_file(place)
            size = place.stat().st_size
            check_published(file, size, sha256_file(place) if size == file.size else "")
        except FileNotFoundError:
            raise _missing(place) from None
        except OSError as error:
            raise _unreadable(place, error) from error
        return Obtained(place, size)

    def space_needed(self, file: OfferedFile, folder: Path) -> int:  # noqa: ARG002 - nothing has to be fetched
        """See `Source`."""
        return 0

    def bytes_to_fetch(self, file: OfferedFile, folder: Path) -> int:  # noqa: ARG002 - nothing is kept in the folder
        """See `Source`."""
        return file.size


@dataclass(frozen=True)
class WebSource:
    """A folder of published artifacts on a web server.

    Attributes:
        url: The folder's; a query in it is a part of every request (presigned URLs, SAS).
        downloads: Fetches files.
    """

    url: str
    downloads: Downloads

    @property
    def label(self) -> str:
        """The URL, without passwords and query."""
        return shown(self.url)

    def available(self, layers: Iterable[OfferedLayer]) -> tuple[OfferedLayer, ...]:
        """See `Source`."""
        return tuple(layers)

    def read_optional(self, path: str, limit: int = MANIFEST_LIMIT) -> bytes | None:
        """See `Source`. A page is how some servers answer for a missing file: no JSON begins like one."""
        try:
            content = self.downloads.read(child(self.url, path), limit)
            return None if path.endswith(".json") and content.lstrip()[:1] == b"<" else content
        except TransferError as error:
            if error.kind == "missing":
                return None
            raise

    def read(self, file: OfferedFile) -> bytes:
        """See `Source`."""
        content = self.downloads.read(child(self.url, file.name), file.size)
        check_published(file, len(content), sha256_bytes(content))
        return content

    def obtain(self, file: OfferedFile, folder: Path) -> Obtained:
        """See `Source`. A download that an earlier deploy began is resumed; a finished one is compared again."""
        place, part = self._places(file, folder)
        if place.exists():
            if place.stat().st_size == file.size and sha256_file(place) == file.sha256:
                return Obtained(place, 0)
            place.unlink()  # a damaged file on disk must not stop all later deploys
        folder.mkdir(parents=True, exist_ok=True)
        received = self.downloads.fetch(WantedFile(child(self.url, file.name), file.sha256, file.size), part)
        replace_patiently(part, place)
        return Obtained(place, received)

    def space_needed(self, file: OfferedFile, folder: Path) -> int:
        """See `Source`. Files that an earlier deploy has fetched need none."""
        held = [place.stat().st_size for place in self._places(file, folder) if place.is_file()]
        return max(0, file.size - max(held, default=0))

    def bytes_to_fetch(self, file: OfferedFile, folder: Path) -> int:
        """See `Source`."""
        return self.space_needed(file, folder)

    @staticmethod
    def _places(file: OfferedFile, folder: Path) -> tuple[Path, Path]:
        """The places of a file when it is complete, and before that."""
        name = f"{file.sha256[:16]}-{file.name}"
        return folder / name, folder / f"{name}.part"


def open_source(text: str, make_downloads: Callable[[], Downloads]) -> Source:
    """The source that a user names.

    Raises:
        UsageError: It is neither a folder nor a URL of a known kind.
        DeployError: It cannot be read.
    """
    if is_on_web(text):
        return WebSource(_checked_url(text), make_downloads())
    folder = source_path(text)
    try:
        is_folder = folder.is_dir()
    except OSError as error:  # a folder above it may not be read, or a name is too long
        raise _unreadable(folder, error) from error
    if not is_folder:
        raise UsageError(f"there is no folder {folder}", hint="name the folder that `venvstacks publish` has written")
    return FolderSource(folder)


def is_on_web(text: str) -> bool:
    """Whether a source that a user names is a URL of a web server."""
    return text.lower().startswith(("http://", "https://"))


def source_path(text: str) -> Path:
    """The absolute path of a folder or file that a user names, as a path or a `file:` URL.

    Raises:
        UsageError: It is a URL of another kind, or of another machine.
    """
    try:
        path = local_path(text)
    except ValueError as error:
        raise UsageError(f"{text} is {error}", hint="give a folder, or an http(s) URL") from error
    scheme, separator, _ = path.partition("://")
    if separator:
        raise UsageError(f"{scheme}:// is not a source to deploy from", hint="give a folder, or an http(s) URL")
    return home_expanded(path).absolute()


def _checked_url(text: str) -> str:
    if has_unclear_login(text):
        raise UsageError(
            f"the URL {shown(text)} cannot be split into login, host and path",
            hint="in user names and passwords, write %2F for /, %40 for @, %3F for ? and %23 for #",
        )
    if "#" in text:
        raise UsageError(
            f"the URL {shown(text)} has a '#', and nothing after that is sent to a server",
            hint="write %23 for a # in the name of a folder, and leave the rest out otherwise",
        )
    return text


def check_published(file: OfferedFile, size: int, sha256: str) -> None:
    """Compare a file's size and SHA-256 with the published ones.

    Raises:
        DeployError: It is another file.
    """
    if size != file.size:
        how = f"it has {size} bytes, not {file.size}"
    elif sha256 != file.sha256:
        how = f"its SHA-256 is {sha256}, not {file.sha256}"
    else:
        return
    raise DeployError(f"{file.name} is not the file that the manifest lists: {how}", hint=PUBLISH_AGAIN)


def _require_file(place: Path) -> None:
    """Refuse everything except regular files: reading a FIFO or a device might never end.

    Raises:
        OSError: It is no regular file, or missing.
    """
    if not stat.S_ISREG(place.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a file")


def _missing(place: Path) -> DeployError:
    return DeployError(
        f"{place} is missing, although the manifest lists it",
        hint="copy it back if it was moved, or write it again with `venvstacks publish --force`",
    )


def _unreadable(place: Path, error: OSError) -> DeployError:
    return DeployError(f"{place} cannot be read: {error.strerror or error}", hint="check its permissions")
