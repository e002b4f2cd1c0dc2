"""Reading the contents of members from the tree, with a check that each still is as it was recorded."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
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
        passed: Called with the bytes of each piece before that is given away; what it raises ends the reading.
    """

    members: tuple[Member, ...]
    root: Path
    passed: Callable[[int], None] = lambda _: None

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
            self.passed(member.size)
            yield member.content
        elif member.source is not None:
            place = f"{self.root}/{member.source}"  # paths for thousands of small files would take as long as the rest
            try:
                if member.target is None:
                    yield from self._read_checked(place, member)
                elif not (link := Path(place)).is_symlink() or link.readlink().as_posix() != member.target:
                    raise changed(place, "is no longer the same link")
            except OSError as error:
                raise _not_read(place, error) from error

    def _read_checked(self, place: str, member: Member) -> Iterator[bytes]:
        digest = hashlib.sha256()
        left = member.size
        with io.FileIO(place) as stream:
            while chunk := stream.read(min(left + 1, _CHUNK)):  # one more than there should be: has it grown?
                left -= len(chunk)
                if left < 0:
                    raise changed(place, "has grown")
                digest.update(chunk)
                self.passed(len(chunk))
                yield chunk
        if left:
            raise changed(place, "has shrunk")
        if digest.hexdigest() != member.sha256:
            raise changed(place, "has other content")


def _not_read(place: str, error: OSError) -> ChangedEnvironmentError | PublishError:
    """The error for an entry that is gone, of another kind, or not readable."""
    gone = isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError)
    if gone or Path(place).is_dir():  # what Windows refuses to open for a lack of rights
        return changed(place, "is gone")
    return PublishError(
        f"{Path(place)} cannot be read: {error.strerror or error}",
        hint="make the environment readable, or build it again",
    )


def changed(place: Path | str, how: str) -> ChangedEnvironmentError:
    """The error for an entry at `place` that differs from the record of its build; `how` says in what."""
    return ChangedEnvironmentError(
        f"the environment was changed after its build: {Path(place)} {how}", hint="build the layer again"
    )
