"""The child processes of one task whose time is limited."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from venvstacks.errors import TimeLimitError
from venvstacks.tools.process import Completed, Processes, Rights


class TaskProcesses(Processes):
    """The processes of a run, as one task sees them: a child is ended when the time of the task is over.

    Transfers, which ask whether the run is being stopped, end then, too.

    Args:
        run: The processes of the run.
        seconds: The time of the task, from now on.
    """

    def __init__(self, run: Processes, seconds: float) -> None:
        super().__init__()
        self._of_run = run
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        log: Path | None = None,
        check: bool = True,
        rights: Rights | None = None,
        limit: float | None = None,
    ) -> Completed:
        """Run a child as `Processes.run` does, no longer than the task may take."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeLimitError(tuple(map(str, argv)), 0, "", self._seconds)
        limit = left if limit is None else min(limit, left)
        return self._of_run.run(argv, env=env, cwd=cwd, log=log, check=check, rights=rights, limit=limit)

    def stop(self, signum: int = signal.SIGTERM) -> None:
        """End all children of the run."""
        self._of_run.stop(signum)

    @property
    def is_over(self) -> bool:
        """Whether the time of the task is over."""
        return time.monotonic() >= self._end

    @property
    def stopping(self) -> bool:
        """Whether the run is being stopped, or the time is over."""
        return self._of_run.stopping or self.is_over
