"""Looking at deployments from outside: what an application prints, and what there should not be."""

from __future__ import annotations

import subprocess
from pathlib import Path

from venvstacks.api import deployments as deployment
from venvstacks.deployment.state import Installed
from venvstacks.deployment.steps.generations import read_generation
from venvstacks.deployment.steps.place import open_place


def printed(folder: Path, name: str, *arguments: str) -> str:
    """Start an installed application; what it prints."""
    argv = deployment.start_command(folder, name, arguments)
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def assert_clean(folder: Path) -> None:
    """Every file as it was published, and nothing that the kept generations do not need."""
    assert deployment.status(folder, verify=True).differences == ()
    deployment.collect(folder)
    place = open_place(folder)
    found = deployment.status(folder)
    needed = {installed.id for number in found.kept for installed in _instances(folder, number)}
    assert {entry.name for entry in place.store.iterdir()} == needed
    assert [*place.staging.iterdir()] == []
    names = {entry.name for entry in folder.iterdir() if not entry.name.startswith(".")}
    assert names == {"current", "generations", "staging", "store", "venvstacks-deployment.json"}


def _instances(folder: Path, number: int) -> tuple[Installed, ...]:
    return read_generation(open_place(folder), number).instances
