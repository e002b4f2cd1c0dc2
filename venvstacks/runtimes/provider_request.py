"""Requests to runtime providers, what providers work with, and the runtimes that they return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from venvstacks.digests import TreeEntry
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.tools.process import Processes, scrubbed_environment
from venvstacks.tools.seals import seal_key
from venvstacks.tools.transfer import Progress


@dataclass(frozen=True)
class ArchiveSource:
    """A packed Python that the user supplies.

    Attributes:
        url: `http(s)://` or `file://` URL, or the absolute path of a file.
        sha256: Hex digest of the packed file.
    """

    url: str
    sha256: str


@dataclass(frozen=True)
class RuntimeRequest:
    """The Python that a runtime layer wants.

    Attributes:
        python: Implementation and exact version.
        platform: Where it is to run.
        archives: For the provider `archive`: platform name to the file that serves this Python there.
        host: The platform of this machine; None if it does not matter.
    """

    python: PythonImplementation
    platform: TargetPlatform
    archives: Mapping[str, ArchiveSource] = field(default_factory=dict)
    host: TargetPlatform | None = None

    def __str__(self) -> str:
        return f"{self.python} for {self.platform.name}"


@dataclass(frozen=True)
class RuntimeTools:
    """What providers work with.

    Attributes:
        processes: Starts the children.
        environment: The tool's own environment variables, as a value.
        cache: Folder of downloads and prepared runtimes; on the file system that builds link from, at best.
        log: File to which commands and their output are appended.
        progress: Called while a download goes on.
        retry_pauses: Seconds to wait before each further attempt of a download that failed.
    """

    processes: Processes
    environment: Mapping[str, str] = field(repr=False)
    cache: Path
    log: Path | None = None
    progress: Progress | None = None
    retry_pauses: tuple[float, ...] = (0.5, 1.0, 2.0)

    @property
    def seal_key(self) -> bytes:
        """The key under which prepared runtimes are sealed."""
        return seal_key(self.environment, self.cache)

    @property
    def child_environment(self) -> dict[str, str]:
        """The environment of all children: nothing in it changes what Python or the loader does."""
        return {**scrubbed_environment(self.environment), "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class PreparedRuntime:
    """A complete, clean Python in the cache. It is linked or copied from, and never changed.

    Attributes:
        tree: Its folder.
        entries: Every file and link in it, sorted by path.
        provider: Name of the provider that made it.
        build: Which build of that Python it is, in the provider's terms (for `standalone` the release's date).
        notes: Remarks for users about it, a sentence each.
    """

    tree: Path
    entries: tuple[TreeEntry, ...]
    provider: str
    build: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SeriesRequest:
    """A series of Python releases, of which the newest is wanted.

    Attributes:
        series: Implementation and `X.Y`.
        platform: Where it is to run.
        archives: For the provider `archive`: the Pythons that it has for this platform.
    """

    series: PythonImplementation
    platform: TargetPlatform
    archives: tuple[PythonImplementation, ...] = ()


class Provider(Protocol):
    """One place where Pythons come from."""

    @property
    def name(self) -> str:
        """As it is written in `runtime-providers`."""

    def prepare(self, request: RuntimeRequest, tools: RuntimeTools) -> PreparedRuntime:
        """Supply the Python that is wanted, from the cache if it is there and sound.

        Raises:
            RuntimeUnavailableError: This provider cannot, with what the user could do about it.
        """

    def newest(self, request: SeriesRequest, tools: RuntimeTools) -> PythonImplementation | None:
        """The newest final release of a series that this provider has; None if it has none. Nothing is fetched."""
