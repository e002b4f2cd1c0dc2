"""Reading the contents of members from the tree, with a check that each still is as it was recorded."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from venvstacks.archives.members import Member
from venvstacks.errors import ChangedEnvironmentError, PublishError

_CHUNK = 256 * 1024


@dataclass(frozen=True)
class Contents:
    """Members together with the folder that holds them.

    Attributes:
        members: The members, in the order in which they are written.
        root: Folder of the environment that the members' sources are relative to.
    """

    members: tuple[Member, ...]
    root: Path

    @property
    def size(self) -> int:
        """Bytes of all members plus one tar block for the header of each; depends on the members alone."""
        return sum(512 + member.size for member in self.members)

    def read(self, member: Member) -> Iterator[bytes]:
        """The bytes of a file, a piece at a time; no bytes for links and folders, which are only checked.

        The last check is made after all pieces were yielded: a writer must discard what it wrote when this raises.

        Raises:
            ChangedEnvironmentError: The entry in the tree differs from the recorded one.
            PublishError: The file cannot be read.
        """
        if member.content is not None:
            yield member.content
        elif member.source is not None:
            place = f"{self.root}/{member.source}"  # paths for thousands of small files would take as long as the rest
            with _reading(place):
                if member.target is None:
                    yield from _read_checked(place, member)
                elif not (link := Path(place)).is_symlink() or link.readlink().as_posix() != member.target:
                    raise changed(place, "is no longer the same link")


def _read_checked(place: str, member: Member) -> Iterator[bytes]:
    digest = hashlib.sha256()
    left = member.size
    with io.FileIO(place) as stream:
        while chunk := stream.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise changed(place, "has grown")
            digest.update(chunk)
            yield chunk
    if left:
        raise changed(place, "has shrunk")
    if digest.hexdigest() != member.sha256:
        raise changed(place, "has other content")


@contextlib.contextmanager
def _reading(place: str) -> Iterator[None]:
    """Raise failures to read as errors of this program: the entry is gone, of another kind, or not readable."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise changed(place, "is gone") from error
    except OSError as error:
        if Path(place).is_dir():  # what Windows refuses to open for a lack of rights
            raise changed(place, "is gone") from error
        raise PublishError(
            f"{Path(place)} cannot be read: {error.strerror or error}",
            hint="make the environment readable, or build it again",
        ) from error


def changed(place: Path | str, how: str) -> ChangedEnvironmentError:
    """The error for an entry at `place` that differs from the record of its build; `how` says in what."""
    return ChangedEnvironmentError(
        f"the environment was changed after its build: {Path(place)} {how}", hint="build the layer again"
    )
