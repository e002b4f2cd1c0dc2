from __future__ import annotations

import pytest

from venvstacks.locking.conflict_markers import has_conflict, highest_version, our_side

CONFLICT = """\
start
<<<<<<< HEAD
ours
=======
theirs
>>>>>>> branch
end
"""
WITH_BASE = CONFLICT.replace("=======", "||||||| base\nbefore\n=======")


@pytest.mark.parametrize("text", [CONFLICT, WITH_BASE, CONFLICT.replace("\n", "\r\n")])
def test_conflicts_are_seen_and_our_side_is_kept(text: str) -> None:
    assert has_conflict(text)
    assert our_side(text).splitlines() == ["start", "ours", "end"]


@pytest.mark.parametrize("text", ["", "a = 1\n", "# ===========\n", "<<<<<<<< eight\n"])
def test_other_texts_have_no_conflict_and_stay(text: str) -> None:
    assert not has_conflict(text)
    assert our_side(text) == text


def test_the_highest_version_of_any_side_counts() -> None:
    assert highest_version('<<<<<<< HEAD\n "lock_version": 3,\n=======\n "lock_version":12\n>>>>>>> x') == 12
    assert highest_version("{}") == 0
    assert highest_version(f'"lock_version": 3, "lock_version": {"9" * 5000}') == 3
