"""Locks on entries of the cache."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from venvstacks.errors import BuildError
from venvstacks.tools.cache_locks import entries_locked


def test_two_that_want_the_same_entries_follow_each_other(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(names: list[str]) -> None:
        for _ in range(20):
            with entries_locked(tmp_path / "wheels", names):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work, args=[names]) for names in (["a", "b"], ["b", "a"], ["b"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(most), max(most)) == (60, 1)


def test_a_cache_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "wheels").write_text("")
    said = f"the cache folder {tmp_path / 'wheels'} cannot be written: "
    with pytest.raises(BuildError, match=re.escape(said)) as caught, entries_locked(tmp_path / "wheels", ["a"]):
        pass
    assert "VENVSTACKS_CACHE" in (caught.value.hint or "")
