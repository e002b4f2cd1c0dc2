"""Every field of a layer: what it takes, and what is said where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.specifications import (
    APPLICATION,
    FRAMEWORK,
    RUNTIME,
    SMALL,
    SOURCE,
    faults_of,
    runtime,
    stack_of,
    the_fault_of,
)
from venvstacks.model.platforms import PLATFORMS
from venvstacks.model.stack import Layer, Stack


def app_with(line: str) -> str:
    """The small stack, with this line added to its application as line 14."""
    return f"{SMALL}{line}\n"


def app_of(text: str, **surroundings: Any) -> Layer:
    return stack_of(text, **surroundings).by_env_name["app-app"]


TAKEN: dict[str, tuple[str, str, object]] = {
    "platforms": ('platforms = ["linux_x86_64"]', "platforms", (PLATFORMS["linux_x86_64"],)),
    "platforms in another order": (
        'platforms = ["macosx_arm64", "win_amd64"]',
        "platforms",
        (PLATFORMS["win_amd64"], PLATFORMS["macosx_arm64"]),
    ),
    "no platforms": ("platforms = []", "platforms", ()),
    "all platforms": ("", "platforms", tuple(PLATFORMS.values())),
    "versioned": ("versioned = true", "versioned", True),
    "unversioned": ("", "versioned", False),
    "glibc": ('linux_target = "glibc@2.34"', "glibc", "2.34"),
    "default glibc": ('linux_target = "glibc"', "glibc", "2.28"),
    "no glibc": ("", "glibc", "2.28"),
    "macOS": ('macosx_target = "14.2"', "macos", "14.2"),
    "macOS in three parts": ('macosx_target = "13.1.2"', "macos", "13.1"),
    "whole macOS": ('macosx_target = "14"', "macos", "14.0"),
    "default macOS": ("", "macos", "13.0"),
    "dynlib_exclude": ('dynlib_exclude = ["**/libx.so*"]', "dynlib_exclude", ("**/libx.so*",)),
    "launch_module": ("", "launch.module", "launch"),
    "support module": ('support_modules = ["a/one.py", "two"]', "support.0.module", "one"),
    "support package": ('support_modules = ["a/one.py", "two"]', "support.1.module", "two"),
    "module with a hyphen": ('support_modules = ["a-b.py"]', "support.0.module", "a-b"),
    "module with a digit first": ('support_modules = ["1app.py"]', "support.0.module", "1app"),
    "package with a hyphen": ('support_modules = ["my-pkg"]', "support.0.module", "my-pkg"),
    "a file of data": ('support_modules = ["data.txt"]', "support.0.module", "data"),
    "an absolute path": ('support_modules = ["/opt/a.py"]', "support.0.path", "/opt/a.py"),
    "a platform twice": ('platforms = ["win_arm64", "win_arm64"]', "platforms.0.name", "win_arm64"),
    "a path is normalised": ('support_modules = ["./a/../b/two/"]', "support.0.path", "b/two"),
    "requirements": ("", "requirements", ()),
}


@pytest.mark.parametrize(("line", "attribute", "expected"), TAKEN.values(), ids=list(TAKEN))
def test_taken(line: str, attribute: str, expected: object) -> None:
    value: Any = app_of(app_with(line))
    for part in attribute.split("."):
        value = value[int(part)] if part.isdecimal() else getattr(value, part)
    assert value == expected


REFUSED: dict[str, tuple[str, str]] = {
    "unknown platform": ('platforms = ["linux"]', "'linux' is not a target platform"),
    "platforms not a list": ('platforms = "win_arm64"', "must be an array"),
    "versioned not a truth value": ('versioned = "yes"', "must be true or false"),
    "other libc": ('linux_target = "musl@1.2"', "is not of the form 'glibc' or 'glibc@X.Y'"),
    "endless glibc": (f'linux_target = "glibc@2.{"9" * 5000}"', "is not of the form"),
    "endless macOS": (f'macosx_target = "1{"9" * 5000}"', "is not a macOS version"),
    "glibc without a version": ('linux_target = "glibc@"', "is not of the form"),
    "macOS with a name": ('macosx_target = "13.x"', "is not a macOS version"),
    "macOS as a number": ("macosx_target = 13.0", "must be a string"),
    "dynlib_exclude not strings": ("dynlib_exclude = [1]", "must be a string"),
    "package_indexes not a table": ('package_indexes = ["a"]', "must be a table"),
    "package_indexes unknown": ('package_indexes = { a = "b" }', "'b' is not a named index"),
    "index_overrides not strings": ("index_overrides = { a = 1 }", "must be a string"),
    "priority_indexes unknown": ('priority_indexes = ["b"]', "'b' is not a named index"),
    "support module with backslashes": ("support_modules = ['a\\b.py']", "with forward slashes"),
    "support module nameless": ('support_modules = [""]', "names no file or folder"),
    "support module above": ('support_modules = [".."]', "names no file or folder"),
    "support module of a long name": (f'support_modules = ["{"a" * 256}"]', "too long for a file"),
    "one package, two spellings": (
        'package_indexes = { Torch = "i1", torch = "i2" }',
        "'Torch' and 'torch' are the same distribution",
    ),
}


@pytest.mark.parametrize(("line", "message"), REFUSED.values(), ids=list(REFUSED))
def test_refused(line: str, message: str) -> None:
    key = line.partition(" ")[0]
    fault = the_fault_of(app_with(line))
    assert message in fault.message
    assert (fault.line, fault.layer) == (14, "app")
    assert fault.key is not None
    assert fault.key.partition(".")[0] == key


def test_refused_with_both_bases() -> None:
    fault = the_fault_of(app_with('runtime = "py"'))
    assert fault.message == "exactly one of 'runtime' and 'frameworks' must be given"
    assert (fault.line, fault.layer, fault.key) == (9, "app", None)


@pytest.mark.parametrize("name", ["cpython@3.11", "a", "A.b", "grenouille-é", "x_y", "1", "_a", "a b", "a$b", "app-a"])
def test_names(name: str) -> None:
    assert stack_of(runtime(name)).layers[0].env_name == name


@pytest.mark.parametrize(
    "name",
    ["", " ", ".a", "-a", "a.", " a", "a ", "a/b", "a\\b", "a:b", "a*", "a=b", "a[1]", "a%", "a\tb", "a{b}", "a|b"],
)
def test_names_refused(name: str) -> None:
    fault = the_fault_of(runtime(name))
    assert "cannot name a layer" in fault.message
    assert (fault.line, fault.key) == (2, "name")


def test_a_name_that_no_file_could_have() -> None:
    assert stack_of(runtime("é" * 75)).layers[0].env_name == "é" * 75
    fault = the_fault_of(runtime("é" * 76))
    assert fault.message == f"'{'é' * 40}...' is too long to name a layer"
    assert (fault.line, fault.key) == (2, "name")


@pytest.mark.parametrize(
    ("requirement", "message"),
    [
        ("numpy>=1.2,<3; python_version < '4'", None),
        ("httpx[http2] ~= 0.28", None),
        ("numpy==", "is not a requirement (PEP 508)"),
        ("-r other.txt", "is not a requirement (PEP 508)"),
        ("frog @ https://example.invalid/frog-1.0-py3-none-any.whl", None),
        (
            f"Frog[legs] @ https://u:p@h.invalid/a/frog-1.0%2Bx-py3-none-any.whl#sha256={'0' * 64} ; os_name == 'nt'",
            None,
        ),
        ("frog @ file:wheels/frog-1.0-py3-none-any.whl", None),
        ("frog @ https://example.invalid/frog-1.0.tar.gz", None),
        ("frog @ git+https://example.invalid/frog@v1", None),
        ("frog @ git+ftp://example.invalid/frog", "is not the URL of a git repository"),
        ("frog @ ftp://example.invalid/frog.tar.gz", "is not an https or http URL"),
        ("numpy @ https://example.invalid/numpy.whl", "no wheel: "),
        ("frog @ https://example.invalid/newt-1.0-py3-none-any.whl", "names a wheel of 'newt'"),
        ("frog @ https://example.invalid/frog-1.0-py3-none-any.whl#md5=00", "something else than '#sha256="),
    ],
)
def test_requirements(requirement: str, message: str | None) -> None:
    text = runtime(requirements=[requirement])
    if message is None:
        assert stack_of(text).layers[0].requirements == (requirement,)
    else:
        fault = the_fault_of(text)
        assert message in fault.message
        assert (fault.line, fault.layer, fault.key) == (4, "py", "requirements")


@pytest.mark.parametrize("key", ["name", "requirements", "python_implementation"])
def test_required_keys_of_runtimes(key: str) -> None:
    text = "\n".join(line for line in RUNTIME.splitlines() if not line.startswith(key))
    fault = the_fault_of(text)
    assert (fault.message, fault.key, fault.line) == ("this key is required", key, 1)
    assert fault.layer == ("runtimes[0]" if key == "name" else "py")


def test_launch_modules_are_required() -> None:
    fault = the_fault_of(SMALL.replace('launch_module = "launch.py"\n', ""))
    message = "exactly one of 'launch_module' and 'launch' must be given"
    assert (fault.message, fault.layer, fault.line) == (message, "app", fault.line)


@pytest.mark.parametrize("field", ['frameworks = ["fw"]', "frameworks = []"])
def test_something_must_be_below(field: str) -> None:
    emptied = APPLICATION.replace('frameworks = ["fw"]', field if field.endswith("[]") else "")
    fault = the_fault_of(RUNTIME + FRAMEWORK + emptied)
    assert ("is empty" if field.endswith("[]") else "exactly one of") in fault.message


def test_frameworks_named_twice() -> None:
    fault = the_fault_of(SMALL.replace('["fw"]', '["fw", "fw"]'))
    assert (fault.message, fault.key) == ("'fw' is named twice", "frameworks")


def test_macos_default_comes_from_the_environment() -> None:
    assert app_of(SMALL, macosx_deployment_target="12").macos == "12.0"
    assert app_of(app_with('macosx_target = "14.0"'), macosx_deployment_target="12").macos == "14.0"
    fault = the_fault_of(SMALL, macosx_deployment_target="Ventura")
    assert "MACOSX_DEPLOYMENT_TARGET is 'Ventura'" in fault.message
    assert fault.line is None


def test_targets_are_each_layers_own_and_those_of_lower_layers_by_default() -> None:
    below = RUNTIME + 'linux_target = "glibc@2.39"\nmacosx_target = "15.5"\n'
    above = FRAMEWORK + 'linux_target = "glibc@2.17"\nmacosx_target = "12.1"\n'
    stack = stack_of(below + above + APPLICATION)
    assert {layer.env_name: (layer.glibc, layer.macos) for layer in stack.layers} == {
        "py": ("2.39", "15.5"),
        "framework-fw": ("2.17", "12.1"),
        "app-app": ("2.39", "15.5"),  # it runs nowhere else
    }
    assert stack.by_env_name["app-app"].targets_alone == {"glibc": "2.28", "macos": "13.0"}
    assert stack.by_env_name["framework-fw"].targets_alone == {}
    old = RUNTIME + 'linux_target = "glibc@2.17"\nmacosx_target = "9"\n'
    layers = stack_of(old + FRAMEWORK + APPLICATION).layers
    assert [(layer.glibc, layer.macos) for layer in layers[1:]] == [("2.28", "13.0")] * 2


SETTINGS = {
    "defaults": ("", "bytecode", "on-deploy"),
    "providers": ('runtime-providers = ["host", "archive"]', "runtime_providers", ("host", "archive")),
    "format": ('archive-format = "zip"', "archive_format", "zip"),
    "level": ("archive-level = 19", "archive_level", 19),
    "effort": ('compression = "small"', "compression", "small"),
    "effort as a number": ("compression = 7", "compression", 7),
    "bytecode": ('bytecode = "shipped"', "bytecode", "shipped"),
    "link mode": ('link-mode = "hardlink"', "link_mode", "hardlink"),
    "jobs": ("jobs = 4", "jobs", 4),
    "cache": ('cache = "../cache"', "cache", "../cache"),
}


@pytest.mark.parametrize(("line", "attribute", "expected"), SETTINGS.values(), ids=list(SETTINGS))
def test_settings(line: str, attribute: str, expected: object) -> None:
    stack: Stack = stack_of(f"[tool.venvstacks]\n{line}\n{RUNTIME}")
    assert getattr(stack.settings, attribute) == expected


@pytest.mark.parametrize(
    ("line", "key", "message"),
    [
        ('runtime-providers = ["conda"]', "runtime-providers", "'standalone', 'host' or 'archive'"),
        ("runtime-providers = []", "runtime-providers", "must not be empty"),
        ('archive-format = "rar"', "archive-format", "'tar.zst'"),
        ('archive-level = "high"', "archive-level", "must be a whole number"),
        ("compression = []", "compression", "[] is neither"),
        ("compression = true", "compression", "True is neither"),
        ("jobs = 0", "jobs", "greater than or equal to 1"),
        ("cache = 1", "cache", "must be a string"),
        ('runtime-archives = { "cpython" = {} }', "runtime-archives.cpython", "is not of the form"),
        (
            'runtime-archives."cpython@3.11.7".linux_x86_64 = { url = "http://[::1", sha256 = "%s" }' % ("a" * 64),
            "runtime-archives.cpython@3.11.7.linux_x86_64.url",
            "is no URL: Invalid IPv6 URL",
        ),
        (
            'runtime-archives = { "cpython@3.11.7" = { linux = { url = "a", sha256 = "b" } } }',
            "runtime-archives.cpython@3.11.7.linux",
            "is not a target platform",
        ),
    ],
)
def test_settings_refused(line: str, key: str, message: str) -> None:
    fault = next(fault for fault in faults_of(f"[tool.venvstacks]\n{line}\n{RUNTIME}") if message in fault.message)
    assert (fault.line, fault.key, fault.layer) == (2, f"tool.venvstacks.{key}", None)
    assert fault.describe(SOURCE).startswith(f"{SOURCE}:2: key 'tool.venvstacks.{key}': ")


def test_a_wrong_element_is_one_fault() -> None:
    fault = the_fault_of(f'[tool.venvstacks]\nruntime-providers = ["hots"]\n{RUNTIME}')
    assert fault.message == "'hots' is not one of 'standalone', 'host' or 'archive'"
