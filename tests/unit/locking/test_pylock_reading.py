"""Locks are read by what their markers mean, entry by entry; what is written, any reader of PEP 751 accepts."""

from __future__ import annotations

import tomllib

import pytest
from packaging.pylock import Pylock
from packaging.tags import Tag

from tests.support.locked_layers import PYTHON, THREE, lock_of, wheel
from tests.support.original_locks import LOCK_OF_08
from venvstacks.locking.locks import LockedPackage, Wheel
from venvstacks.locking.pylock import parse_lock, read_lock
from venvstacks.locking.pylock_text import format_lock
from venvstacks.locking.uv_resolution import UnusableLockError
from venvstacks.model.platforms import PLATFORMS

HEAD = 'lock-version = "1.0"\ncreated-by = "another tool"\n'
WINDOWS = ("win_amd64", "win_arm64")
NEVER = "sys_platform == 'from_lower_layer'"


def entry(name: str, marker: str = "", wheels: str | None = None) -> str:
    file = f'[{{ url = "https://h/{name}-1-py3-none-any.whl", hashes = {{ sha256 = "00" }} }}]'
    text = f'[[packages]]\nname = "{name}"\nversion = "1"\nwheels = {wheels or file}\n'
    return text + (f'marker = "{marker}"\n' if marker else "")


def test_every_reader_takes_from_a_lock_what_the_layer_installs() -> None:
    archive = Wheel("https://h/frog-1.0-py3-none-any.whl", (("sha256", "0" * 64),), is_archive=True)
    lock = lock_of(
        LockedPackage("frog", "1.0", THREE, (archive,)),
        LockedPackage("newt", "1.0", THREE[1:], (wheel("newt"),)),
        LockedPackage("newt", "1.0", THREE[:1], (wheel("newt"),), provider="base"),
        LockedPackage("toad", "1.0", THREE, (wheel("toad"),), left_out_by="base"),
        LockedPackage("tree", "1.0", THREE, (archive,), provider="base"),
    )
    document = Pylock.from_dict(tomllib.loads(format_lock(lock)))
    for name in THREE:
        environment = PLATFORMS[name].marker_environment(PYTHON)
        chosen = document.select(environment=environment, tags=[Tag("py3", "none", "any")])  # type: ignore[arg-type]
        assert [str(package.name) for package, _ in chosen] == [p.name for p in lock.installed(name)]
    assert parse_lock(format_lock(lock), PYTHON) == lock


def test_a_lock_of_08_is_read_with_its_shared_packages() -> None:
    lock = parse_lock(LOCK_OF_08, PYTHON)
    assert [(p.name, p.version, p.targets, p.is_shared) for p in lock.packages] == [
        ("click", "8.1.3", WINDOWS, True),
        ("colorama", "0.4.6", WINDOWS, False),
        ("frog", "1.0+cpu", tuple(PLATFORMS), False),
        ("idna", "3.10", tuple(PLATFORMS), True),
    ]


@pytest.mark.parametrize(
    ("marker", "installed", "shared"),
    [
        (NEVER, (), tuple(PLATFORMS)),
        (f"{NEVER} and sys_platform == 'win32'", (), WINDOWS),
        (f"(sys_platform == 'win32') and {NEVER}", (), WINDOWS),
        (f"os_name == 'nt' and {NEVER} and python_version >= '3.11'", (), WINDOWS),
        (f"os_name == 'nt' and ({NEVER} and platform_machine == 'AMD64')", (), ("win_amd64",)),
        ("'from_lower_layer' == sys_platform and os_name == 'nt'", (), WINDOWS),
        (f"{NEVER} or os_name == 'nt'", WINDOWS, tuple(t for t in PLATFORMS if t not in WINDOWS)),
        (f"{NEVER} and python_version < '3'", (), ()),
        ("sys_platform != 'from_lower_layer' and os_name == 'nt'", WINDOWS, ()),
        ("'tests' in dependency_groups", (), ()),
        ("'tests' not in extras", tuple(PLATFORMS), ()),
    ],
)
def test_the_clause_of_a_shared_package_may_be_anywhere(
    marker: str, installed: tuple[str, ...], shared: tuple[str, ...]
) -> None:
    found = parse_lock(HEAD + entry("frog", marker), PYTHON).packages
    assert [p.targets for p in found if p.is_installed] == ([installed] if installed else [])
    assert [p.targets for p in found if p.is_shared] == ([shared] if shared else [])


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (entry("frog", "nonsense =="), "package frog: Expected a marker"),
        (entry("frog", wheels="[]"), "package frog: it has no wheels"),
        (entry("frog", wheels='[{ url = "https://h/frog-1-py3-none-any.whl" }]'), "hashes"),
        (entry("frog", wheels='[{ url = "https://h/newt-1-py3-none-any.whl", hashes = { md5 = "0" } }]'), "newt-1"),
        (entry("frog").replace('"1"', "1", 1), "package frog: it cannot be read"),
        (entry("frog").replace('"1"', '"one"', 1), "Invalid version: 'one'"),
        ('[[packages]]\nname = "frog"\nversion = "1"\nvcs = { type = "git" }\n', "package frog: it has no wheels"),
        ('[[packages]]\nversion = "1"\n', "package number 2: it cannot be read"),
    ],
)
def test_one_entry_that_cannot_be_used_costs_no_other_its_pin(broken: str, fault: str) -> None:
    found = read_lock(HEAD + entry("ant") + broken + entry("toad"), PYTHON)
    assert {"ant", "toad"} <= {package.name for package in found.lock.packages}
    assert len(found.faults) == 1
    assert fault in found.faults[0]
    with pytest.raises(UnusableLockError, match="package "):
        parse_lock(HEAD + broken, PYTHON)


def test_an_entry_whose_files_cannot_be_used_is_still_a_pin() -> None:
    lock = read_lock(HEAD + entry("frog", wheels="[]"), PYTHON).lock
    assert [(package.name, package.version, package.wheels) for package in lock.packages] == [("frog", "1", ())]


def test_entries_that_no_target_needs_are_no_fault() -> None:
    text = (
        HEAD + '[[packages]]\nname = "pywin"\nversion = "1"\nmarker = "os_name == \'java\'"\nvcs = { type = "git" }\n'
    )
    assert read_lock(text, PYTHON).faults == ()


def test_a_lock_of_a_later_standard_is_not_read() -> None:
    with pytest.raises(UnusableLockError, match=r"lock-version is '2\.0'"):
        read_lock(HEAD.replace("1.0", "2.0"), PYTHON)


def test_environments_that_cannot_be_evaluated_make_a_lock_unusable() -> None:
    with pytest.raises(UnusableLockError, match=r"^the marker .* compares what are no versions .* in environments$"):
        read_lock(f"{HEAD}environments = [\"sys_platform === 'linux'\"]\npackages = []\n", PYTHON)


@pytest.mark.parametrize("tool", ["7", "{venvstacks = 7}", "{venvstacks = {provided-by = 7}}"])
def test_a_tool_table_of_another_form_does_not_hurt(tool: str) -> None:
    text = HEAD + entry("a", NEVER) + f"tool = {tool}\n" + entry("b", NEVER)
    providers = [package.provider for package in read_lock(text, PYTHON).lock.packages]
    assert all(isinstance(provider, str) for provider in providers)
