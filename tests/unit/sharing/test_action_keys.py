from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support.specifications import RUNTIME, application, framework, stack_of
from venvstacks.graph.compiler import compile_stack
from venvstacks.graph.configuration import Configuration
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import PLATFORMS
from venvstacks.sharing.action_key import ARCHIVE, PACKAGES, WHEEL, KeyedTask, KeyedWheel

TOOLS = {"venvstacks": "1", "uv": "2", "zstandard": "3"}
CONFIGURATION = Configuration(PLATFORMS["linux_x86_64"], tools=TOOLS)
SOURCE = {"provider": "archive", "sha256": "ab"}
STACK = RUNTIME + framework("fw") + framework("other") + application("app", "fw", support_modules=["more.py"])
TASKS = [
    f"{kind}:{name}" for kind in ("build", "link", "check", "archive") for name in ("py", "framework-fw", "app-app")
]


def keyed(name: str, text: str = STACK, configuration: Configuration = CONFIGURATION) -> KeyedTask:
    stack = stack_of(text)
    node = compile_stack(stack, configuration).by_name[name]
    return KeyedTask(node, stack.by_env_name[node.env_name], configuration, SOURCE)


def key(task: KeyedTask, **changed: str) -> str | None:
    """The key with digests that depend on the paths' roles; `changed` are parts of paths to digests."""

    def digest(path: str) -> str:
        return next((value for part, value in changed.items() if part in path), "00")

    return task.key({path: digest(path) for path in task.inputs})


@pytest.mark.parametrize("name", TASKS)
def test_folders_and_output_folders_of_a_machine_do_not_count(name: str) -> None:
    elsewhere = replace(CONFIGURATION, layout=StackLayout(build="/tmp/b", artifacts="../out", export="x"))
    assert key(keyed(name)) == key(keyed(name, configuration=elsewhere))
    assert key(keyed(name)) is not None


def edited(old: str, new: str) -> Callable[[str], KeyedTask]:
    assert old in STACK
    return lambda name: keyed(name, STACK.replace(old, new))


def configured(**settings: Any) -> Callable[[str], KeyedTask]:
    return lambda name: keyed(name, configuration=replace(CONFIGURATION, **settings))


CHANGES: list[tuple[str, list[str], Callable[[str], KeyedTask]]] = [
    ("the Python", TASKS, edited("cpython@3.11.7", "cpython@3.11.8")),
    ("the platform", TASKS, configured(platform=PLATFORMS["linux_aarch64"])),
    ("the version of this program", TASKS, configured(tools={**TOOLS, "venvstacks": "2"})),
    ("the version of uv", ["build:py", "build:app-app"], configured(tools={**TOOLS, "uv": "3"})),
    ("the compressor", ["archive:py"], configured(tools={**TOOLS, "zstandard": "4"})),
    ("the archive format", ["archive:py"], configured(archive_format="zip")),
    ("the archive level", ["archive:py"], configured(archive_level=1)),
    ("the epoch", ["archive:py"], configured(epoch=1)),
    ("scripts", ["build:py"], configured(scripts=False)),
    ("bytecode", ["link:py"], configured(bytecode="shipped")),
    ("the layers below", ["link:app-app", "check:app-app"],
     edited('frameworks = ["fw"]', 'frameworks = ["other", "fw"]')),
    ("what is launched", ["build:app-app"], edited('launch_module = "app.py"', 'launch_module = "new.py"')),
    ("what is declared", ["archive:framework-fw"],
     edited('name = "fw"\nrequirements = []', 'name = "fw"\nrequirements = ["numpy"]')),
    ("the oldest glibc", ["build:framework-fw"],
     edited('name = "fw"\n', 'name = "fw"\nlinux_target = "glibc@2.34"\n')),
]  # fmt: skip


@pytest.mark.parametrize(("what", "names", "change"), CHANGES, ids=[row[0] for row in CHANGES])
def test_everything_else_that_a_result_depends_on_counts(
    what: str, names: list[str], change: Callable[[str], KeyedTask]
) -> None:
    assert [name for name in names if key(keyed(name)) == key(change(name))] == [], what


def test_launch_and_support_modules_that_change_places_count() -> None:
    swapped = STACK.replace('"app.py"', '"X"').replace('"more.py"', '"app.py"').replace('"X"', '"more.py"')
    assert sorted(keyed("build:app-app").inputs) == sorted(keyed("build:app-app", swapped).inputs)
    assert key(keyed("build:app-app")) != key(keyed("build:app-app", swapped))


@pytest.mark.parametrize("name", TASKS)
def test_each_input_counts(name: str) -> None:
    task = keyed(name)
    for path in task.inputs:
        assert key(task, **{path: "11"}) != key(task), path


def test_environments_below_count_for_what_looks_into_them() -> None:
    below = {"_build/.venvstacks/link/py.json", "_build/.venvstacks/link/framework-fw.json"}
    for name in ("link:app-app", "check:app-app"):
        assert below <= set(keyed(name).inputs), name


def test_a_runtime_is_known_by_the_file_that_its_python_comes_from() -> None:
    """Two machines have different Pythons installed, and pbs-installer's newest build is another one next month."""
    task = keyed("build:py")
    assert key(replace(task, source=None)) is None, "an installed Python is no function of the specification"
    assert key(replace(task, source={**SOURCE, "sha256": "cd"})) != key(task)
    other = replace(CONFIGURATION, runtime_providers=("archive", "host"))
    assert key(task) == key(keyed("build:py", configuration=other)), "how the file is found does not count"
    assert key(replace(keyed("build:app-app"), source=None)) is not None, "layers above depend on the Python's content"


def test_files_of_a_machine_are_not_shared() -> None:
    assert key(keyed("build:app-app", STACK.replace('"app.py"', '"/home/me/app.py"'))) is None


def test_what_is_no_function_of_its_inputs_has_no_key() -> None:
    for name in ("lock:py", "export:py"):
        assert key(keyed(name)) is None


def test_outputs_are_what_other_machines_can_use() -> None:
    assert keyed("archive:py").outputs == {ARCHIVE: None, PACKAGES: None}
    assert keyed("build:py").outputs == {
        "$build/.venvstacks/build/py.json": "_build/.venvstacks/build/py.json",
        "$build/.venvstacks/runtime/py.json": "_build/.venvstacks/runtime/py.json",
    }


def test_a_wheel_is_known_by_its_pinned_digest_alone() -> None:
    node = TaskNode("wheel:desk", "wheel", "", outputs=("requirements/wheels/desk.json",))
    wheel = KeyedWheel(node, "ab" * 32)
    assert wheel.key({}) == KeyedWheel(TaskNode("wheel:renamed", "wheel", ""), "ab" * 32).key({})
    assert wheel.key({}) != KeyedWheel(node, "cd" * 32).key({})
    assert wheel.accepts({WHEEL: "ab" * 32})
    for lie in ({WHEEL: "cd" * 32}, {}, {ARCHIVE: "ab" * 32}, {WHEEL: "ab" * 32, PACKAGES: "ab" * 32}):
        assert not wheel.accepts(lie), "a record decides nothing"


def test_the_pin_of_a_fetched_wheel_stays_as_it_is() -> None:
    """So that a plan knows that its lock is current."""
    pin = "requirements/wheels/desk.json"
    wheel = KeyedWheel(TaskNode("wheel:desk", "wheel", "", outputs=(pin,)), "ab" * 32)
    assert wheel.kept({pin: "11"}.get) == {pin: "11"}
    assert wheel.kept({}.get) == {}
