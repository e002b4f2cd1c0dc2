"""Packages whose parts are in several layers: what is completed, and what cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from venvstacks.linking.borrowing import Lower
from venvstacks.linking.provided import Provided
from venvstacks.linking.split_packages import OwnPackages, closed_packages, complete_packages, shared_folders

SITE = "lib/python3.11/site-packages"
Packages = Mapping[str, tuple[str, ...]]


def own(packages: Packages, *closed: str) -> OwnPackages:
    return OwnPackages("app", SITE, packages, closed)


def layer(name: str, packages: Packages, *closed: str, below: frozenset[str] = frozenset()) -> tuple[Lower, Packages]:
    tops = {path.partition("/")[0]: "" for files in packages.values() for path in files}
    return Lower(name, name, Provided(packages=tops, closed=closed), below), packages


def same(*_: str) -> bool:
    return True


def other(*_: str) -> bool:
    return False


def linked(
    upper: OwnPackages, *lower: tuple[Lower, Packages], same_content: Callable[[str, str, str], bool] = same
) -> dict[str, str]:
    found = complete_packages(upper, lower, same_content)
    assert not found.faults
    assert shared_folders(upper, [one for one, _ in lower]) or not found.links
    return {path.removeprefix(f"{SITE}/"): target.split("/")[1] for path, target in found.links.items()}


A: Packages = {"part-a": ("shared/__init__.py", "shared/core.py", "shared/deep/x.py")}
B: Packages = {"part-b": ("shared/__init__.py", "shared/extra.py")}


def test_the_uppermost_folder_gets_what_it_lacks() -> None:
    assert linked(own(B, "shared"), layer("low", A, "shared")) == {"shared/core.py": "low", "shared/deep/x.py": "low"}


def test_a_part_without_an_init_gets_the_other_s() -> None:
    plain: Packages = {"part-b": ("shared/extra.py",)}
    assert "shared/__init__.py" in linked(own(plain), layer("low", A, "shared"))


def test_namespace_packages_and_packages_of_one_layer_need_nothing() -> None:
    assert linked(own(B), layer("low", A)) == {}
    assert linked(own({"x": ("x/__init__.py",)}, "x"), layer("low", A, "shared")) == {}


def test_a_layer_below_that_is_complete_already_is_enough() -> None:
    upper, low = layer("mid", B, "shared", below=frozenset({"low"})), layer("low", A, "shared")
    assert linked(own({}), upper, low) == {}


def test_parts_in_two_layers_that_do_not_know_each_other_meet_in_the_one_above() -> None:
    left, right = layer("left", B, "shared"), layer("right", A, "shared")
    assert linked(own({}), left, right) == {
        "shared/__init__.py": "left",
        "shared/core.py": "right",
        "shared/deep/x.py": "right",
        "shared/extra.py": "left",
    }


def test_of_one_distribution_in_several_layers_the_first_counts() -> None:
    upper = own({"part-a": ("shared/__init__.py",), "part-b": ("shared/extra.py",)}, "shared")
    assert linked(upper, layer("low", A, "shared"), same_content=other) == {}


def test_other_files_of_one_name_are_a_fault_that_names_everything() -> None:
    found = complete_packages(own(B, "shared"), [layer("low", A, "shared")], other)
    assert found.faults == (
        "package 'shared': shared/__init__.py of part-b in layer 'app' is not that of part-a in layer 'low'",
    )


def test_folders_at_the_top_that_nobody_means_are_left_alone() -> None:
    upper = own({"x": ("tests/__init__.py",)}, "tests")
    assert linked(upper, layer("low", {"y": ("tests/__init__.py", "tests/a.py")}, "tests"), same_content=other) == {}


def test_closed_packages_are_the_outermost_ones() -> None:
    files = ["a/__init__.py", "a/b/__init__.py", "ns/c/__init__.py", "ext/__init__.py", "ext/d/__init__.abi3.so"]
    files += ["a.libs/libx.so", "single.py", "data/x.txt"]
    assert closed_packages(files) == ("a", "ext", "ns/c")
