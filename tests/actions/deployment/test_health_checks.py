"""Generations that have to prove themselves, and generations that are prepared now and become current later."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.folder_server import serving_folder
from tests.support.installed_applications import assert_clean
from tests.support.killed_deploys import ROOT
from tests.support.published_layers import SITE, application, publish, runtime
from venvstacks.api import deployments as deployment
from venvstacks.cli.error_boundary import run_command_line
from venvstacks.deployment.steps.switch import UNPROVEN
from venvstacks.errors import DeployError, InterruptedRunError

Start = Callable[..., str]
FAILS = ("/bin/sh", "-c", "echo no frogs >&2; exit 3")


def test_a_generation_that_works_stays(first: Path, second: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path / "d", ["frog"])
    started = 'test "$("$VENVSTACKS_GENERATION/start/frog")" = "1 1 2" && test -d "$VENVSTACKS_DEPLOYMENT"'
    works = ("/bin/sh", "-c", started)
    done = deployment.deploy(str(second), tmp_path / "d", health_check=works)
    assert deployment.status(tmp_path / "d").generation == done.generation
    assert_clean(tmp_path / "d")


def test_a_generation_that_fails_is_left(first: Path, second: Path, tmp_path: Path, start: Start) -> None:
    deployment.deploy(str(first), tmp_path / "d", ["frog"], launchers=tmp_path / "bin")
    with pytest.raises(DeployError, match=r"generation 2 of .* does not pass its health check") as caught:
        deployment.deploy(str(second), tmp_path / "d", health_check=FAILS)
    assert "no frogs" in str(caught.value)
    assert caught.value.hint == "generation 1 is current again"
    assert start(tmp_path / "d", "frog") == "1 1 1"
    assert deployment.status(tmp_path / "d").kept == (1,)
    (tmp_path / "d/launchers.json").unlink()
    assert_clean(tmp_path / "d")


def test_the_first_generation_fails(first: Path, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="does not pass its health check") as caught:
        deployment.deploy(str(first), tmp_path / "d", ["frog"], health_check=FAILS)
    assert caught.value.hint == "nothing is installed"
    assert deployment.current_number(tmp_path / "d") is None
    assert deployment.deploy(str(first), tmp_path / "d", ["frog"]).changed


def test_a_check_that_was_killed_has_not_been_passed(first: Path, second: Path, tmp_path: Path, start: Start) -> None:
    deployment.deploy(str(first), tmp_path / "d", ["frog"])
    deployment.deploy(str(second), tmp_path / "d")
    (tmp_path / "d/current" / UNPROVEN).touch()
    warnings: list[str] = []
    options = deployment.DeployOptions(warn=warnings.append)
    assert not deployment.deploy(str(first), tmp_path / "d", options=options).changed
    assert "the health check of generation 2 was interrupted" in warnings[0]
    assert start(tmp_path / "d", "frog") == "1 1 1"


def test_what_is_prepared_becomes_current_without_its_source(
    first: Path, second: Path, tmp_path: Path, start: Start
) -> None:
    root = tmp_path / "d"
    deployment.deploy(str(first), root, ["frog"])
    assert deployment.activate(root) is None
    assert deployment.deploy(str(second), root, later=True).changed
    assert start(root, "frog") == "1 1 1"
    deployment.collect(root)
    found = deployment.activate(root)
    assert found is not None
    assert start(root, "frog") == "1 1 2"
    assert deployment.activate(root) is None
    assert_clean(root)


def test_preparing_and_activating_as_commands(
    first: Path, second: Path, tmp_path: Path, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "d"
    deployment.deploy(str(first), root, ["frog"])
    later = ["deploy", str(second), "--to", str(root), "--later"]
    assert run_command_line([*later, "--health-check", "true"]) == 2
    assert "give --health-check to `activate`" in capsys.readouterr().err
    assert run_command_line(later) == 0
    assert "prepared, `activate` makes it current: frog" in capsys.readouterr().err
    assert start(root, "frog") == "1 1 1"
    assert run_command_line(["activate", str(root), "--health-check", "false"]) == 6
    assert start(root, "frog") == "1 1 1"
    assert run_command_line(later) == 0
    assert run_command_line(["activate", str(root), "--health-check", "true"]) == 0
    assert start(root, "frog") == "1 1 2"
    capsys.readouterr()
    assert run_command_line(["activate", str(root)]) == 0
    assert "no generation is prepared" in capsys.readouterr().err


def test_what_was_prepared_for_another_state_is_dropped(first: Path, second: Path, tmp_path: Path) -> None:
    root = tmp_path / "d"
    deployment.deploy(str(first), root, ["frog"])
    deployment.deploy(str(second), root, later=True)
    deployment.deploy(str(first), root, ["newt"])
    assert deployment.activate(root) is None
    deployment.collect(root)
    assert_clean(root)


def test_a_prepared_generation_that_fails(first: Path, second: Path, tmp_path: Path, start: Start) -> None:
    deployment.deploy(str(first), tmp_path / "d", ["frog"])
    deployment.deploy(str(second), tmp_path / "d", later=True)
    with pytest.raises(DeployError, match="does not pass its health check"):
        deployment.activate(tmp_path / "d", health_check=FAILS)
    assert start(tmp_path / "d", "frog") == "1 1 1"
    assert deployment.activate(tmp_path / "d") is None


def test_another_thread_ends_a_deploy(first: Path, tmp_path: Path) -> None:
    with serving_folder(first) as web:
        web.slow = {"py.tar.zst"}
        cancellation = deployment.Cancellation()
        options = deployment.DeployOptions(
            cancellation=cancellation, on_phase=lambda one: cancellation.cancel() if one.done else None
        )
        ended: list[BaseException] = []

        def update() -> None:
            try:
                deployment.deploy(web.url, tmp_path / "d", ["frog"], options, later=True)
            except InterruptedRunError as error:
                ended.append(error)

        thread = threading.Thread(target=update)
        thread.start()
        thread.join(30)
    assert len(ended) == 1
    assert deployment.current_number(tmp_path / "d") is None
    assert deployment.deploy(str(first), tmp_path / "d", ["frog"]).changed


def publish_example(folder: Path, root: Path, version: str) -> None:
    """Publish the application of the documentation."""
    (text,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/self-updating.md").read_text("utf-8"), re.DOTALL)
    for old, new in (("https://example.com/desk", str(folder)), ("/opt/desk", str(root)), ('"1"', repr(version))):
        assert old in text
        text = text.replace(old, new)
    if version == "broken":
        text = "import nothing_of_that_name\n" + text
    desk = application("desk")
    paths = ":".join(map(str, (ROOT, *(place for place in sys.path if place.endswith("site-packages")))))
    python = desk.files["bin/python"].replace(b'PYTHONPATH="', f'PYTHONPATH="{paths}:'.encode())
    files = {**desk.files, f"{SITE}/desk.py": text.encode(), "bin/python": python}
    publish(folder, (runtime(), replace(desk, files=files)))


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    source, root = tmp_path / "published", tmp_path / "d"

    def started() -> list[str]:
        launcher = root / "current/start/desk"
        return subprocess.run([launcher], check=True, capture_output=True, text=True).stdout.splitlines()

    publish_example(source, root, "1")
    deployment.deploy(str(source), root)
    assert started() == ["this is version 1", "up to date"]
    publish_example(source, root, "2")
    assert started() == ["this is version 1", "the new version comes with the next start"]
    assert started() == ["this is version 2", "up to date"]
    publish_example(source, root, "broken")
    assert started() == ["this is version 2", "the new version comes with the next start"]
    first, *rest = started()
    assert first.startswith("the new version does not start: generation 3 of")
    assert rest[0] == "this is version 2"
