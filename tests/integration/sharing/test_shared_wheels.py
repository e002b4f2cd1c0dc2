"""Wheels of own packages come from a store: no source is fetched, no build backend runs, no Python is unpacked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.shared_stores import has_nginx, nginx
from tests.support.sharing_machines import Machine, statuses

WHEELS = {"wheel:desk", "wheel:lamp", "wheel:shelf", "wheel:tools"}
LAYERS = ("py", "framework-base", "app-hello", "app-other")
MADE = {f"{kind}:{name}" for kind in ("build", "link", "check", "archive") for name in LAYERS}
HELLO = {f"{kind}:app-hello" for kind in ("build", "link", "check", "archive")}
BELOW = {f"{kind}:{name}" for kind in ("build", "link") for name in ("py", "framework-base")}


def of_status(found: dict[str, str], status: str) -> set[str]:
    return {name for name, one in found.items() if one == status}


def planned(machine: Machine) -> dict[str, str]:
    return {task.name: task.status for task in machine.plan()}


def test_a_second_machine_builds_no_wheel(owner: Machine, tmp_path: Path) -> None:
    """Repository and server are gone, and the Python's archive is not there."""
    second = owner.another(tmp_path)
    assert of_status(planned(second), "cached") == MADE | WHEELS
    done = statuses(second.run())
    assert of_status(done, "cached") == MADE | WHEELS
    assert of_status(done, "done") == {"manifest:archives"}
    assert second.archives == owner.archives
    assert not (second.base / ".cache").exists()
    assert not (second.base / ".uv").exists()
    why = second.command("why", "venvstacks.toml", "wheel:lamp")
    assert "came from the remote cache" in why.stdout
    assert set(statuses(second.run()).values()) == {"up to date"}


@pytest.mark.skipif(not has_nginx(), reason="needs nginx")
def test_wheels_come_from_a_web_server_too(owner: Machine, tmp_path: Path) -> None:
    with nginx(tmp_path / "server") as url:
        shutil.copytree(owner.store, tmp_path / "server/root", dirs_exist_ok=True)
        second = owner.another(tmp_path, url)
        assert of_status(statuses(second.run()), "cached") == MADE | WHEELS
    assert second.archives == owner.archives


def test_a_changed_module_costs_its_layer_and_no_wheel(owner: Machine, tmp_path: Path) -> None:
    """The layer is built here, from the wheels of the store: there is a Python, but neither repository nor server."""
    second = owner.another(tmp_path, python=True)
    second.edit("hello.py", "import desk\n")
    assert of_status(planned(second), "run") == {*HELLO, *BELOW, "manifest:archives"}
    assert of_status(statuses(second.run()), "done") == {*HELLO, *BELOW, "manifest:archives"}


def test_a_changed_package_costs_its_wheel_and_its_layer(owner: Machine, tmp_path: Path) -> None:
    second = owner.another(tmp_path, python=True)
    edited = "VERSION = '1.1'\n"
    second.edit("desk/src/desk.py", edited)
    done = statuses(second.run(lock_policy="if-needed", options={"push": True}))
    assert of_status(done, "done") == {"wheel:desk", "lock:app-hello", *HELLO, *BELOW, "manifest:archives"}
    assert of_status(done, "cached") == WHEELS - {"wheel:desk"} | MADE - HELLO - BELOW

    third = owner.another(tmp_path / "third")
    third.edit("desk/src/desk.py", edited)
    shutil.rmtree(third.base / "requirements")
    shutil.copytree(second.base / "requirements", third.base / "requirements")
    assert of_status(statuses(third.run()), "cached") == MADE | WHEELS, "and the others get it"
    assert third.archives == second.archives


def test_a_store_cannot_exchange_a_wheel(owner: Machine, tmp_path: Path) -> None:
    """What is not the pinned wheel is not used; this machine builds it, if it can."""
    store = tmp_path / "store"
    shutil.copytree(owner.store, store)
    wheels = {path.name.partition("-")[0]: path for path in (owner.base / "_build").rglob("*.whl")}
    blobs = {path.read_bytes(): path for path in (store / "cas").iterdir()}
    desk, tools = (blobs[wheels[name].read_bytes()] for name in ("desk", "tools"))
    shutil.copyfile(tools, desk)  # the name of this blob is a lie now
    second = owner.another(tmp_path, store, python=True)
    assert of_status(statuses(second.run()), "done") == {"wheel:desk", "manifest:archives"}
    assert second.archives == owner.archives


def test_a_wheel_that_was_built_before_there_was_a_store_is_offered_with_its_layer(owner: Machine) -> None:
    """Locking has built it; the run that publishes finds it up to date."""
    pins = [json.loads(path.read_text("utf-8")) for path in (owner.base / "requirements/wheels").iterdir()]
    stored = {path.name for path in (Path(owner.store) / "cas").iterdir()}
    assert {pin["wheel"].removeprefix("sha256:") for pin in pins} <= stored
