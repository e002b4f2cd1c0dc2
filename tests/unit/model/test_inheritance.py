from __future__ import annotations

import pytest

from venvstacks.model.inheritance import inherit_package_indexes

CASES = {
    # claims of the layer and of those below, overrides, indexes of the packages, conflicting packages
    "nothing": ([{}], {}, {}, []),
    "own": ([{"torch": "cpu"}], {}, {"torch": "cpu"}, []),
    "inherited": ([{}, {"torch": "cpu"}], {}, {"torch": "cpu"}, []),
    "agreed": ([{"torch": "cpu"}, {"torch": "cpu"}], {}, {"torch": "cpu"}, []),
    "different packages": ([{"a": "x"}, {"b": "y"}], {}, {"a": "x", "b": "y"}, []),
    "conflict": ([{"torch": "cpu"}, {"torch": "gpu"}], {}, None, ["torch"]),
    "lower one overridden": ([{"torch": "cpu"}, {"torch": "gpu"}], {"gpu": "cpu"}, {"torch": "cpu"}, []),
    "upper one overridden": ([{"torch": "cpu"}, {"torch": "gpu"}], {"cpu": "gpu"}, {"torch": "gpu"}, []),
    "override of something else": ([{"torch": "cpu"}, {"torch": "gpu"}], {"other": "gpu"}, None, ["torch"]),
    "override without a conflict": ([{"torch": "cpu"}], {"cpu": "gpu"}, {"torch": "cpu"}, []),
    "three, two overridden": ([{"p": "a"}, {"p": "b"}, {"p": "c"}], {"a": "c", "b": "c"}, {"p": "c"}, []),
    "overrides in a chain": ([{"p": "a"}, {"p": "b"}, {"p": "c"}], {"a": "b", "b": "c"}, {"p": "c"}, []),
    "both taken from a third": ([{"p": "a"}, {"p": "b"}], {"a": "c", "b": "c"}, {"p": "c"}, []),
    "overrides in a circle": ([{"p": "a"}, {"p": "b"}], {"a": "b", "b": "a"}, None, ["p"]),
}


@pytest.mark.parametrize(("claims", "overrides", "expected", "conflicting"), CASES.values(), ids=list(CASES))
def test_inheritance(
    claims: list[dict[str, str]],
    overrides: dict[str, str],
    expected: dict[str, str] | None,
    conflicting: list[str],
) -> None:
    named = [(f"layer{number}", claim) for number, claim in enumerate(claims)]
    merged, conflicts = inherit_package_indexes(named, overrides)
    assert [conflict.package for conflict in conflicts] == conflicting
    if expected is not None:
        assert merged == expected


def test_a_conflict_names_layers_and_indexes() -> None:
    _, (conflict,) = inherit_package_indexes([("app", {"torch": "cpu"}), ("fw", {"torch": "gpu"})], {})
    assert (conflict.package, conflict.first, conflict.second) == ("torch", ("app", "cpu"), ("fw", "gpu"))
