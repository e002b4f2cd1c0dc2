from __future__ import annotations

import os

import pytest

from venvstacks.tools.processors import usable_processors


def test_only_processors_that_may_be_used_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 5, 7}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert usable_processors() == 3


@pytest.mark.parametrize(("known", "usable"), [(6, 6), (None, 1)])
def test_all_count_where_the_system_has_no_such_sets(
    monkeypatch: pytest.MonkeyPatch, known: int | None, usable: int
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: known)
    assert usable_processors() == usable
