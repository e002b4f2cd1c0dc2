from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.support.looked_stacks import BIG, layer, package, small_stack, stack
from tests.support.offered_layers import layer as offered_layer
from venvstacks.cli.diff_output import comparison_lines, markdown_lines
from venvstacks.deployment.offers import OfferedDelta, OfferedFile
from venvstacks.insight.comparison import compare_stacks
from venvstacks.insight.contents import StackContents

Golden = Callable[[str, str], None]


def later_stack() -> StackContents:
    """An update of `big`, `tiny` moved to the runtime, a new application, and one that is gone."""
    big = package("big", "2.2", files=BIG)
    loop = package("loop", "1.0", "pool", files={"loop/__init__.py": 1000, "loop/new|<b>.py": 1000})
    return stack(
        layer("py", package("pip", "25.0"), package("tiny", "1.0")),
        layer("framework-base", big, loop, package("pool", "1.0"), sizes=BIG | {"big/data.bin": 6_000_000}),
        layer("framework-other", package("tiny", "1.0"), declared=("tiny",)),
        layer("app-desk", package("mid", "0.3"), package("speed", "1.0"), lower=("framework-base", "py")),
        layer("app-new", lower=("framework-other", "py")),
        label="there",
    )


def test_everything_that_differs(check_golden: Golden) -> None:
    found = compare_stacks(small_stack(), later_stack())
    check_golden("look/diff.txt", "\n".join(comparison_lines(found)) + "\n")
    check_golden("look/diff.md", "\n".join(markdown_lines(found)) + "\n")


def test_the_data_say_the_same() -> None:
    data = compare_stacks(small_stack(), later_stack()).as_json()
    assert {one["name"]: one["status"] for one in data["layers"]} == {
        "py": "changed",
        "framework-base": "changed",
        "framework-other": "same",
        "app-desk": "changed",
        "app-new": "added",
        "app-web": "removed",
    }
    base = next(one for one in data["layers"] if one["name"] == "framework-base")
    tiny = next(one for one in base["packages"] if one["name"] == "tiny")
    assert (tiny["status"], tiny["elsewhere"]) == ("removed", "py")
    assert [one["application"] for one in data["downloads"]] == ["desk", "new"]
    assert data["downloads"][1]["update"] is None


def test_users_fetch_the_layers_whose_archives_differ() -> None:
    before = small_stack()
    changed = replace(before.by_name["app-desk"], packages=(package("mid", "0.4"),))
    changed = replace(changed, archive=replace(changed.archive, sha256="0" * 64) if changed.archive else None)
    after = replace(before, layers=tuple(changed if one.name == "app-desk" else one for one in before.layers))
    found = compare_stacks(before, after)
    downloads = {one.application: (one.update, one.layers) for one in found.downloads}
    assert changed.archive
    assert downloads == {"desk": (changed.archive.size, ("app-desk",)), "web": (0, ())}


def test_the_same_stack_does_not_differ() -> None:
    found = compare_stacks(small_stack(), small_stack())
    assert found.is_empty
    assert "Nothing differs." in list(markdown_lines(found))


def test_files_and_wheels_that_changed_within_one_version_are_named() -> None:
    before = stack(layer("py", package("frog")))
    (old,) = before.layers[0].packages
    assert old.wheel
    frog = old.model_copy(update={"wheel": old.wheel.model_copy(update={"sha256": "0" * 64})})
    (change,) = compare_stacks(before, stack(layer("py", frog, sizes={"frog/__init__.py": 7}))).layers[0].packages
    assert change.status == "same version"
    assert change.files == ("lib/python3.11/site-packages/frog/__init__.py",)
    assert len(change.wheels) == 2


def test_locks_compare_by_packages_alone() -> None:
    def locked(version: str) -> StackContents:
        return StackContents("x", "locks", (layer("py", package("frog", version), files=(), archive=None),))

    found = compare_stacks(locked("1.0"), locked("2.0"))
    assert list(comparison_lines(found)) == ["x -> x", "", "py: changed", "  ~ frog 1.0 -> 2.0"]
    assert found.downloads == ()


def test_deltas_make_updates_smaller() -> None:
    def offered(version: str, *deltas: OfferedDelta) -> StackContents:
        listed = OfferedFile("py.files.json.gz", 1, version * 64)
        published = replace(offered_layer("py"), files=listed, deltas=deltas)
        runtime = layer("py", offered=published, archive=replace(published.archive, sha256=version * 64))
        return stack(runtime, layer("app-desk"))

    delta = OfferedDelta(OfferedFile("x.delta", 7, "d" * 64), before="a" * 64, after="b" * 64)
    found = compare_stacks(offered("a"), offered("b", delta)).downloads
    assert [(one.update, one.layers) for one in found] == [(7, ("py",))]
    without = compare_stacks(offered("a"), offered("b")).downloads
    assert [one.update for one in without] == [100]
