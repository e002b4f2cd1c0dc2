from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.looked_stacks import layer, package, small_stack, stack
from venvstacks.cli.rows import row_lines
from venvstacks.errors import UsageError
from venvstacks.insight.dependency_tree import dependency_rows, inverted_rows, repeated_rows, tree_data
from venvstacks.insight.needs import Needs

Golden = Callable[[str, str], None]


def test_trees_of_all_layers(check_golden: Golden) -> None:
    found = small_stack()
    check_golden("look/tree.txt", "\n".join(row_lines(dependency_rows(found, found.layers))) + "\n")


def test_who_needs_a_package_and_which_packages_lie_twice(check_golden: Golden) -> None:
    lines = [
        *row_lines(inverted_rows(small_stack(), "Big")),
        *row_lines(inverted_rows(small_stack(), "pool")),
        *row_lines(inverted_rows(small_stack(), "pip")),
        *row_lines(repeated_rows(small_stack())),
    ]
    check_golden("look/inverted.txt", "\n".join(lines) + "\n")


def test_needs_hold_for_the_platform_and_the_extras_that_are_asked_for() -> None:
    def needed(declared: str, platform: str) -> set[str]:
        requires = (
            'win; sys_platform == "win32"',
            'linux; sys_platform == "linux"',
            'more; extra == "all"',
            "not valid!",
        )
        one = layer("py", package("frog", "1.0", *requires), declared=(declared,), platform=platform)
        return {need.name for need in Needs(stack(one)).all if need.package}

    assert needed("frog", "linux_x86_64") == {"linux"}
    assert needed("frog[all]", "win_amd64") == {"win", "more"}


def test_an_extra_that_an_upper_layer_asks_for_counts_below() -> None:
    found = stack(
        layer("py"),
        layer("framework-x", package("frog", "1.0", 'legs; extra == "legs"'), package("legs")),
        layer("app-y", lower=("framework-x", "py"), declared=("frog[legs]",)),
    )
    assert ("frog", "legs") in {(need.package, need.name) for need in Needs(found).all}


def test_the_nearest_layer_provides() -> None:
    found = small_stack()
    (need,) = (need for need in Needs(found).all if need.layer == "app-web" and need.package is None)
    assert need.provider == "app-web"


def test_chains_of_strangers_do_not_overflow() -> None:
    chain = [package(f"p{number:04}", "1.0", f"p{number + 1:04}") for number in range(3000)]
    found = stack(layer("py", *chain, declared=("p0000",)))
    assert len(list(row_lines(dependency_rows(found, found.layers)))) > 2900
    assert list(row_lines(inverted_rows(found, "p2999")))


def test_a_package_that_is_nowhere_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match="did you mean 'speed'"):
        list(inverted_rows(small_stack(), "sped"))
    with pytest.raises(UsageError, match="no layer fits 'framwork-\\*'"):
        small_stack().chosen(["framwork-*"])


def test_the_data_say_the_same() -> None:
    data = tree_data(small_stack(), small_stack().layers)
    base = next(one for one in data["layers"] if one["name"] == "framework-base")
    big = next(one for one in base["packages"] if one["name"] == "big")
    assert big["size"] == 7_001_000
    assert big["needed_by"] == [
        {"layer": "framework-base", "package": None, "requirement": "big>=2"},
        {"layer": "app-desk", "package": "mid", "requirement": "big<3,>=2.0"},
    ]
    assert set(data["repeated"]) == {"tiny"}
    assert {"name": "gone", "requirement": "gone", "layer": None} in data["layers"][3]["packages"][0]["requires"]
