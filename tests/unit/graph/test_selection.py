from __future__ import annotations

from typing import Any

import pytest

from tests.support.specifications import application, framework, runtime, stack_of
from venvstacks.errors import ExitCode, UsageError
from venvstacks.graph.compiler import compile_stack
from venvstacks.graph.configuration import Configuration
from venvstacks.graph.selection import (
    Operation,
    Selection,
    goals,
    held_tasks,
    renewed_locks,
    select_layers,
    selected_operations,
    shown_layers,
)
from venvstacks.model.platforms import PLATFORMS

# py <- fw <- a, b; pz <- c; d is disabled; e is not made for Linux
STACK = stack_of(
    runtime("py") + runtime("pz") + framework("fw") + application("a", "fw") + application("b", "fw")
    + application("c", runtime="pz") + application("d", runtime="pz", platforms=[])
    + application("e", runtime="pz", platforms=["win_amd64"])
)  # fmt: skip
SHORT = {"py": "py", "pz": "pz", "fw": "framework-fw", **{name: f"app-{name}" for name in "abcde"}}
GRAPH = compile_stack(STACK, Configuration(PLATFORMS["linux_x86_64"]))


def long(names: str) -> tuple[str, ...]:
    return tuple(SHORT[name] for name in names.split())


def tasks(names: str) -> set[str]:
    """Task names from short ones: `lock:fw`."""
    pairs = [name.split(":") for name in names.split()]
    return {f"{kind}:{SHORT.get(name, name)}" for kind, name in pairs}


EVERYTHING = "py pz fw a b c d e"

# flags; layers that are included, locked, built, published
CASES: dict[str, tuple[dict[str, Any], str, str, str, str]] = {
    "no patterns": ({}, EVERYTHING, EVERYTHING, EVERYTHING, EVERYTHING),
    "one application": ({"include": ("app-a",)}, "a", "a", "a", "a"),
    "one framework": ({"include": ("framework-fw",)}, "fw", "fw a b", "fw", "fw"),
    "one runtime": ({"include": ("py",)}, "py", "py fw a b", "py", "py"),
    "wildcards": ({"include": ("p?", "*-[ac]")}, "py pz a c", EVERYTHING, "py pz a c", "py pz a c"),
    "all of a kind": ({"include": ("app-*",)}, "a b c d e", "a b c d e", "a b c d e", "a b c d e"),
    "lock below": ({"include": ("app-a",), "lock_dependencies": True}, "a", "py fw a", "a", "a"),
    "build below": ({"include": ("app-a",), "build_dependencies": True}, "a", "a", "py fw a", "a"),
    "publish below": ({"include": ("app-a",), "publish_dependencies": True}, "a", "a", "a", "py fw a"),
    "all below": ({"include": ("app-a",), "include_dependencies": True}, "a", "py fw a", "py fw a", "py fw a"),
    "all but one below": (
        {"include": ("app-a",), "include_dependencies": True, "publish_dependencies": False},
        "a", "py fw a", "py fw a", "a",
    ),
    "build above": ({"include": ("framework-fw",), "build_derived": True}, "fw", "fw a b", "fw a b", "fw"),
    "publish above": ({"include": ("framework-fw",), "publish_derived": True}, "fw", "fw a b", "fw", "fw a b"),
    "below and above": (
        {"include": ("framework-fw",), "include_dependencies": True, "build_derived": True},
        "fw", "py fw a b", "py fw a b", "py fw",
    ),
    "a reset selects nothing": ({"include": ("app-c",), "reset_lock": ("framework-*",)}, "c", "c", "c", "c"),
}  # fmt: skip


@pytest.mark.parametrize(("flags", "included", "lock", "build", "publish"), CASES.values(), ids=list(CASES))
def test_layers(flags: dict[str, Any], included: str, lock: str, build: str, publish: str) -> None:
    selected = select_layers(STACK, Selection(**flags))
    assert selected.included == long(included)
    assert selected.lock == long(lock)
    assert selected.build == long(build)
    assert selected.publish == long(publish)
    assert selected.export == selected.publish


@pytest.mark.parametrize(
    ("flags", "named", "hint"),
    [
        ({"include": ("torch",)}, "'torch'", "environments are py, pz, framework-fw, app-a"),
        ({"include": ("app-a", "framework-f")}, "'framework-f'", "did you mean 'framework-fw'?"),
        ({"include": ("x",), "reset_lock": ("y",)}, "'x', 'y'", "environments are"),
        ({"include": ("APP-A",)}, "'APP-A'", "--allow-missing accepts such patterns"),
        ({"include": ("fw",)}, "'fw'", "--allow-missing"),
    ],
)
def test_patterns_that_match_nothing(flags: dict[str, Any], named: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        select_layers(STACK, Selection(**flags))
    assert caught.value.message == f"no environment matches {named}"
    assert caught.value.exit_code is ExitCode.USAGE
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(("include", "expected"), [(("x",), ""), (("x", "app-b"), "b")])
def test_missing_layers_may_be_allowed(include: tuple[str, ...], expected: str) -> None:
    assert select_layers(STACK, Selection(include, allow_missing=True)).included == long(expected)


ARCHIVES = "manifest:archives"


@pytest.mark.parametrize(
    ("operations", "flags", "expected"),
    [
        (("lock",), {}, "lock:py lock:pz lock:fw lock:a lock:b lock:c lock:e"),
        (("lock",), {"include": ("framework-*",)}, "lock:fw lock:a lock:b"),
        (("build",), {"include": ("app-a",)}, "build:a link:a check:a"),
        (("publish",), {"include": ("app-a",)}, "archive:a check:a manifest:archives"),
        (("export",), {"include": ("app-a",)}, "export:a check:a manifest:exports"),
        (
            ("lock", "build", "publish"),
            {"include": ("app-a",), "build_dependencies": True},
            "lock:a build:py link:py check:py build:fw link:fw check:fw build:a link:a check:a archive:a " + ARCHIVES,
        ),
        (("build",), {"include": ("app-d",)}, ""),
        (("build", "lock"), {"include": ("app-e",)}, "lock:e"),
        ((), {}, ""),
    ],
)
def test_goals(operations: tuple[Operation, ...], flags: dict[str, Any], expected: str) -> None:
    found = goals(GRAPH, STACK, operations, Selection(**flags))
    assert set(found) == tasks(expected)
    assert list(found) == [node.name for node in GRAPH.nodes if node.name in found]


def test_goals_bring_along_what_they_need() -> None:
    found = GRAPH.closure(goals(GRAPH, STACK, ("publish",), Selection(("app-a",))))
    assert {node.name for node in found.nodes} == tasks(
        "lock:py lock:fw lock:a build:py link:py check:py build:fw link:fw check:fw build:a link:a check:a archive:a"
        " manifest:archives"
    )


@pytest.mark.parametrize(
    ("flags", "if_needed", "expected"),
    [
        ({"include": ("framework-*",)}, False, "lock:fw lock:a lock:b"),
        ({"include": ("framework-*",)}, True, ""),
        ({"include": ("app-a",), "lock_dependencies": True}, False, "lock:py lock:fw lock:a"),
        ({"reset_lock": ("app-*",)}, True, "lock:a lock:b lock:c lock:d lock:e"),
        ({"include": ("app-c",), "reset_lock": ("app-b",)}, False, "lock:c"),
        ({"include": ("app-c",), "reset_lock": ("*",)}, True, "lock:c"),
        ({"include": ("framework-fw",), "reset_lock": ("*",)}, True, "lock:fw lock:a lock:b"),
        ({"include": ("app-a",), "reset_lock": ("*",), "lock_dependencies": True}, True, "lock:py lock:fw lock:a"),
    ],
)
def test_renewed_locks(*, flags: dict[str, Any], if_needed: bool, expected: str) -> None:
    assert renewed_locks(STACK, Selection(**flags), if_needed=if_needed) == tasks(expected)


ONE = {"include": ("app-a",)}


@pytest.mark.parametrize(
    ("operations", "flags", "expected"),
    [
        (("lock",), ONE, ""),
        (("lock",), {**ONE, "lock_dependencies": False}, "lock:py lock:fw"),
        (("build",), {**ONE, "lock_dependencies": False}, "lock:py lock:fw"),
        (("build",), {**ONE, "build_dependencies": False}, "build:py link:py check:py build:fw link:fw check:fw"),
        (("export",), {**ONE, "publish_dependencies": False}, "archive:py archive:fw export:py export:fw"),
        (("build",), {"include": ("app-a", "py"), "build_dependencies": False}, "build:fw link:fw check:fw"),
        (("build",), {**ONE, "build_dependencies": True, "include_dependencies": False},
         "lock:py lock:fw archive:py archive:fw export:py export:fw"),
        (("build",), {"lock_dependencies": False, "build_dependencies": False}, ""),
        ((), {**ONE, "lock_dependencies": False}, ""),
    ],
)  # fmt: skip
def test_held_tasks(operations: tuple[Operation, ...], flags: dict[str, Any], expected: str) -> None:
    assert held_tasks(STACK, operations, Selection(**flags)) == tasks(expected)


def test_held_tasks_can_be_taken_out_of_any_part_of_the_graph() -> None:
    selection = Selection(("app-a",), build_dependencies=False, publish_dependencies=False)
    part = GRAPH.closure(goals(GRAPH, STACK, ("build", "export"), selection))
    rest = part.without(held_tasks(STACK, ("build", "export"), selection))
    assert {node.name for node in rest.nodes} == tasks(
        "lock:py lock:fw lock:a build:a link:a check:a export:a manifest:exports"
    )


@pytest.mark.parametrize(
    ("operations", "flags", "renews", "expected"),
    [
        (("lock",), {"include": ("py",), "reset_lock": ("py",)}, True, {
            "py": "reset-lock lock", "fw": "lock", "a": "lock", "b": "lock",
        }),
        (("lock",), {"include": ("app-a",)}, False, {
            "py": "lock-if-needed", "fw": "lock-if-needed", "a": "lock-if-needed",
        }),
        (("build", "publish"), {"include": ("app-a",)}, False, {
            "py": "lock-if-needed build-if-needed", "fw": "lock-if-needed build-if-needed", "a": "build publish",
        }),
        (("export",), {"include": ("py",), "lock_dependencies": False}, False, {"py": "export"}),
        (("build",), {"include": ("framework-fw",), "build_dependencies": False, "build_derived": True}, False, {
            "py": "lock-if-needed", "fw": "build", "a": "build", "b": "build",
        }),
        (("lock",), {"include": ("app-d",)}, True, {}),
    ],
)  # fmt: skip
def test_what_is_done_to_each_layer_in_words(
    operations: tuple[Operation, ...],
    flags: dict[str, Any],
    renews: bool,  # noqa: FBT001 - a column
    expected: dict[str, str],
) -> None:
    found = selected_operations(STACK, operations, Selection(**flags), renews_locks=renews)
    assert found == {SHORT[name]: tuple(words.split()) for name, words in expected.items()}


def test_show_is_about_what_is_above_and_below_too() -> None:
    assert shown_layers(STACK, Selection(include=("framework-fw",))) == long("py fw a b")
    assert shown_layers(STACK, Selection()) == long("py pz fw a b c e")


def test_only_layers_that_are_made_for_the_platforms() -> None:
    windows = Selection(platforms=("win_amd64",))
    assert set(select_layers(STACK, windows).lock) == set(long("py pz fw a b c e"))
    linux = Selection(platforms=("linux_x86_64",), include=("app-[ace]",), include_dependencies=True)
    assert select_layers(STACK, linux).build == long("py pz fw a c")
    both = Selection(platforms=("linux_x86_64", "win_amd64"))
    assert select_layers(STACK, both).included == long("py pz fw a b c e")
    only = stack_of(runtime("py", platforms=["win_amd64"]))
    with pytest.raises(UsageError, match=r"no layer is made for macosx_arm64.*\n.*made for win_amd64"):
        select_layers(only, Selection(platforms=("win_amd64", "macosx_arm64")))
