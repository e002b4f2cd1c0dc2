"""What actions work with: passed in, so that no action reads a clock, an environment variable or a global."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from threading import BoundedSemaphore

from venvstacks.digests import sha256_file
from venvstacks.records.remembered_digests import RememberedDigests
from venvstacks.tools.process import Processes


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)  # noqa: UP017 - 3.10 lacks UTC


@dataclass(frozen=True)
class Tools:
    """What actions work with.

    Attributes:
        environment: This program's own environment variables, as a value.
        cache: Folder for downloads and prepared runtimes.
        processes: Starts and ends child processes.
        now: The present time, UTC, whole seconds.
        threads: How many threads one task may use for compression or for processes of its own.
        compressors: Acquired to compress a large archive on all of `threads`. Two at a time would multiply the
            memory and displace each other from the processors' caches: for the sample, 8.2 instead of 7.7 s.
        resolvers: Acquired to resolve with uv, which mostly waits for the network. Twelve
            at a time were no faster than four, and kept a name server from answering: they waited 5 s for it.
        digests: Gives the SHA-256 of an input file.
        progress: Called during long transfers: what, bytes done, bytes in all (None if unknown).
    """

    environment: Mapping[str, str] = field(repr=False)  # may hold passwords
    cache: Path
    processes: Processes = field(default_factory=Processes)
    now: Callable[[], datetime] = _now
    threads: int = 2
    compressors: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(1))
    resolvers: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(4))
    digests: RememberedDigests = field(default_factory=lambda: RememberedDigests(sha256_file))
    progress: Callable[[str, int, int | None], None] | None = None

    @property
    def seal_key(self) -> bytes:
        """The key under which cached things are sealed."""
        from venvstacks.tools.seals import seal_key  # noqa: PLC0415 - a run with nothing to do needs none

        return seal_key(self.environment, self.cache)
