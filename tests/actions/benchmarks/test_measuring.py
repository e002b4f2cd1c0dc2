"""Commands are measured one after the other, failures are reported, and the shim places the given runtime."""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path

import pytest

from benchmarks.measure import MeasurementError, Place, measure
from venvstacks.tools.process import Processes

SHIM = Path(__file__).parents[3] / "benchmarks/original_shim.py"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, {"PATH": os.environ["PATH"], "WORD": "frog"}, tmp_path / "commands.log")


def test_commands_run_in_their_place_and_what_they_print_is_kept(place: Place) -> None:
    sample = measure([["sh", "-c", "echo $WORD; pwd"], ["sh", "-c", "echo second"]], place, Processes())
    assert place.log.read_text("utf-8").splitlines() == ["frog", str(place.folder.resolve()), "second"]
    assert sample.seconds > 0


def test_the_peak_is_the_command_s_own(place: Place) -> None:
    allocate = [sys.executable, "-I", "-S", "-c", "data = b'x' * 80_000_000"]
    assert measure([["true"]], place, Processes()).peak_bytes < 40_000_000
    assert measure([["true"], allocate, ["true"]], place, Processes()).peak_bytes > 80_000_000


def test_a_failing_command_ends_the_measurement_with_its_output(place: Place) -> None:
    with pytest.raises(MeasurementError, match=r"(?s)exit status 3: sh .*cannot hop"):
        measure([["sh", "-c", "echo cannot hop; exit 3"], ["touch", "after"]], place, Processes())
    assert not (place.folder / "after").exists()


def test_the_shim_lays_down_the_prepared_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tmp_path / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin/python3.11").write_text("interpreter")
    (tree / "bin/python").symlink_to("python3.11")
    monkeypatch.setenv("BENCHMARK_RUNTIMES", json.dumps({"cpython@3.11.7": str(tree)}))
    lay_down = runpy.run_path(str(SHIM))["lay_down_runtime"]
    for _ in range(2):  # what is there already is replaced
        place = lay_down(tmp_path / "layer", "cpython@3.11.7")
        assert (place / "bin/python").readlink() == Path("python3.11")
        assert (place / "bin/python3.11").read_text() == "interpreter"
