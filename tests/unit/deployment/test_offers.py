from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.offered_layers import layer
from venvstacks.deployment.offers import OfferedFile, OfferedLayer, check_offer
from venvstacks.errors import DeployError, UsageError
from venvstacks.model.platforms import PLATFORMS

LINUX, WINDOWS = PLATFORMS["linux_x86_64"], PLATFORMS["win_amd64"]


POND = layer("framework-pond")
REEDS = layer("framework-reeds", "framework-pond")
STACK = (
    layer("app-newt", "framework-reeds", "framework-pond"),
    REEDS,
    layer("app-frog", "framework-pond"),
    POND,
    layer("py"),
    layer("other-py"),
    layer("app-toad", runtime="other-py"),
)


@pytest.mark.parametrize(
    ("names", "closure"),
    [
        (["frog"], ["py", "framework-pond", "app-frog"]),
        (["app-frog"], ["py", "framework-pond", "app-frog"]),
        (["newt"], ["py", "framework-pond", "framework-reeds", "app-newt"]),
        (["toad"], ["other-py", "app-toad"]),
        (["frog", "newt", "frog"], ["py", "framework-pond", "app-frog", "framework-reeds", "app-newt"]),
        ([], []),
    ],
)
def test_the_closure_of_applications(names: list[str], closure: list[str]) -> None:
    offer = check_offer("here", STACK, LINUX)
    found = [one.target for one in offer.closure(names)]
    assert sorted(found) == sorted(closure)
    for place, target in enumerate(found):
        assert set(offer.layers[target].lower) <= set(found[:place]), "those below come first"


def test_unknown_applications() -> None:
    offer = check_offer("here", STACK, LINUX)
    assert list(offer.applications) == ["frog", "newt", "toad"]
    with pytest.raises(UsageError, match="here has no application 'pond'") as caught:
        offer.closure(["pond"])
    assert caught.value.hint == "it offers: frog, newt, toad"


FAULTS: list[tuple[OfferedLayer, str]] = [
    (layer("framework-x", platform="win_amd64"), "it is for win_amd64, and this machine is linux_x86_64"),
    (layer("framework-x", target="../x"), "not a plain relative path"),
    (layer("framework-x", target="a/x"), "not the name of a visible file"),
    (layer("framework-x", target=".x"), "not the name of a visible file"),
    (replace(layer("framework-x"), name="/x"), "not a plain relative path"),
    (layer("framework-x", archive=OfferedFile("../../x.tar.zst", 1, "a" * 64)), "not a plain relative path"),
    (layer("framework-x", archive=OfferedFile("x.tar.zst", -1, "a" * 64)), "no proper size or SHA-256"),
    (layer("framework-x", archive=OfferedFile("x.tar.zst", 1, "A" * 64)), "no proper size or SHA-256"),
    (layer("framework-x", files=OfferedFile("x", 1, "")), "no proper size or SHA-256"),
    (layer("framework-x", runtime="cpython"), "its runtime 'cpython' is missing"),
    (layer("framework-x", runtime="framework-pond"), "its runtime 'framework-pond' is missing"),
    (layer("framework-x", runtime=None), "a runtime needs no other runtime, and every other layer needs one"),
    (layer("py2", runtime="py"), "a runtime needs no other runtime, and every other layer needs one"),
    (layer("py2", "framework-pond"), "listed wrongly"),
    (layer("framework-x", "framework-lake"), "its framework 'framework-lake' is missing"),
    (layer("framework-x", "py"), "its framework 'py' is missing"),
    (layer("framework-x", "app-frog"), "its framework 'app-frog' is missing"),
    (layer("framework-x", "framework-pond", "framework-pond"), "listed wrongly"),
    (layer("framework-x", "framework-reeds"), "it does not list everything that 'framework-reeds' needs"),
    (layer("framework-x", "framework-x"), "it does not list everything that 'framework-x' needs"),
    (layer("framework-x", "framework-pond", runtime="other-py"), "everything that 'framework-pond' needs"),
    (layer("app-x", launch_module=None), "None is no launch module"),
    (layer("app-x", launch_module="x; rm"), "'x; rm' is no launch module"),
    (layer("app-x", launch_module="-c"), "'-c' is no launch module"),
    (layer("app-x", launch_module=".x"), "'.x' is no launch module"),
    (layer("framework-POND"), "framework-pond: listed twice"),
]


@pytest.mark.parametrize(("wrong", "says"), FAULTS, ids=[f"{number}" for number in range(len(FAULTS))])
def test_manifests_that_do_not_hold_together(wrong: OfferedLayer, says: str) -> None:
    with pytest.raises(DeployError, match="is not valid") as caught:
        check_offer("here", (*STACK, wrong), LINUX)
    assert says in "\n".join(caught.value.details)


def test_every_fault_is_reported() -> None:
    with pytest.raises(DeployError) as caught:
        check_offer("here", [layer("framework-x", runtime="a"), layer("app-y", runtime="b")], LINUX)
    assert caught.value.details == (
        "framework-x: its runtime 'a' is missing",
        "app-y: its runtime 'b' is missing",
    )


def test_circles_of_frameworks() -> None:
    circle = layer("framework-a", "framework-b"), layer("framework-b", "framework-a"), layer("py")
    with pytest.raises(DeployError) as caught:
        check_offer("here", circle, LINUX)
    assert len(caught.value.details) == 2


def test_names_that_windows_cannot_store() -> None:
    stack = [replace(one, platform="win_amd64") for one in (layer("py"), layer("framework-x", target="aux"))]
    with pytest.raises(DeployError) as caught:
        check_offer("here", stack, WINDOWS)
    assert caught.value.details == ("framework-x: 'aux' cannot be a file's name on Windows",)
