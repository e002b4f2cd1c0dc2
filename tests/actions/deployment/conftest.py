"""Two small stacks of published layers, the second an update of the first."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.published_layers import PLATFORM, Published, application, framework, publish, runtime
from venvstacks.deployment import start_command

LAYERS: tuple[Published, ...] = (
    runtime("py"),
    framework("pond"),
    framework("reeds"),
    application("frog", uses=("pond",)),
    application("newt", uses=("reeds", "pond")),
)


@pytest.fixture(autouse=True)
def _on_a_platform() -> None:
    if PLATFORM is None or PLATFORM.is_windows:
        pytest.skip("the handmade layers hold shell scripts")


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Published: py, pond, reeds, frog (pond), newt (reeds, pond)."""
    folder = tmp_path_factory.mktemp("first")
    publish(folder, LAYERS)
    return folder


@pytest.fixture(scope="session")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with another runtime; everything else has the same bytes."""
    folder = tmp_path_factory.mktemp("second")
    publish(folder, (runtime("py", text="2"), *LAYERS[1:]))
    return folder


@pytest.fixture(scope="session")
def start() -> Callable[..., str]:
    """A function that starts an installed application and returns what it prints."""

    def run(folder: Path, name: str, *arguments: str) -> str:
        argv = start_command(folder, name, arguments)
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    return run
