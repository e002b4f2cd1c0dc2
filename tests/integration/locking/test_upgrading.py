"""Upgrades of everything, of one package, of nothing, and what is reported about them before and after."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from tests.support.locked_projects import StackOnDisk
from tests.support.original_locks import write_lock_of_07
from venvstacks.api import Cancellation, Request, Selection, load_project, plan, preview_locks
from venvstacks.cli.error_boundary import run_command_line
from venvstacks.errors import InterruptedRunError, LockError, UsageError

SPECIFICATION = """\
[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
requirements = ["frog"]
platforms = ["linux_x86_64", "win_amd64"]

[[frameworks]]
name = "web"
runtime = "py"
requirements = ["toad", "newt"]

[[applications]]
name = "app"
frameworks = ["web"]
requirements = ["frog", "egg"]
launch_module = "app.py"
"""


@pytest.fixture
def stack(tmp_path: Path) -> StackOnDisk:
    """Everything locked at 1.0; since then there are releases 2.0 of all, and toad 2.0 needs newt 2.0."""
    made = StackOnDisk.write(tmp_path / "spec", SPECIFICATION)
    for name in ("frog", "toad", "newt", "egg"):
        made.wheel(name)
    made.lock()
    for name in ("frog", "newt", "egg"):
        made.wheel(name, "2.0")
    made.wheel("toad", "2.0", requires=["newt>=2"])
    return made


def test_locking_again_moves_nothing(stack: StackOnDisk) -> None:
    before = stack.files()
    assert stack.lock(renew_locks=True).lock_changes == {}
    assert {name: text for name, text in stack.files().items() if "pylock" in name and "meta" not in name} == {
        name: text for name, text in before.items() if "pylock" in name and "meta" not in name
    }


def test_an_upgrade_moves_everything(stack: StackOnDisk) -> None:
    changes = stack.lock(renew_locks=True, upgrade=True).lock_changes
    assert {name: set(change.changed) for name, change in changes.items()} == {
        "py": {"frog"}, "framework-web": {"toad", "newt"}, "app-app": {"egg"},
    }  # fmt: skip


def test_one_package_moves_with_what_it_drags_along_in_the_layer_that_owns_it(stack: StackOnDisk) -> None:
    report = stack.lock(renew_locks=True, upgrade_packages=("Toad",))
    assert {name: dict(change.changed) for name, change in report.lock_changes.items()} == {
        "framework-web": {"toad": (("1.0",), ("2.0",)), "newt": (("1.0",), ("2.0",))}
    }


def test_dependants_are_locked_again_but_move_nothing(stack: StackOnDisk) -> None:
    report = stack.lock(renew_locks=True, upgrade_packages=("frog",))
    assert list(report.lock_changes) == ["py"]
    assert {o.name: bool(o.values and o.values.get("resolved")) for o in report.outcomes} == {
        "lock:py": True, "lock:framework-web": True, "lock:app-app": True,
    }  # fmt: skip
    assert stack.versions("app-app", shared=True) == {"frog": "2.0"}
    assert stack.versions("app-app") == {"egg": "1.0"}


def test_a_reset_lock_moves_its_layer_alone(stack: StackOnDisk) -> None:
    assert list(stack.lock(renew_locks=True, reset_lock=("app-*",)).lock_changes) == ["app-app"]


def test_a_reset_touches_only_what_is_selected_for_locking(stack: StackOnDisk) -> None:
    changes = stack.lock(include=("app-app",), renew_locks=True, reset_lock=("*",)).lock_changes
    assert list(changes) == ["app-app"]
    planned = plan(stack.project(), Request(("build",), Selection(reset_lock=("*",))))
    assert {task.status for task in planned if task.name.startswith("lock:")} == {"up to date"}


@pytest.mark.parametrize(
    ("name", "include", "message", "hint"),
    [
        ("tode", (), "no layer is locked with 'tode'", "did you mean 'toad'?"),
        ("zzz", (), "no layer is locked with 'zzz'", "no earlier version"),
        ("frog", ("app-*",), "no selected layer installs 'frog'", "it is locked in py"),
    ],
)
def test_packages_that_cannot_be_upgraded_are_reported(
    stack: StackOnDisk, name: str, include: tuple[str, ...], message: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        stack.lock(include=include, renew_locks=True, upgrade_packages=(name,))
    assert hint in (caught.value.hint or "")


def test_a_preview_predicts_what_a_run_does_and_writes_nothing(stack: StackOnDisk) -> None:
    request = Request(("lock",), renew_locks=True, upgrade=True)
    before = stack.files(everything=True)
    foretold = preview_locks(stack.project(), request)
    assert stack.files(everything=True) == before
    assert {name: change for name, change in foretold.items() if change} == stack.run(request).lock_changes


def test_a_preview_builds_upper_layers_on_what_lower_ones_would_hold(stack: StackOnDisk) -> None:
    stack.wheel("strict", requires=["frog>=2"])
    stack.change('requirements = ["frog", "egg"]', 'requirements = ["frog", "egg", "strict"]')
    with pytest.raises(LockError, match="app-app"):
        preview_locks(stack.project(), Request(("lock",), renew_locks=True, strict_layers=True))
    for upgraded in ((), ("frog",)):
        changes = preview_locks(stack.project(), Request(("lock",), renew_locks=True, upgrade_packages=upgraded))
        assert changes["py"].changed == {"frog": (("1.0",), ("2.0",))}
        assert changes["app-app"].added == {"strict": ("1.0",)}


def test_a_preview_can_be_cancelled(stack: StackOnDisk) -> None:
    cancellation = Cancellation()
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def cancel_when_asked() -> None:
            with silent.accept()[0]:
                cancellation.cancel()

        thread = threading.Thread(target=cancel_when_asked, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        index = f'[[tool.uv.index]]\nname = "silent"\nurl = "{url}"\ndefault = true\n'
        stack.path.write_text(stack.path.read_text("utf-8") + index, "utf-8")
        project = load_project(stack.path)
        with pytest.raises(InterruptedRunError):
            preview_locks(project, Request(("lock",), renew_locks=True), cancellation=cancellation)
        thread.join(10)


def test_a_package_that_moves_between_layers_is_reported(
    stack: StackOnDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.change('requirements = ["frog"]', 'requirements = ["frog", "newt<2"]')
    assert run_command_line(["lock", str(stack.path), "--local-wheels", "wheelhouse", "--no-index", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "py:", "  + newt 1.0  (was in framework-web)", "framework-web:", "  - newt 1.0  (now in py)",
    ]  # fmt: skip


def test_the_command_prints_the_changes_as_text_and_as_data(
    stack: StackOnDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["lock", str(stack.path), "--local-wheels", "wheelhouse", "--no-index", "-P", "egg"]
    assert run_command_line([*arguments, "--dry-run", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["layers"]["app-app"]["changed"] == {"egg": {"from": ["1.0"], "to": ["2.0"]}}
    assert run_command_line(arguments) == 0
    assert capsys.readouterr().out.splitlines() == ["app-app:", "  ~ egg 1.0 -> 2.0"]
    assert run_command_line([*arguments, "--dry-run"]) == 0
    assert capsys.readouterr().out == "no lock would change\n"
    assert run_command_line([*arguments, "--if-needed"]) == 2


@pytest.mark.parametrize("release", ["0.4", "0.7"])
def test_one_package_of_a_project_of_the_original_moves(tmp_path: Path, release: str) -> None:
    """Before 0.8 there was no lock file of the present form, but one list of pins for each platform."""
    stack = StackOnDisk.write(tmp_path / "spec", SPECIFICATION)
    for name in ("frog", "toad", "newt", "egg"):
        stack.wheel(name)
        stack.wheel(name, "2.0")
    pins = {"py": {"frog": "1.0"}, "framework-web": {"toad": "1.0", "newt": "1.0"}, "app-app": {"egg": "1.0"}}
    for layer in stack.project().stack.layers:
        for target in layer.platforms:
            write_lock_of_07(stack.base, layer, pins[layer.env_name], version=1, release=release, target=target.name)
    stack.lock(upgrade_packages=("newt",))
    assert stack.versions("framework-web") == {"newt": "2.0", "toad": "1.0"}
    assert stack.versions("app-app") == {"egg": "1.0"}
