"""A small part of `benchmarks.mutations`: damaged files of every format, through the command line."""

from __future__ import annotations

import sys

import pytest

from tests.support import offline_stacks
from tests.support.mutated_inputs import FORMATS, Ending, Format, Samples, fault_in, run_apart

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not offline_stacks.has_python(), reason="needs Linux and a CPython for the sample"
)
TRIALS = 12


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return Samples(tmp_path_factory.mktemp("mutations"))


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)
def test_whatever_a_file_holds_people_get_an_answer(kind: Format, samples: Samples) -> None:
    faults = [samples.trial(kind, seed) for seed in range(TRIALS)]
    faults.append(samples.trial(kind, TRIALS, lambda command: run_apart(command, samples.folder)))
    assert not list(filter(None, faults))


@pytest.mark.parametrize(
    ("ending", "says"),
    [
        (Ending(0, "fine", 0.1), None),
        (Ending(1, "error: a defect of this program: KeyError", 0.1), "defect"),
        (Ending(1, "Traceback (most recent call last):", 0.1), "Traceback"),
        (Ending(-9, "", 0.1), "exit code"),
        (Ending(3, "error: https://host/x?t=s3cret", 0.1), "s3cret"),
        (Ending(3, "", 0.1), "no word"),
        (Ending(0, "", 1000), "it took"),
        (Ending(3, "a \x1b[31m", 0.1), "x1b"),
    ],
)
def test_what_counts_as_a_fault(ending: Ending, says: str | None) -> None:
    fault = fault_in(ending)
    assert (fault is None) if says is None else says in (fault or "")
