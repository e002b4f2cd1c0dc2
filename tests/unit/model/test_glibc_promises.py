"""Which glibc a copied Python needs, against what is promised and what is there."""

from __future__ import annotations

import pytest

from venvstacks.model.glibc_promises import broken_promise, missing_glibc, needed_glibc, needs_glibc

NOTES = ("it does not bring its system libraries", needs_glibc("2.36"))


def test_notes_say_what_is_needed() -> None:
    assert needed_glibc(NOTES) == "2.36"
    assert needed_glibc(("needs libc",)) is None


@pytest.mark.parametrize(("promised", "is_broken"), [("2.28", True), ("2.9", True), ("2.36", False), ("2.100", False)])
def test_a_promise_is_broken_by_a_newer_need(promised: str, *, is_broken: bool) -> None:
    said = broken_promise(NOTES, promised)
    assert (said is not None) == is_broken
    assert said is None or f"for {promised} on: take the provider `standalone`, build on an older system" in said
    assert broken_promise((), promised) is None


@pytest.mark.parametrize(("present", "is_missing"), [("2.31", True), ("2.36", False), ("", False)])
def test_a_machine_lacks_what_is_needed(present: str, *, is_missing: bool) -> None:
    assert (missing_glibc(NOTES, present) is not None) == is_missing
