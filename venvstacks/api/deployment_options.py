"""Options for reading and changing deployments, and ending a deploy from another thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from venvstacks.actions.toolset import Tools
from venvstacks.deployment.phases import PhaseProgress
from venvstacks.deployment.steps.place import Place
from venvstacks.deployment.steps.switch import changing
from venvstacks.tools.process import Processes
from venvstacks.tools.processors import usable_processors
from venvstacks.tools.transfer import Progress


def _no_waiting() -> None:
    """Waiting is not reported."""


def _no_warning(line: str) -> None:
    """Warnings are not reported."""


class Cancellation:
    """Lets another thread end one deploy, which then raises `InterruptedRunError`."""

    def __init__(self) -> None:
        self.processes = Processes()

    def cancel(self) -> None:
        """End the deploy, within two seconds; what it has fetched is kept for the next one."""
        self.processes.stop()


@dataclass(frozen=True)
class DeployOptions:
    """Options for reading and changing deployments.

    Attributes:
        environment: Environment variables as a value: proxies, certificates.
        threads: Layers that are unpacked at the same time.
        progress: Called while files are downloaded: what is done, bytes so far, bytes in all (None if unknown).
        on_phase: Called while a deploy goes on, with its phase and how far that is; from several threads, one at a
            time.
        limit_rate: Bytes per second that may be downloaded; None for the environment variable `VENVSTACKS_LIMIT_RATE`,
            or else no limit.
        cancellation: Ends one deploy from another thread; None where that is not wanted.
        on_wait: Called if another process is changing the deployment and has to be waited for.
        warn: Called with a warning in one line, e.g. about a file that cannot be removed.
        wait: Seconds to wait for it; negative for as long as it takes.
        retry_pauses: Seconds to wait before each further attempt of a download that failed.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    threads: int = field(default_factory=usable_processors)
    progress: Progress | None = None
    on_phase: Callable[[PhaseProgress], object] | None = None
    limit_rate: int | None = None
    cancellation: Cancellation | None = None
    on_wait: Callable[[], None] = _no_waiting
    warn: Callable[[str], None] = _no_warning
    wait: float = -1
    retry_pauses: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)

    def tools(self, place: Place, processes: Processes | None = None) -> Tools:
        """What actions work with."""
        return Tools(
            self.environment,
            place.downloads,
            processes or Processes(),
            threads=self.threads,
            progress=self.progress,
        )

    def changing(self, place: Place) -> AbstractContextManager[None]:
        """Hold the deployment's lock in a block; see `venvstacks.deployment.steps.switch.changing`."""
        return changing(place, warn=self.warn, on_wait=self.on_wait, timeout=self.wait)


Settings = DeployOptions
"""The name of `DeployOptions` in earlier releases."""
