"""What `--keep` means, and which entries it lets go."""

from __future__ import annotations

import pytest

from venvstacks.caches.retention import REST, CacheEntry, Retention
from venvstacks.errors import UsageError

NOW = 1_000_000.0


def entry(name: str, size: int, hours: float) -> CacheEntry:
    return CacheEntry("wheels", name, size, NOW - hours * 3600)


ENTRIES = [entry("new", 10, 0.5), entry("day", 20, 24), entry("week", 30, 168), entry("month", 40, 720)]


@pytest.mark.parametrize(
    ("texts", "removed"),
    [
        ([], []),
        (["1GB"], []),
        (["100"], []),
        (["99"], ["month"]),
        (["59"], ["month", "week"]),
        (["0"], ["month", "week", "day"]),
        (["2w"], ["month"]),
        (["1d"], ["month", "week"]),
        (["0h"], ["month", "week", "day"]),
        (["30", "2w"], ["month", "week"]),
        (["1TB", "2w", "12h"], ["month", "week", "day"]),
    ],
)
def test_the_least_recently_used_go_first(texts: list[str], removed: list[str]) -> None:
    assert [one.name for one in Retention.parse(texts).surplus(ENTRIES, NOW)] == removed


def test_what_was_used_a_moment_ago_stays() -> None:
    moment = [CacheEntry("git", "x", 9, NOW - REST + 1), CacheEntry("git", "future", 9, NOW + 99)]
    assert Retention.parse(["0", "0h"]).surplus(moment, NOW) == []


@pytest.mark.parametrize(
    ("text", "size"),
    [("20GB", 20 * 10**9), ("1.5 kb", 1500), ("2GiB", 2 << 30), ("7", 7), ("3M", 3 * 10**6), ("4b", 4)],
)
def test_sizes(text: str, size: int) -> None:
    assert Retention.parse([text]) == Retention(most_bytes=size)


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1e9", "5 parsecs", "20GB30d", "٣GB", "9" * 40])
def test_neither_size_nor_age(text: str) -> None:
    with pytest.raises(UsageError, match="neither a size nor an age"):
        Retention.parse([text])
