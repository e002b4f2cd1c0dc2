"""Layers that cannot be resolved over the locks below: these are locked with versions that serve all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.locked_projects import StackOnDisk
from venvstacks.api import Report, Request, Selection, plan, preview_locks, run
from venvstacks.engine.outcomes import Outcome, Silence
from venvstacks.errors import LockError

BASE = """\
[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
platforms = ["linux_x86_64", "win_amd64"]
requirements = []
"""
FRAMEWORK = '[[frameworks]]\nname = "{name}"\n{below}\nrequirements = {requirements}\n'
APPLICATION = '[[applications]]\nname = "{name}"\n{below}\nrequirements = {requirements}\nlaunch_module = "app.py"\n'


def layer(name: str, *requirements: str, on: tuple[str, ...] = (), form: str = FRAMEWORK, more: str = "") -> str:
    below = f"frameworks = {json.dumps(list(on))}" if on else 'runtime = "py"'
    return form.format(name=name, below=below, requirements=json.dumps(list(requirements))) + more


def app(name: str, *requirements: str, on: tuple[str, ...]) -> str:
    return layer(name, *requirements, on=on, form=APPLICATION)


@pytest.fixture
def stack(tmp_path: Path) -> StackOnDisk:
    """Frogs of three versions, of which ponds and swamps bear some only, and toads that follow the frogs."""
    made = StackOnDisk.write(tmp_path / "spec", "")
    for version in ("1.0", "2.0", "3.0"):
        made.wheel("frog", version)
        made.wheel("toad", version, requires=[f"frog=={version}"])
    made.wheel("pond", requires=["frog<3"])
    made.wheel("marsh", requires=["frog<2"])
    made.wheel("swamp", requires=["toad<3"])
    made.wheel("sea", requires=["frog>=3"])
    made.wheel("newt")
    return made


def write(stack: StackOnDisk, *layers: str) -> StackOnDisk:
    stack.path.write_text(BASE + "".join(layers))
    return stack


def lock(stack: StackOnDisk, **request: Any) -> Report:
    return run(stack.project(), Request(("lock",), **{"renew_locks": True, **request}))


def adapted(stack: StackOnDisk, name: str) -> list[tuple[str, str, str, str]]:
    metadata = json.loads((stack.base / f"requirements/{name}/pylock.{name}.meta.json").read_text())
    found = metadata["venvstacks"].get("adapted", ())
    return [(each["package"], each["version"], each["instead"], each["needed_by"]) for each in found]


def test_the_lower_layer_is_locked_with_what_the_upper_one_needs(stack: StackOnDisk) -> None:
    write(stack, layer("base", "frog", "newt"), layer("upper", "pond", on=("base",)), app("a", "frog", on=("upper",)))
    report = stack.lock()
    assert stack.versions("framework-base") == {"frog": "2.0", "newt": "1.0"}
    assert stack.versions("framework-upper") == {"pond": "1.0"}
    assert report.notes == (
        "layer 'framework-base' is locked with frog 2.0 instead of 3.0: layer 'framework-upper' needs it",
    )
    assert adapted(stack, "framework-base") == [("frog", "2.0", "3.0", "framework-upper")] * 2  # of each platform
    # the locks are valid, and locking again gives the same bytes
    assert {task.status for task in plan(stack.project(), Request(("lock",)))} == {"up to date"}
    before = stack.files()
    assert stack.lock(renew_locks=True).notes == report.notes
    assert stack.files() == before


def test_a_later_lock_tries_without_it_first(stack: StackOnDisk) -> None:
    write(stack, layer("base", "frog"), layer("upper", "pond", on=("base",)))
    stack.lock()
    stack.change('"pond"', '"newt"')
    stack.lock()
    assert stack.versions("framework-base") == {"frog": "2.0"}, "only what is stale is locked"
    stack.lock(renew_locks=True)
    assert stack.versions("framework-base") == {"frog": "3.0"}
    assert adapted(stack, "framework-base") == []


def test_packages_of_several_layers_move_together(stack: StackOnDisk) -> None:
    """`swamp` needs an older toad, which is in the middle layer and needs an older frog of the lowest one."""
    write(stack, layer("base", "frog"), layer("middle", "toad", on=("base",)), layer("top", "swamp", on=("middle",)))
    stack.lock()
    assert [stack.versions(f"framework-{name}") for name in ("base", "middle", "top")] == [
        {"frog": "2.0"}, {"toad": "2.0"}, {"swamp": "1.0"},
    ]  # fmt: skip


def test_two_layers_that_need_different_versions_get_one_that_serves_both(stack: StackOnDisk) -> None:
    write(stack, layer("base", "frog"), app("a", "pond", on=("base",)), app("b", "marsh", on=("base",)))
    stack.lock()
    assert stack.versions("framework-base") == {"frog": "1.0"}
    assert {needed_by for *_, needed_by in adapted(stack, "framework-base")} <= {"app-a", "app-b"}
    again = write(stack, layer("base", "frog"), app("b", "marsh", on=("base",)), app("a", "pond", on=("base",)))
    again.lock(renew_locks=True)
    assert again.versions("framework-base") == {"frog": "1.0"}


def test_a_contradiction_ends_and_names_layers_and_packages(stack: StackOnDisk) -> None:
    write(stack, layer("base", "frog"), app("a", "pond", on=("base",)), app("b", "sea", on=("base",)))
    report = lock(stack, keep_going=True)
    (failure,) = report.failures
    assert failure.name in {"lock:app-a", "lock:app-b"}
    text = str(failure.error)
    assert "framework-base" in text
    assert "frog" in text
    assert isinstance(failure.error, LockError)


def test_what_no_version_solves_is_refused_and_the_hint_helps(stack: StackOnDisk) -> None:
    write(stack, layer("base", "frog>=3"), layer("upper", "pond", on=("base",)))
    with pytest.raises(LockError) as caught:
        stack.lock()
    assert caught.value.hint == "change the requirements of 'framework-upper', or those of framework-base below it"
    stack.change("frog>=3", "frog")
    stack.lock()


def test_strict_layers_refuse_and_both_ways_of_the_hint_help(stack: StackOnDisk) -> None:
    write(stack, layer("base", "frog"), layer("upper", "pond", on=("base",)))
    with pytest.raises(LockError) as caught:
        stack.lock(strict_layers=True)
    assert "if layer 'framework-base' held frog 2.0 instead of 3.0" in str(caught.value)
    assert "without --strict-layers" in (caught.value.hint or "")
    assert "require frog==2.0 in 'framework-base'" in (caught.value.hint or "")
    stack.change('"frog"', '"frog==2.0"')
    stack.lock(strict_layers=True)
    stack.change('"frog==2.0"', '"frog"')
    stack.lock(renew_locks=True)
    assert stack.versions("framework-base") == {"frog": "2.0"}


def test_layers_that_are_not_selected_stay_as_they_are(stack: StackOnDisk) -> None:
    write(stack, layer("base", "frog"), layer("upper", "newt", on=("base",)))
    stack.lock()
    stack.change('"newt"', '"pond"')
    before = stack.files()
    with pytest.raises(LockError) as caught:
        stack.lock(include=("framework-upper",))
    assert "for framework-base too" in (caught.value.hint or "")
    assert stack.files() == before
    stack.lock(include=("framework-upper", "framework-base"), renew_locks=True)
    assert stack.versions("framework-base") == {"frog": "2.0"}


def test_a_preview_shows_what_locking_does(stack: StackOnDisk) -> None:
    write(stack, layer("base", "frog"), layer("upper", "pond", on=("base",)))
    changes = preview_locks(stack.project(), Request(("lock",)))
    assert changes["framework-base"].added == {"frog": ("2.0",)}
    assert stack.files() == {}


def test_versioned_layers_count_up_once(stack: StackOnDisk) -> None:
    write(stack, layer("base", "frog", more="versioned = true\n"), layer("upper", "newt", on=("base",)))
    stack.lock()
    stack.change('"newt"', '"pond"')
    stack.lock(renew_locks=True)
    metadata = json.loads((stack.base / "requirements/framework-base/pylock.framework-base.meta.json").read_text())
    assert metadata["lock_version"] == 2


def test_frameworks_side_by_side_get_one_version_where_they_can(stack: StackOnDisk) -> None:
    write(stack, layer("one", "frog"), layer("two", "pond"), app("a", on=("one", "two")))
    report = stack.lock()
    assert stack.versions("framework-one") == {"frog": "2.0"}
    assert [note for note in report.notes if "framework-one" in note and "app-a" in note]


def test_frameworks_side_by_side_that_disagree_are_told(stack: StackOnDisk) -> None:
    """The application itself requires nothing of it."""
    write(stack, layer("one", "sea"), layer("two", "pond"), app("a", on=("one", "two")))
    report = stack.lock()
    (note,) = report.notes
    assert note == (
        "layer 'app-a' imports frog 3.0 of layer 'framework-one', while packages of layer 'framework-two' were "
        "locked with frog 2.0, and may fail"
    )


def test_a_build_adapts_before_it_builds(stack: StackOnDisk) -> None:
    """With nothing but locks missing, a build locks them; layers that were built from the first try would be waste."""
    write(stack, layer("base", "frog"), layer("upper", "pond", on=("base",)))
    planned = plan(stack.project(), Request(("build",), Selection(), lock_policy="require-valid"))
    assert "run" in {task.status for task in planned}
    report = run(stack.project(), Request(("build",), lock_policy="require-valid"))
    names = [outcome.name for outcome in report.outcomes]
    assert names == [task.name for task in planned]
    assert stack.versions("framework-base") == {"frog": "2.0"}


class Heard(Silence):
    """Notes what a listener is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def begin(self, total: int) -> None:
        self.said.append(f"begin {total}")

    def ended(self, outcome: Outcome) -> None:
        self.said.append(f"{outcome.name} {outcome.status}")

    def end(self) -> None:
        self.said.append("end")


def test_a_listener_hears_of_all_rounds_as_of_one_run(stack: StackOnDisk) -> None:
    write(stack, layer("low", "frog"), layer("high", "pond", on=("low",)))
    heard = Heard()
    run(stack.project(), Request(("lock",), renew_locks=True), heard)
    assert adapted(stack, "framework-low")
    assert heard.said[0] == "begin 3"
    assert sorted(heard.said[1:-1]) == [f"lock:{name} done" for name in ("framework-high", "framework-low", "py")]
    assert heard.said[-1] == "end"
