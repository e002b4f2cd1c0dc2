"""A dozen real distributions over layers answer as in one environment; `python -m benchmarks.flat` has many more."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.flat.__main__ import GroupResult, compare_group
from benchmarks.flat.environments import Machine, another_user, temporary_folder
from benchmarks.pythons import prepare_pythons
from venvstacks.tools.process import Processes

pytestmark = [pytest.mark.network, pytest.mark.slow]
PYTHON = "3.11.7"
DOZEN = (
    "numpy", "pillow", "cryptography", "sqlalchemy", "babel", "jinja2", "ruff", "rich", "google-auth", "zope.interface",
    "zope.event", "opentelemetry-instrumentation", "backports.tarfile", "pytest", "psycopg[binary]",
)  # fmt: skip


@pytest.fixture(scope="module")
def shared_folder() -> Iterator[Path]:
    """A folder that other users can read, as those of `tmp_path` are not."""
    folder = temporary_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def machine(shared_folder: Path) -> Machine:
    """What all comparisons use: a Python, and a cache."""
    processes, cache = Processes(), shared_folder / "cache"
    tree = prepare_pythons([f"cpython@{PYTHON}"], cache, processes)[f"cpython@{PYTHON}"]
    return Machine(tree / "bin/python3.11", PYTHON, cache, processes, another_user())


@pytest.mark.skipif(sys.platform != "linux", reason="the probe reads /proc")
@pytest.mark.parametrize("seed", [3, 11])
def test_a_dozen_distributions_over_layers_answer_as_in_one_environment(
    shared_folder: Path, machine: Machine, seed: int
) -> None:
    folder = shared_folder / str(seed)
    folder.mkdir()
    result: GroupResult = compare_group("dozen", DOZEN, seed, machine, folder)
    assert not result.failure
    assert result.distributions >= len(DOZEN)
    assert all(result.layers.values())
    assert result.differing == {}
