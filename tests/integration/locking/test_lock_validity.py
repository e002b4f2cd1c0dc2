"""When locks hold and when they do not, and what is said about it."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from tests.integration.locking.conftest import Bench
from tests.support.locked_layers import framework, runtime, tools_for
from venvstacks.actions.locking.attempts import AS_IT_IS, Attempt, Conditions, UvRuns
from venvstacks.actions.locking.lock import lock_layer
from venvstacks.errors import StaleLockError
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.tools.uv_failures import UvFailure


def test_a_changed_lower_lock_is_reported_by_the_packages_that_matter(bench: Bench) -> None:
    base, upper = runtime("base", ["beta==1.0"]), framework("upper", ["alpha"], runtime("base", ["beta==1.0"]))
    bench.lock(base)
    bench.lock(upper)
    bench.lock(runtime("base", ["beta"]), ignore_pins=True)
    assert [str(reason) for reason in bench.reasons(upper)] == [
        "changed input: lock of layer base: beta 1.0 -> beta 2.0"
    ]
    with pytest.raises(StaleLockError) as caught:
        bench.lock(upper, policy="require-valid")
    assert caught.value.details == ("changed input: lock of layer base: beta 1.0 -> beta 2.0",)


def test_a_fresh_clone_needs_neither_process_nor_task_state(bench: Bench) -> None:
    base = runtime("base", ["beta"])
    layers = [base, framework("upper", ["alpha"], base, versioned=True)]
    for layer in layers:
        bench.lock(layer)
    clone = Bench(bench.base.parent / "clone" / "deep" / "spec")
    for folder in ("requirements", "wheelhouse"):
        shutil.copytree(bench.base / folder, clone.base / folder)
    tools = tools_for(clone.base)
    for layer in layers:
        assert not lock_layer(clone.request(layer, policy="require-valid"), tools).resolved
    assert tools.processes.started == 0
    assert sorted(path.name for path in clone.base.iterdir()) == ["requirements", "wheelhouse"]


def test_a_lock_with_merge_conflicts_is_refused_and_locked_again_with_our_pins(bench: Bench) -> None:
    layer = runtime("base", ["beta"])
    bench.lock(layer)
    bench.wheel("beta", "3.0")
    paths = bench.paths(layer)
    text = paths.lock.read_text()
    paths.lock.write_text(
        text.replace('version = "2.0"', '<<<<<<< HEAD\nversion = "2.0"\n=======\nversion = "3.0"\n>>>>>>> x')
    )
    with pytest.raises(StaleLockError, match="was damaged or edited") as caught:
        bench.lock(layer, policy="require-valid")
    assert caught.value.details == ("invalid record: the lock file holds merge-conflict markers",)
    assert "restore its files from version control" in (caught.value.hint or "")
    bench.lock(layer, policy="if-needed")
    assert paths.lock.read_text() == text


def test_metadata_with_merge_conflicts_does_not_give_a_number_twice(bench: Bench) -> None:
    layer = replace(runtime("base", ["beta"]), versioned=True)
    bench.lock(layer)
    paths = bench.paths(layer)
    both = '<<<<<<< HEAD\n  "lock_version": 2,\n=======\n  "lock_version": 3,\n>>>>>>> x\n'
    paths.metadata.write_text(paths.metadata.read_text().replace('  "lock_version": 1,\n', both))
    assert [reason.kind for reason in bench.reasons(layer)] == ["invalid record"]
    assert bench.lock(layer, policy="if-needed").metadata.lock_version == 4


def on_python(layer: Layer, version: str) -> Layer:
    return replace(layer, python=PythonImplementation("cpython", version))


def test_a_maintenance_release_of_python_leaves_a_lock_valid(bench: Bench) -> None:
    layer = runtime("base", ["alpha"])
    first = bench.lock(layer)
    for version in ("3.11.0", "3.11.9"):
        assert bench.reasons(on_python(layer, version)) == ()
        assert bench.lock(on_python(layer, version)).metadata == first.metadata
    assert [str(reason) for reason in bench.reasons(on_python(layer, "3.12.7"))] == [
        "changed setting: python: cpython@3.11 -> cpython@3.12.7"
    ]


def test_a_lock_that_depends_on_the_maintenance_release_is_for_that_one_alone(bench: Bench) -> None:
    bench.wheel("old", requires=["beta; python_full_version < '3.11.8'"])
    layer = runtime("base", ["old"])
    first = bench.lock(layer)
    assert first.after.requires_python == "==3.11.7"
    assert bench.reasons(layer) == ()
    newer = on_python(layer, "3.11.9")
    assert [str(reason) for reason in bench.reasons(newer)] == [
        "changed setting: python: cpython@3.11.7 -> cpython@3.11.9"
    ]
    assert {package.name for package in bench.lock(newer, policy="if-needed").after.packages} == {"old"}


def test_a_lock_whose_dependence_on_the_release_is_unknown_is_for_that_one_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = UvRuns.attempt

    def attempt(self: UvRuns, target: TargetPlatform, conditions: Conditions = AS_IT_IS) -> Attempt:
        return Attempt("", UvFailure("other", (), ())) if conditions.universal else real(self, target, conditions)

    monkeypatch.setattr(UvRuns, "attempt", attempt)
    assert bench.lock(runtime("base", ["beta"])).after.requires_python == "==3.11.7"


def test_locking_an_unchanged_layer_again_costs_less_than_from_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same packages need the same ones on other releases of Python: that is not resolved again."""
    runs: list[Conditions] = []
    original = UvRuns.attempt

    def attempt(self: UvRuns, target: TargetPlatform, conditions: Conditions = AS_IT_IS) -> Attempt:
        runs.append(conditions)
        return original(self, target, conditions)

    monkeypatch.setattr(UvRuns, "attempt", attempt)
    base = runtime("base", ["beta"])
    first = bench.lock(base)
    from_nothing = [conditions.universal for conditions in runs]
    runs.clear()
    again = bench.lock(base)
    assert again.after == first.after
    assert from_nothing.count(True) == 1
    assert [conditions.universal for conditions in runs] == [False] * (len(from_nothing) - 1)
    runs.clear()
    bench.lock(runtime("base", ["beta", "gamma"]))
    assert [conditions.universal for conditions in runs].count(True) == 1
