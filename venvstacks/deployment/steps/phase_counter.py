"""Counting how far a deploy is, in all its threads together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from venvstacks.deployment.phases import Phase, PhaseProgress


class PhaseCounter:
    """Counts what is done of the present phase, and reports it."""

    def __init__(self, report: Callable[[PhaseProgress], object] | None = None) -> None:
        """Report to `report`, one call at a time, from any thread."""
        self._report = report
        self._guard = threading.Lock()
        self._phase: Phase = "checking"
        self._done = self._total = 0
        self._held: dict[str, int] = {}
        self._fetched: dict[str, int] = {}

    def begin(self, phase: Phase, total: int) -> None:
        """A phase begins."""
        with self._guard:
            self._phase, self._done, self._total = phase, 0, total
            self._inform()

    def begin_fetching(self, files: Mapping[str, tuple[int, int]]) -> None:
        """Fetching begins: size of each file by name, and the bytes of it that are to be fetched."""
        with self._guard:
            self._held = {name: size - missing for name, (size, missing) in files.items()}
            self._fetched = {}
            self._phase, self._done = "fetching", 0
            self._total = sum(missing for _, missing in files.values())
            self._inform()

    def add(self, amount: int) -> None:
        """More of the phase is done."""
        with self._guard:
            self._done += amount
            self._inform()

    def held(self, name: str, size: int) -> None:
        """So many bytes of a file are on this machine, while files are fetched; what was there before does not count.

        Files that nobody has announced (an archive in place of deltas that do not fit) make the total larger.
        """
        with self._guard:
            if self._phase != "fetching":
                return
            self._held.setdefault(name, 0)
            self._fetched[name] = max(0, size - self._held[name])
            self._done = sum(self._fetched.values())
            self._total = max(self._total, self._done)
            self._inform()

    def _inform(self) -> None:
        if self._report is not None:
            self._report(PhaseProgress(self._phase, self._done, self._total))
