"""What a copied Python needs of its system, against what is promised and what is there."""

from __future__ import annotations

import pytest

from venvstacks.model.runtime_needs import (
    broken_promises,
    missing_glibc,
    needed_glibc,
    needed_libraries,
    needs_glibc,
    needs_libraries,
)

NOTES = ("it does not bring its system libraries", needs_glibc("2.36"))
LIBRARIES = (needs_libraries(["libffi.so.8", "libssl.so.3", "libz.so.1"]), needs_glibc("2.17"))


def test_notes_say_what_is_needed() -> None:
    assert needed_glibc(NOTES) == "2.36"
    assert needed_glibc(("needs libc",)) is None
    assert needed_libraries(NOTES) == ()
    assert needed_libraries(LIBRARIES) == ("libffi.so.8", "libssl.so.3"), "every Linux has libz"


@pytest.mark.parametrize(("promised", "is_broken"), [("2.28", True), ("2.9", True), ("2.36", False), ("2.100", False)])
def test_a_promise_is_broken_by_a_newer_need(promised: str, *, is_broken: bool) -> None:
    said = list(broken_promises(NOTES, promised))
    assert len(said) == is_broken
    assert not said or f"for {promised} on: take the provider `standalone`, build on an older system" in said[0]


def test_a_promise_is_broken_by_libraries_that_machines_may_lack() -> None:
    assert list(broken_promises(LIBRARIES, "2.28")) == [
        (
            "its Python needs libraries of the system that not every machine has (libffi.so.8, libssl.so.3): take the "
            "provider `standalone`, or make sure that the machines have them"
        )
    ]
    assert list(broken_promises((needs_libraries(["libz.so.1"]),), "2.28")) == []


@pytest.mark.parametrize(("present", "is_missing"), [("2.31", True), ("2.36", False), ("", False)])
def test_a_machine_lacks_what_is_needed(present: str, *, is_missing: bool) -> None:
    assert (missing_glibc(NOTES, present) is not None) == is_missing
