"""An upper limit of the speed of transfers, in the form of wget's `--limit-rate`."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from venvstacks.errors import UsageError

RATE_VARIABLE = "VENVSTACKS_LIMIT_RATE"
"""Environment variable with the limit of all transfers of this program."""

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SLICE = 0.2  # seconds between two looks at whether to stop


def parse_rate(text: str) -> int:
    """Bytes per second: a number, with `k`, `M` or `G` for 1024, 1024² or 1024³ bytes.

    Raises:
        UsageError: It is something else, or less than one byte per second.
    """
    found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)([kmg]?)", text.strip(), re.IGNORECASE)
    rate = int(float(found[1]) * _UNITS[found[2].lower()]) if found else 0
    if rate < 1:
        raise UsageError(f"{text!r} is no rate", hint="write bytes per second, e.g. 500k or 2.5M")
    return rate


@dataclass
class RateLimit:
    """Lets all transfers together have no more than `rate` bytes per second; used by several threads.

    Attributes:
        rate: Bytes per second.
        stopping: Returns whether to stop waiting.
        clock: Seconds.
        sleep: Waits for a number of seconds.
    """

    rate: int
    stopping: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _free: float = 0.0

    def limited(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The pieces, each followed by the pause that its size asks for."""
        for piece in pieces:
            yield piece
            self._wait_until(self._reserve(len(piece)))

    def _reserve(self, size: int) -> float:
        """Until when the connection counts as taken by so many bytes after all others."""
        with self._guard:
            self._free = max(self._free, self.clock()) + size / self.rate
            return self._free

    def _wait_until(self, moment: float) -> None:
        while (left := moment - self.clock()) > 0 and not self.stopping():
            self.sleep(min(left, _SLICE))
