from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.flat.comparing import differences, unanswered
from benchmarks.flat.distributions import GROUPS, group_requirements
from benchmarks.flat.splitting import LAYERS, direct_needs, specification, split

NAMES = [f"p{number}" for number in range(12)]
graphs = st.fixed_dictionaries({name: st.sets(st.sampled_from(NAMES), max_size=3) for name in NAMES})


@given(graphs, st.text(max_size=4))
def test_no_layer_needs_one_above_it(needs: dict[str, set[str]], seed: str) -> None:
    layers = split(needs, seed)
    assert sorted(name for names in layers.values() for name in names) == sorted(NAMES)
    height = {name: number for number, layer in enumerate(LAYERS) for name in layers[layer]}
    assert all(height[need] <= height[name] for name in NAMES for need in needs[name])
    assert split(needs, seed) == layers


def test_needs_under_any_marker_or_extra_count() -> None:
    found = direct_needs({"a": ['B; extra == "x"', "c.d>1; sys_platform == 'win32'", "unknown"], "b": [], "c-d": []})
    assert found == {"a": {"b", "c-d"}, "b": set(), "c-d": set()}


def test_the_specification_pins_every_package_once() -> None:
    layers = {"low": ["a"], "middle": ["b"], "app": ["c"]}
    tables = tomllib.loads(specification(layers, {"a": "1", "b": "2", "c": "3"}, "3.11.7"))
    assert [table["requirements"] for table in tables["frameworks"]] == [["a==1"], ["b==2"]]
    assert tables["applications"][0]["requirements"] == ["c==3"]


def test_every_difference_is_a_line_and_equal_answers_are_none() -> None:
    flat = {"a": {"b": 1, "same": [1]}, "list": ["x", "y"], "gone": "z"}
    layered = {"a": {"b": 2, "same": [1]}, "list": ["y", "w"]}
    assert list(differences(flat, layered)) == [
        "a.b: 1 -> 2",
        "gone: 'z' -> None",
        "list: x only flat",
        "list: w only in layers",
    ]
    assert list(differences(flat, flat)) == []


def test_a_probe_that_ended_early_has_not_answered() -> None:
    assert unanswered({"ended": "with -11"})
    assert unanswered({"not answered": "Killed"})
    assert not unanswered({"version": "1", "imports": {"a": "ImportError: ended"}})


def test_at_least_three_hundred_distributions_are_named() -> None:
    assert len({name for group in GROUPS for name in group_requirements(group)}) >= 300
