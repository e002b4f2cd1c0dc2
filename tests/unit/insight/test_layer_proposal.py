"""Which requirements are proposed for a framework."""

from __future__ import annotations

from venvstacks.insight.layer_proposal import Resolved, propose_layers

MB = 1_000_000
RESOLVED = Resolved(
    needs={"torch": frozenset({"numpy", "typing"}), "scipy": frozenset({"numpy"}), "web": frozenset({"tiny"})},
    sizes={"torch": 80 * MB, "numpy": 16 * MB, "scipy": 35 * MB, "typing": 40_000, "web": 2 * MB, "tiny": 1000},
)


def test_what_is_large_goes_to_the_framework_with_what_it_brings() -> None:
    found = propose_layers({"desk": {"torch": ["torch>=2"], "scipy": ["scipy"], "web": ["web"]}}, RESOLVED)
    assert [(one.name, one.packages, one.size, one.chosen) for one in found.candidates] == [
        ("torch", 3, 96_040_000, True),
        ("scipy", 1, 35 * MB, True),
        ("web", 2, 2_001_000, False),
    ]
    assert found.total == 133_041_000
    assert [one.requirements for one in found.chosen] == [("torch>=2",), ("scipy",)]


def test_what_several_applications_share_goes_to_the_framework_too() -> None:
    required = {"desk": {"web": ["web>=1"], "torch": ["torch"]}, "shop": {"web": ["web<3"], "tiny": ["tiny"]}}
    web = next(one for one in propose_layers(required, RESOLVED).candidates if one.name == "web")
    assert (web.users, web.requirements, web.shared_size, web.chosen) == (
        ("desk", "shop"), ("web>=1", "web<3"), web.size, True,
    )  # fmt: skip


def test_small_and_unknown_things_stay_where_they_are() -> None:
    found = propose_layers({"desk": {"tiny": ["tiny"], "gone": ["gone"]}}, RESOLVED)
    assert (found.chosen, found.total) == ((), 1000)
    assert propose_layers({"desk": {}}, RESOLVED).candidates == ()


def test_what_needs_an_application_itself_stays_above_it() -> None:
    needs = {"plugin": frozenset({"desk", "torch"})}
    resolved = Resolved(needs, {"plugin": 30 * MB, "desk": MB, "torch": 80 * MB})
    found = propose_layers({"desk": {"plugin": ["plugin"], "torch": ["torch"]}}, resolved)
    assert [one.name for one in found.chosen] == ["torch"]
