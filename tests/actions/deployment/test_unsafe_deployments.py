"""Links to applications, modes, owners and FIFOs, as `status --verify` and `deploy --repair` see them."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.actions.deployment.test_verifying import POND, compile_as, differences, pond
from tests.support.published_layers import SITE
from venvstacks.api import deployments as deployment
from venvstacks.errors import DeployError


def add_apps_link(folder: Path) -> None:
    (folder / "apps/stray").symlink_to("/bin")


def remove_apps_link(folder: Path) -> None:
    (folder / "apps/frog").unlink()


def turn_apps_link(folder: Path) -> None:
    (folder / "apps/frog").unlink()
    (folder / "apps/frog").symlink_to("/bin")


@pytest.mark.parametrize(
    ("damage", "name", "kind"),
    [
        (remove_apps_link, "frog", "missing"),
        (turn_apps_link, "frog", "changed"),
        (add_apps_link, "stray", "foreign"),
    ],
)
def test_links_to_applications(
    damage: Callable[[Path], None], name: str, kind: str, first: Path, tmp_path: Path
) -> None:
    deployment.deploy(str(first), tmp_path, ["frog"])
    damage(tmp_path / "generations/1")
    assert differences(tmp_path) == [(f"generations/1/apps/{name}", kind)]
    assert deployment.deploy(str(first), tmp_path, repair=True).generation.number == 2
    assert differences(tmp_path) == []


def test_what_everybody_may_write_to_or_runs_as_another_user(first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path, ["frog"])
    layer = pond(tmp_path)
    (layer / SITE / "pond.py").chmod(0o646)
    (layer / SITE).chmod(0o777)
    (layer / "bin").chmod(0o2755)  # makes files belong to the group; files themselves are what is looked at
    (layer / "postinstall.py").chmod(0o4755)
    for name in (".", "store", "generations/1/apps"):
        (tmp_path / name).chmod(0o777)
    assert differences(tmp_path) == [
        (".", "writable"), ("generations/1/apps", "writable"), ("store", "writable"),
        (f"{POND}/{SITE}", "writable"), (f"{POND}/{SITE}/pond.py", "writable"), (f"{POND}/postinstall.py", "setuid"),
    ]  # fmt: skip
    deployment.deploy(str(first), tmp_path, repair=True)
    assert differences(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_files_of_other_users(first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path, ["frog"])
    os.chown(pond(tmp_path) / SITE / "pond.py", 12345, 12345)
    os.chown(pond(tmp_path) / "lib64", 12345, 12345, follow_symlinks=False)
    assert differences(tmp_path) == [(f"{POND}/{SITE}/pond.py", "owner"), (f"{POND}/lib64", "owner")]
    for place in (tmp_path, *tmp_path.rglob("*")):
        os.chown(place, 12345, 12345, follow_symlinks=False)
    assert "owner" not in {kind for _, kind in differences(tmp_path)}, "given away as a whole"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_root_does_not_run_what_belongs_to_others(first: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        deployment.deploy(str(first), folder, ["frog"])
        python = next(place for place in folder.glob("store/*/py/bin/python3.11") if place.resolve() == place)
        python.write_text(f"#!/bin/sh\nid -u >> {folder}/asked\n", "utf-8")
        compile_as(pond(folder) / SITE / "sitecustomize.py", "import frog")
        for place in (folder, *folder.rglob("*")):
            os.chown(place, 12345, 12345, follow_symlinks=False)
        deployment.status(folder, verify=True)
        assert set((folder / "asked").read_text("utf-8").split()) == {"12345"}


SPECIAL = [
    "venvstacks-deployment.json", "generations/1/state.json", "store/{0}/instance.json", "store/{0}/files.json.gz",
    "store/{0}/framework-pond/pyvenv.cfg", "store/{0}/framework-pond/lib/python3.11/site-packages/pond.py",
    "store/{0}/framework-pond/lib/python3.11/site-packages/sitecustomize.py",
    "store/{0}/framework-pond/share/venv/metadata/venvstacks_layer.json",
]  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
@pytest.mark.parametrize("name", SPECIAL)
def test_fifos_are_not_waited_for(name: str, first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path, ["frog"])
    place = tmp_path / name.format(pond(tmp_path).parent.name)
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    uses: list[Callable[[], object]] = [
        lambda: deployment.status(tmp_path, verify=True),
        lambda: deployment.start_command(tmp_path, "frog"),
        lambda: deployment.deploy(str(first), tmp_path, repair=True),
        lambda: deployment.collect(tmp_path),
    ]
    with limited_to(60):
        for use in uses:
            with contextlib.suppress(DeployError):
                use()
    if place.parent.name != tmp_path.name and "generations" not in name:
        assert differences(tmp_path) == []


@contextlib.contextmanager
def limited_to(seconds: int) -> Iterator[None]:
    """Fail instead of waiting for ever."""

    def give_up(*_: object) -> None:
        raise AssertionError("it waits for something that never comes")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
