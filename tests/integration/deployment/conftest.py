"""A stack of handmade layers and an update of it, in which every kind of work occurs: fetched, linked and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.published_layers import PLATFORM, application, framework, publish, runtime


@pytest.fixture(autouse=True)
def _on_a_platform() -> None:
    if PLATFORM is None or PLATFORM.is_windows:
        pytest.skip("the handmade layers hold shell scripts")


@pytest.fixture(scope="session")
def old_stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    reeds = framework("reeds", over=("framework-pond",))
    layers = runtime(), framework("pond"), reeds, application("frog", uses=("reeds", "pond"), text="old")
    publish(folder, layers)
    return folder


@pytest.fixture(scope="session")
def new_stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another framework and application; the runtime and the other framework are the same."""
    folder = tmp_path_factory.mktemp("new")
    layers = (
        runtime(),
        framework("pond", text="2"),
        framework("reeds", over=("framework-pond",)),
        application("frog", uses=("reeds", "pond"), text="new"),
    )
    publish(folder, layers)
    return folder
