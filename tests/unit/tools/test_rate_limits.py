from __future__ import annotations

import pytest

from venvstacks.errors import UsageError
from venvstacks.tools.transfer_rate import RateLimit, parse_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [("1", 1), ("500k", 500 << 10), ("500K", 500 << 10), ("2M", 2 << 20), ("2.5k", 2560), ("1g", 1 << 30)],
)
def test_rates_are_written_as_for_wget(text: str, rate: int) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "k", "-1", "0", "0.1", "1 kB/s", "1e3", "nan", "9" * 16, "٣"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(UsageError, match="is no rate"):
        parse_rate(text)


class Clock:
    """A clock that goes on while something sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_pieces_come_no_faster_than_the_limit() -> None:
    clock = Clock()
    limit = RateLimit(1000, clock=lambda: clock.now, sleep=clock.sleep)
    assert len([*limit.limited(iter([b"x" * 500] * 10))]) == 10
    assert clock.now == pytest.approx(105)
    clock.now += 50  # a pause of the server's is no credit for later
    assert [*limit.limited(iter([b"x" * 2000]))]
    assert clock.now == pytest.approx(157)


def test_two_transfers_share_the_limit() -> None:
    clock = Clock()
    limit = RateLimit(1000, clock=lambda: clock.now, sleep=clock.sleep)
    one, other = limit.limited(iter([b"x" * 1000] * 2)), limit.limited(iter([b"x" * 1000] * 2))
    for _ in range(2):
        next(one)
        next(other)
    assert [*one, *other] == []
    assert clock.now == pytest.approx(104)


def test_a_run_that_is_stopped_does_not_wait() -> None:
    clock = Clock()
    limit = RateLimit(1, stopping=lambda: clock.now > 101, clock=lambda: clock.now, sleep=clock.sleep)
    assert [*limit.limited(iter([b"x" * 100]))]
    assert clock.now < 102
