from __future__ import annotations

from venvstacks.deployment.phases import PhaseProgress
from venvstacks.deployment.steps.phase_counter import PhaseCounter


def test_what_was_there_before_does_not_count_as_fetched() -> None:
    seen: list[PhaseProgress] = []
    counter = PhaseCounter(seen.append)
    counter.begin_fetching({"a": (100, 60), "b": (10, 0)})
    counter.held("a", 70)
    counter.held("b", 10)
    counter.held("a", 100)
    assert [(one.done, one.total) for one in seen] == [(0, 60), (30, 60), (30, 60), (60, 60)]


def test_a_file_that_was_not_expected_makes_the_total_larger() -> None:
    seen: list[PhaseProgress] = []
    counter = PhaseCounter(seen.append)
    counter.begin_fetching({"delta": (10, 10)})
    counter.held("delta", 10)
    counter.held("archive", 500)
    assert (seen[-1].done, seen[-1].total) == (510, 510)


def test_downloads_of_a_later_phase_are_not_taken_for_its_own() -> None:
    seen: list[PhaseProgress] = []
    counter = PhaseCounter(seen.append)
    counter.begin("unpacking", 10)
    counter.held("archive", 500)
    counter.add(10)
    assert seen == [PhaseProgress("unpacking", 0, 10), PhaseProgress("unpacking", 10, 10)]
