"""Reading members back from the tree, with the proof that they still are what was recorded."""

from __future__ import annotations

import contextlib
import hashlib
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
        members: What is written, in this order.
        root: Folder of the environment that the members' sources are relative to.
    """

    members: tuple[Member, ...]
    root: Path

    @property
    def size(self) -> int:
        """Bytes of all members, each with the least that a tar header takes; depends on the members alone."""
        return sum(512 + member.size for member in self.members)

    def read(self, member: Member) -> Iterator[bytes]:
        """The bytes of a file, a piece at a time; nothing for links and folders, which are only checked.

        All pieces are given out before the last check is made: a writer throws away what it wrote when this raises.

        Raises:
            ChangedEnvironmentError: The tree holds something else than was recorded.
            PublishError: The file cannot be read.
        """
        if member.content is not None:
            yield member.content
        elif member.source is not None:
            place = self.root / member.source
            with _reading(place):
                if member.target is None:
                    yield from _read_checked(place, member)
                elif not place.is_symlink() or place.readlink().as_posix() != member.target:
                    raise changed(place, "is no longer the same link")


def _read_checked(place: Path, member: Member) -> Iterator[bytes]:
    digest = hashlib.sha256()
    left = member.size
    with place.open("rb", buffering=0) as stream:
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
def _reading(place: Path) -> Iterator[None]:
    """Say of a failure to read what it means: the entry is gone or of another kind, or access is refused."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise changed(place, "is gone") from error
    except OSError as error:
        raise PublishError(
            f"{place} cannot be read: {error.strerror or error}",
            hint="make the environment readable, or build it again",
        ) from error


def changed(place: Path, how: str) -> ChangedEnvironmentError:
    """The error that says how the entry at `place` differs from what its build recorded."""
    return ChangedEnvironmentError(
        f"the environment was changed after its build: {place} {how}", hint="build the layer again"
    )
