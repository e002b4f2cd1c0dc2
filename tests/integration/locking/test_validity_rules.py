"""The original's rules about when locks are valid, each on locks that it wrote and on locks of ours.

Its own test suite has 21 such rules. In one place they differ on purpose (decision 0022): the original compares how a
target is written, this program what it means.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from tests.support.locked_projects import StackOnDisk
from tests.support.original_locks import text_of_08, write_lock_of_08
from venvstacks.api import Request
from venvstacks.api.lock_state import lock_staleness
from venvstacks.locking.original_hashes import hash_module_file

SPECIFICATION = """\
runtimes = [
    { name = "py", python_implementation = "cpython@3.11.7", requirements = [] },
    { name = "py-sibling", python_implementation = "cpython@3.11.5", requirements = [] },
    { name = "py-other", python_implementation = "cpython@3.12.1", requirements = [] },
]
frameworks = [
    { name = "low", runtime = "py", requirements = [] },
    { name = "side", runtime = "py", requirements = [] },
    { name = "top", frameworks = ["low"], requirements = [] },
    { name = "other", runtime = "py-other", requirements = [] },
]
applications = [
    { name = "plain", launch_module = "app.py", frameworks = ["top", "side"], requirements = [] },
    { name = "numbered", launch_module = "app.py", frameworks = ["top", "side"], requirements = [], versioned = true },
    { name = "bare", launch_module = "app2.py", runtime = "py", requirements = [] },
    { name = "other", launch_module = "app2.py", frameworks = ["other"], requirements = [] },
]
"""
PY, SIBLING, OTHER = "py", "py-sibling", "py-other"
LOW, SIDE, TOP, OTHER_FRAMEWORK = "framework-low", "framework-side", "framework-top", "framework-other"
PLAIN, NUMBERED, BARE, OTHER_APP = "app-plain", "app-numbered", "app-bare", "app-other"
ON_PY = {PY, LOW, SIDE, TOP, PLAIN, NUMBERED, BARE}
ON_LOW = {LOW, TOP, PLAIN, NUMBERED}

Change = Callable[[dict[str, Any], Path], None]


def field(group: str, number: int, **values: object) -> Change:
    def change(data: dict[str, Any], _base: Path) -> None:
        data[group][number] |= values

    return change


def all_of(*changes: Change) -> Change:
    def change(data: dict[str, Any], base: Path) -> None:
        for each in changes:
            each(data, base)

    return change


def edited_lock(env_name: str) -> Change:
    def change(_data: dict[str, Any], base: Path) -> None:
        lock = base / f"requirements/{env_name}/pylock.{env_name}.toml"
        wheel = '[{ url = "https://h/pip-25.1-py3-none-any.whl", hashes = { sha256 = "00" } }]'
        entry = (
            f'lock-version = "1.0"\ncreated-by = "me"\n[[packages]]\nname = "pip"\nversion = "25.1"\nwheels = {wheel}\n'
        )
        lock.write_text(entry, encoding="utf-8")

    return change


def edited_module(_data: dict[str, Any], base: Path) -> None:
    (base / "app.py").write_text("# changed\n", encoding="utf-8")


RULES: Mapping[str, tuple[Change, set[str]]] = {
    "nothing changed": (all_of(), set()),
    "a runtime becomes versioned": (field("runtimes", 0, versioned=True), ON_PY),
    "a framework becomes versioned": (field("frameworks", 0, versioned=True), ON_LOW),
    "an application becomes versioned": (field("applications", 0, versioned=True), {PLAIN}),
    "requirements of a runtime": (field("runtimes", 0, requirements=["pip==25.1"]), ON_PY),
    "requirements of a framework": (field("frameworks", 0, requirements=["pip==25.1"]), ON_LOW),
    "requirements of an application": (field("applications", 0, requirements=["pip==25.1"]), {PLAIN}),
    "a maintenance release": (field("runtimes", 0, python_implementation="cpython@3.11.5"), set()),
    "another Python": (field("runtimes", 0, python_implementation="cpython@3.12.1"), ON_PY),
    "another runtime of frameworks": (
        all_of(field("frameworks", 0, runtime=SIBLING), field("frameworks", 1, runtime=SIBLING)), {*ON_LOW, SIDE},
    ),
    "another runtime of an application": (field("applications", 2, runtime=SIBLING), {BARE}),
    "other frameworks of a framework": (field("frameworks", 2, frameworks=["side"]), {TOP, PLAIN, NUMBERED}),
    "other frameworks of an application": (field("applications", 0, frameworks=["side"]), {PLAIN}),
    "another Linux": (field("applications", 0, linux_target="glibc@2.34"), {PLAIN}),
    "another macOS": (field("applications", 0, macosx_target="14"), {PLAIN}),
    "another launch module": (field("applications", 0, launch_module="app2.py"), set()),
    "another launch module of a versioned layer": (field("applications", 1, launch_module="app2.py"), {NUMBERED}),
    "an edited lock of a runtime": (edited_lock(PY), ON_PY),
    "an edited lock of a framework": (edited_lock(LOW), ON_LOW),
    "an edited lock of an application": (edited_lock(PLAIN), {PLAIN}),
    "an edited launch module": (edited_module, {NUMBERED}),
}  # fmt: skip


def lock_as_original(stack: StackOnDisk) -> None:
    for layer in stack.project().stack.layers:
        modules = [
            hash_module_file(source.path, sha256((stack.base / source.path).read_bytes()).hexdigest())
            for source in layer.sources
        ]
        write_lock_of_08(stack.base, layer, text_of_08([]), modules=modules)


@pytest.fixture(params=["ours", "original"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> StackOnDisk:
    made = StackOnDisk.write(tmp_path / "spec", SPECIFICATION)
    (made.base / "app2.py").write_text("print('hello 2')\n", encoding="utf-8")
    if request.param == "ours":
        made.run(Request(("lock",)))
    else:
        lock_as_original(made)
    return made


@pytest.mark.parametrize("rule", RULES)
def test_rule(stack: StackOnDisk, rule: str) -> None:
    change, invalid = RULES[rule]
    data = tomllib.loads(stack.path.read_text(encoding="utf-8"))
    change(data, stack.base)
    stack.path.write_text(tomli_w.dumps(data), encoding="utf-8")
    found = lock_staleness(stack.project())
    assert {name for name, reasons in found.items() if reasons} == invalid


def test_a_default_target_that_is_written_out_is_no_change(stack: StackOnDisk) -> None:
    stack.change('name = "plain",', 'name = "plain", linux_target = "glibc", macosx_target = "13",')
    assert not any(lock_staleness(stack.project()).values())
