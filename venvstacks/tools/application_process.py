"""An application that runs while this program watches: it has this program's terminal, and is ended to be replaced."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping, Sequence

from venvstacks.errors import ProcessFailedError

_PATIENCE_SECONDS = 5.0


class ApplicationProcess:
    """A started application."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it; Ctrl-C on the terminal reaches it as it does this program.

        Raises:
            ProcessFailedError: It cannot be started.
        """
        try:
            self._child = subprocess.Popen(argv, env=dict(environment))
        except OSError as error:
            raise ProcessFailedError(tuple(argv), 127, f"{argv[0]} cannot be started: {error}") from error

    def ended(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._child.poll()

    def end(self) -> None:
        """Ask it to end, and kill it if it goes on for some seconds."""
        try:
            if self._child.poll() is None:
                self._child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(_PATIENCE_SECONDS)
        finally:
            self._child.kill()  # nothing, where it has ended
            self._child.wait()
