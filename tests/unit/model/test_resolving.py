"""The rules that only show between tables, with uv's settings and on disk."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.specifications import (
    APPLICATION,
    FRAMEWORK,
    RUNTIME,
    application,
    faults_of,
    framework,
    module,
    runtime,
    stack_of,
    the_fault_of,
)
from venvstacks.model.source_trees import SourceTree

INDEXES = "".join(
    f'[[tool.uv.index]]\nname = "{name}"\nurl = "https://{name}.invalid/simple"\n' for name in ("cpu", "gpu", "main")
)


def names_below(text: str, env_name: str) -> list[str]:
    return [layer.env_name for layer in stack_of(text).by_env_name[env_name].below]


def test_environment_names_and_order_of_layers() -> None:
    stack = stack_of(APPLICATION + FRAMEWORK + RUNTIME)
    assert list(stack.by_env_name) == ["py", "framework-fw", "app-app"]
    assert [layer.kind for layer in stack.layers] == ["runtime", "framework", "application"]


def test_layers_below() -> None:
    text = runtime() + framework("a") + framework("b", "a") + framework("c", "a") + application("x", "b", "c")
    assert names_below(text, "app-x") == ["framework-b", "framework-c", "framework-a", "py"]


def test_an_application_may_stand_on_a_runtime() -> None:
    assert names_below(runtime() + application("x"), "app-x") == ["py"]


@pytest.mark.parametrize(("versioned", "expected"), [(True, "app-x@3"), (False, "app-x")])
def test_deployed_names(*, versioned: bool, expected: str) -> None:
    stack = stack_of(runtime() + application("x", versioned=versioned))
    assert stack.by_env_name["app-x"].deployed_name(3) == expected


REFERENCES = {
    "unknown runtime": (runtime() + framework("a", runtime="pi"), "runtime", "'pi' is not one of the runtimes"),
    "unknown framework": (runtime() + application("x", "a"), "frameworks", "'a' is not one of the frameworks"),
    "a runtime as framework": (runtime() + application("x", "py"), "frameworks", "'py' is not one of the frameworks"),
    "declared later": (runtime() + framework("a", "b") + framework("b"), "frameworks", "declared later, in line"),
    "itself": (runtime() + framework("a", "a"), "frameworks", "'a' refers to itself"),
    "two runtimes": (
        runtime() + runtime("other") + framework("a") + framework("b", runtime="other") + application("x", "a", "b"),
        "frameworks",
        "must share one runtime, but here are 'a' on 'py', 'b' on 'other'",
    ),
    "no common order": (
        runtime() + framework("a") + framework("b") + framework("c", "a", "b") + framework("d", "b", "a")
        + application("x", "c", "d"),
        "frameworks",
        "no common order (C3 linearisation): 'a' before 'b'; 'b' before 'a'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key", "message"), REFERENCES.values(), ids=list(REFERENCES))
def test_broken_references(text: str, key: str, message: str) -> None:
    fault = the_fault_of(text)
    assert message in fault.message
    assert fault.key == key
    assert fault.line is not None
    assert text.splitlines()[fault.line - 1].startswith(f"{key} = ")


def test_references_to_faulty_layers_are_no_faults_of_their_own() -> None:
    text = runtime(requirements=["a b"]) + framework("a") + application("x", "a")
    assert "is not a requirement" in the_fault_of(text).message


def test_what_can_be_checked_above_a_faulty_layer_is_checked() -> None:
    text = runtime(requirements=["a b"]) + application("x", priority_indexes=["none"])
    assert [fault.layer for fault in faults_of(text, {"x.py": None})] == ["py", "x", "x"]


NAMES = {
    "same name and kind": (framework("a") + framework("a"), "the environment name 'framework-a' is taken by the layer"),
    "case alone": (framework("a") + framework("A"), "the environment name 'framework-A' is taken"),
    "runtime like an application": (
        application("a") + runtime("app-a"),
        "the environment name 'app-a' is taken by the layer",
    ),
    "deployed name": (
        application("a", versioned=True) + application("a@2", launch_module="b.py"),
        "'app-a@2' is what version 2 of layer 'a' is deployed as",
    ),
    "deployed name, declared before": (
        application("a@2", launch_module="b.py") + application("a", versioned=True),
        "'app-a@2' is what version 2 of layer 'a' is deployed as",
    ),
}


@pytest.mark.parametrize(("text", "message"), NAMES.values(), ids=list(NAMES))
def test_names_that_clash(text: str, message: str) -> None:
    fault = the_fault_of(runtime() + text)
    assert message in fault.message
    assert fault.key == "name"


@pytest.mark.parametrize(
    "text",
    [
        framework("a") + application("a"),
        framework("a", versioned=True) + application("a@2", launch_module="b.py"),
        application("a") + application("a@2", launch_module="b.py"),
        application("a", versioned=True) + application("a@2x", launch_module="b.py"),
    ],
)
def test_names_that_do_not_clash(text: str) -> None:
    assert stack_of(runtime() + text).layers


PLATFORMS_BELOW = ["linux_x86_64", "win_amd64"]


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        (None, ["linux_x86_64"], ["linux_x86_64"]),
        (PLATFORMS_BELOW, None, ["win_amd64", "linux_x86_64"]),
        (PLATFORMS_BELOW, ["win_amd64"], ["win_amd64"]),
        (PLATFORMS_BELOW, [], []),
        ([], None, []),
        ([], [], []),
    ],
)
def test_platforms_narrow_what_is_above(below: list[str] | None, above: list[str] | None, expected: list[str]) -> None:
    text = runtime(**_platforms(below)) + framework("a") + application("x", "a", **_platforms(above))
    assert [target.name for target in stack_of(text).by_env_name["app-x"].platforms] == expected


def _platforms(names: list[str] | None) -> dict[str, Any]:
    return {} if names is None else {"platforms": names}


def test_platforms_of_two_frameworks_are_what_both_have() -> None:
    text = runtime() + framework("a", platforms=["win_amd64", "linux_x86_64"])
    text += framework("b", platforms=["linux_x86_64", "macosx_arm64"]) + application("x", "a", "b")
    assert [target.name for target in stack_of(text).by_env_name["app-x"].platforms] == ["linux_x86_64"]


@pytest.mark.parametrize("below", [PLATFORMS_BELOW, []])
def test_a_platform_that_is_missing_below_is_a_fault(below: list[str]) -> None:
    text = runtime(platforms=below) + application("x", platforms=["macosx_arm64"])
    fault = the_fault_of(text)
    assert "'macosx_arm64' is not one that the layers below are made for: 'py' lacks it" in fault.message
    assert (fault.layer, fault.key) == ("x", "platforms")


def test_package_indexes_are_inherited() -> None:
    text = INDEXES + runtime() + framework("a", package_indexes={"Torch_Audio": "cpu"})
    text += application("x", "a", package_indexes={"numpy": "main"}, priority_indexes=["gpu"])
    layers = stack_of(text).by_env_name
    assert layers["app-x"].package_indexes == {"numpy": "main", "torch-audio": "cpu"}
    assert layers["app-x"].priority_indexes == ("gpu",)
    assert layers["framework-a"].priority_indexes == ()


TWO_WAYS = (
    INDEXES
    + runtime()
    + framework("a", package_indexes={"torch": "cpu"})
    + framework("b", package_indexes={"torch": "gpu"})
)


def test_inconsistent_inheritance_is_a_fault() -> None:
    fault = the_fault_of(TWO_WAYS + application("x", "a", "b"))
    assert fault.message == "'torch' comes from index 'cpu' in 'a' but from 'gpu' in 'b'"
    assert fault.hint == 'agree on one, or accept one: index_overrides = { "gpu" = "cpu" }'


@pytest.mark.parametrize(("overrides", "chosen"), [({"gpu": "cpu"}, "cpu"), ({"cpu": "gpu"}, "gpu")])
def test_an_override_accepts_it(overrides: dict[str, str], chosen: str) -> None:
    text = TWO_WAYS + application("x", "a", "b", index_overrides=overrides)
    assert stack_of(text).by_env_name["app-x"].package_indexes == {"torch": chosen}


def test_what_a_framework_has_accepted_is_settled_above_it() -> None:
    text = TWO_WAYS + framework("c", "a", "b", index_overrides={"gpu": "cpu"}) + application("x", "c")
    assert stack_of(text).by_env_name["app-x"].package_indexes == {"torch": "cpu"}


def test_overrides_name_known_indexes() -> None:
    faults = faults_of(TWO_WAYS + application("x", "a", index_overrides={"no": "cpu"}))
    assert [fault.message for fault in faults] == ["'no' is not a named index of uv's settings"]
    assert faults[0].hint == "named indexes: cpu, gpu, main"


EMPTY = SourceTree("pkg", is_package=True, files=())


@pytest.mark.parametrize(
    ("fields", "sources", "key", "message"),
    [
        ({"launch_module": "x.py"}, {"x.py": None}, "launch_module", "there is no file or folder 'x.py'"),
        ({"launch_module": "pkg"}, {"pkg": None}, "launch_module", "there is no file or folder 'pkg'"),
        ({"launch_module": "pkg"}, {"pkg": EMPTY}, "launch_module", "the folder 'pkg' holds no files"),
        ({"support_modules": ["y.py"]}, {"y.py": None}, "support_modules", "there is no file or folder 'y.py'"),
        ({"support_modules": ["lib/x"]}, {}, "support_modules", "two modules are called 'x': 'x.py' and 'lib/x'"),
        ({"support_modules": ["lib/X"]}, {}, "support_modules", "two modules are called 'X'"),
        ({"support_modules": ["a/y.py", "b/y.py"]}, {}, "support_modules", "two modules are called 'y'"),
    ],
)
def test_modules_on_disk(fields: dict[str, Any], sources: dict[str, SourceTree | None], key: str, message: str) -> None:
    fault = the_fault_of(runtime() + application("x", **fields), sources)
    assert message in fault.message
    assert (fault.layer, fault.key) == ("x", key)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (SourceTree("pkg", is_package=True, files=("__init__.py",)), "has no __main__.py"),
        (
            SourceTree("run.sh", is_package=False, files=("",)),
            "is neither a module file (name.py) nor a package folder",
        ),
        (SourceTree("my.pkg", is_package=True, files=("__main__.py",)), "is neither a module file"),
    ],
)
def test_what_python_cannot_start_is_taken_with_a_warning(source: SourceTree, reason: str) -> None:
    stack = stack_of(runtime() + application("x", launch_module=source.path), {source.path: source})
    assert [layer.launch for layer in stack.layers] == [None, source]
    (warning,) = stack.warnings
    assert f"layer 'x': `python -m {source.module}` will not start: '{source.path}' {reason}" in warning


def test_modules_become_sources() -> None:
    layer = stack_of(runtime() + application("x", launch_module="app/x", support_modules=["y.py"])).layers[-1]
    assert [source.module for source in layer.sources] == ["x", "y"]
    assert [source.file_paths for source in layer.sources] == [("app/x/__init__.py", "app/x/__main__.py"), ("y.py",)]
    assert layer.launch == module("app/x")


def test_a_stack_without_layers_is_described_as_such() -> None:
    assert "declares no layers" in stack_of("# nothing yet\n").warnings[0]


def test_a_misspelt_key_hides_no_other_fault() -> None:
    text = RUNTIME + '[[applications]]\nname = "app"\nruntime = "pi"\nrequirements = []\nlaunch_module = "none.py"\n'
    faults = faults_of(text + "version = true\n", sources={"none.py": None})
    assert {fault.key for fault in faults} == {"version", "launch_module", "runtime"}
