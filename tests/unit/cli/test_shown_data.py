"""What `show` has of a stack as data, in the form that the original gives it."""

from __future__ import annotations

from tests.support.specifications import application, framework, runtime, stack_of
from venvstacks.cli.show_output import Shown, render_tree, stack_data, stack_tree
from venvstacks.reasons import Reason

STACK = stack_of(
    runtime() + framework("fw", versioned=True) + application("on", "fw") + application("off", "fw", platforms=[])
)


def shown(**deployed: str) -> Shown:
    chosen = tuple(layer.env_name for layer in STACK.layers)
    names = {f"framework-{name}": target for name, target in deployed.items()}
    return Shown(STACK, chosen, {} if names else {"framework-fw": (Reason("missing output", "lock file"),)}, names)


def test_versions_that_no_lock_says_yet_are_question_marks() -> None:
    (entry,) = stack_data(shown(), "venvstacks.toml")["frameworks"]
    assert entry == {
        "name": "framework-fw",
        "install_target": "framework-fw@???",
        "has_valid_lock": False,
        "selected_operations": None,
        "dependencies": [
            {"name": "py", "install_target": "py", "has_valid_lock": True, "selected_operations": None},
        ],
    }
    assert "*framework-fw -> framework-fw@???" in render_tree("", stack_tree(shown()))
    (locked,) = stack_data(shown(fw="framework-fw@3"), "venvstacks.toml")["frameworks"]
    assert (locked["install_target"], locked["has_valid_lock"]) == ("framework-fw@3", True)


def test_layers_for_no_platform_have_no_valid_lock() -> None:
    data = stack_data(shown(fw="framework-fw@3"), "venvstacks.toml")
    assert [(entry["name"], entry["has_valid_lock"]) for entry in data["applications"]] == [
        ("app-on", True),
        ("app-off", False),
    ]
    assert data["venvstacks"]["layers"]["app-off"]["platforms"] == []
