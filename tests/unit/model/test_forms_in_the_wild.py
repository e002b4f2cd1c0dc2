"""Forms that specifications of the original's users have: each is read, or refused with the reason and the way out."""

from __future__ import annotations

import pytest

from tests.support.specifications import RUNTIME, application, framework, runtime, stack_of, the_fault_of

TAKEN = {
    "layers in inline tables": (
        'runtimes = [\n    { name = "py", python_implementation = "cpython@3.12.13", requirements = [] },\n]\n',
        ["py"],
    ),
    "a name that begins like an environment's": (
        RUNTIME + framework("framework-x") + application("app-y", "framework-x"),
        ["py", "framework-framework-x", "app-app-y"],
    ),
    "a module above the specification": (RUNTIME + application("x", launch_module="../../main.py"), ["py", "app-x"]),
    "one platform and a whole macOS version": (
        runtime(platforms=["macosx_arm64"], macosx_target="14") + framework("mlx", macosx_target="14"),
        ["py", "framework-mlx"],
    ),
    "libraries to leave out": (
        RUNTIME + application("x", dynlib_exclude=["lib/liba.so"], requirements=["b==1.0rc4"]),
        ["py", "app-x"],
    ),
    "a wheel by its address": (
        runtime(requirements=[f"b @ https://host.invalid/b-1.0-py3-none-any.whl#sha256={'0' * 64}"]),
        ["py"],
    ),
    "commits of repositories, some of them short": (
        runtime(
            requirements=["b @ git+https://host.invalid/x/b@564281f", f"c @ git+https://host.invalid/c@{'a' * 40}"]
        ),
        ["py"],
    ),
}

REFUSED = {
    "a placeholder that a script would fill": (
        "b[serve] @ @WHEEL@",
        "names no source: '@WHEEL@' is not an https or http URL",
        "--local-wheels",
    ),
    "the address of a wheel alone": (
        "file:///srv/b-1.0-py3-none-any.whl",
        "is not a requirement (PEP 508)",
        "write its name before its address: 'b @ file:///srv/b-1.0-py3-none-any.whl'",
    ),
    "the path of a wheel alone": (
        "wheels/my_b-1.0-py3-none-any.whl",
        "is not a requirement (PEP 508)",
        "write its name before its address: 'my-b @ file:wheels/my_b-1.0-py3-none-any.whl'",
    ),
}


@pytest.mark.parametrize(("text", "names"), TAKEN.values(), ids=list(TAKEN))
def test_forms_that_are_read(text: str, names: list[str]) -> None:
    stack = stack_of(text)
    assert list(stack.by_env_name) == names
    assert stack.warnings == ()


@pytest.mark.parametrize(("requirement", "message", "hint"), REFUSED.values(), ids=list(REFUSED))
def test_forms_that_are_refused(requirement: str, message: str, hint: str) -> None:
    fault = the_fault_of(runtime(requirements=[requirement]))
    assert message in fault.message
    assert fault.hint is not None
    assert hint in fault.hint


@pytest.mark.parametrize("bare", ["file:///srv/b-1.0-py3-none-any.whl", "https://host.invalid/b-1.0-py3-none-any.whl"])
def test_the_hint_for_the_address_of_a_wheel_alone_helps(bare: str) -> None:
    hint = the_fault_of(runtime(requirements=[bare])).hint or ""
    written = hint.split("'")[1]
    assert stack_of(runtime(requirements=[written])).layers[0].requirements == (written,)
