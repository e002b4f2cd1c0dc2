"""Every field of the specification with a value that is taken and one that is refused with file, line, key and a hint.

What the fields mean in detail, alone and together, is tested in the other modules of this folder.
"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from tests.support.specifications import APPLICATION, FRAMEWORK, RUNTIME, SOURCE, framework, stack_of, the_fault_of
from venvstacks.errors import Fault
from venvstacks.model.platforms import PLATFORMS
from venvstacks.model.specification import SPECS, ToolSettings
from venvstacks.model.stack import Stack

Case = tuple[str, str, object, str, str]
"""A value that is taken, an attribute and what it becomes there; a value that is refused, and what is said."""

COMMON: dict[str, Case] = {
    "name": ('"other"', "name", "other", '"a/b"', "'a/b' cannot name a layer"),
    "requirements": ('["frog>1"]', "requirements", ("frog>1",), '["frog>"]', "'frog>' is not a requirement"),
    "requirements-from": (
        '[{ requirements = "reqs.txt" }]', "gathered.0.lines", ("toad",), '[{ requirements = "gone.txt" }]',
        "there is no file 'gone.txt'",
    ),
    "constraints-from": (
        '[{ lock = "uv.lock" }]', "constraints", ("newt==1.0",), '[{ lock = "Pipfile.lock" }]',
        "'Pipfile.lock' is none of uv.lock",
    ),
    "exclude": ('["Big_Data"]', "exclude", ("big-data",), '["a", "A"]', "'a' is named twice"),
    "overrides": ('["frog==1"]', "overrides", ("frog==1",), '["frog="]', "'frog=' is not a requirement"),
    "platforms": (
        '["linux_x86_64"]', "platforms", (PLATFORMS["linux_x86_64"],), '["linux"]', "'linux' is not a target platform"
    ),
    "versioned": ("true", "versioned", True, '"yes"', "must be true or false"),
    "linux_target": ('"glibc@2.34"', "glibc", "2.34", '"musl"', "'musl' is not of the form"),
    "macosx_target": ('"14.2"', "macos", "14.2", '"Sonoma"', "'Sonoma' is not a macOS version"),
    "dynlib_exclude": ('["**/libx.so"]', "dynlib_exclude", ("**/libx.so",), "[1]", "must be a string"),
    "dynlib_path": ("true", "dynlib_path", True, "1", "must be true or false"),
    "package_indexes": (
        '{ Frog = "cpu" }', "package_indexes", {"frog": "cpu"}, '{ frog = "tpu" }', "'tpu' is not a named index"
    ),
    "index_overrides": ('{ gpu = "cpu" }', "package_indexes", {}, '{ gpu = "tpu" }', "'tpu' is not a named index"),
    "priority_indexes": ('["gpu"]', "priority_indexes", ("gpu",), '["tpu"]', "'tpu' is not a named index"),
}  # fmt: skip
OWN: dict[tuple[str, str], Case] = {
    ("runtimes", "python_implementation"): (
        '"pypy@3.11.9"',
        "python.name",
        "pypy",
        '"cpython@3"',
        "'cpython@3' is not of the form",
    ),
    ("frameworks", "runtime"): ('"py"', "runtime.name", "py", '"pi"', "'pi' is not one of the runtimes"),
    ("frameworks", "frameworks"): ('["low"]', "frameworks.0.name", "low", '["lo"]', "'lo' is not one of"),
    ("applications", "runtime"): ('"py"', "frameworks", (), '"low"', "'low' is not one of the runtimes"),
    ("applications", "frameworks"): ('["fw"]', "frameworks.0.name", "fw", '["py"]', "'py' is not one of"),
    ("applications", "launch"): (
        '"a.b:c"',
        "launch_module",
        "_launch_app",
        "2",
        "must be a string, or a table of strings",
    ),
    ("applications", "launch_module"): ('"a/hop"', "launch.module", "hop", '".."', "names no file or folder"),
    ("applications", "desktop"): (
        '{ name = "Desk" }',
        "desktop.name",
        "Desk",
        '{ name = "Desk", icon = "/desk.svg" }',
        "is no icon",
    ),
    ("applications", "support_modules"): ('["b.py"]', "support.0.module", "b", '[".."]', "names no file or folder"),
}
LAYERS = {(array, key): case for array in SPECS for key, case in COMMON.items()} | OWN

ARCHIVE = '{{ "cpython@3.11.7" = {{ linux_x86_64 = {{ url = "py.tar", sha256 = "{}" }} }} }}'
SETTINGS: dict[str, Case] = {
    "runtime-providers": ('["host"]', "runtime_providers", ("host",), '["conda"]', "'standalone', 'host'"),
    "runtime-archives": (
        ARCHIVE.format("0" * 64), "runtime_archives.cpython@3.11.7.linux_x86_64.url", "py.tar", ARCHIVE.format("x"),
        "should match pattern",
    ),
    "archive-format": ('"zip"', "archive_format", "zip", '"rar"', "'tar.zst'"),
    "compression": ('"small"', "compression", "small", "1.5", "is neither 'fast', 'balanced' or 'small'"),
    "archive-level": ("3", "archive_level", 3, '"high"', "must be a whole number"),
    "release": ('"2.4.1"', "release", "2.4.1", "2.4", "must be a string"),
    "sbom": ("true", "sbom", True, '"spdx"', "must be true or false"),
    "provenance": ("true", "provenance", True, '"slsa"', "must be true or false"),
    "builder": ('"https://ci.example"', "builder", "https://ci.example", "7", "must be a string"),
    "link-mode": ('"copy"', "link_mode", "copy", '"symlink"', "'clone', 'copy' or 'hardlink'"),
    "emulators": (
        '{ linux_aarch64 = ["qemu-aarch64", "-L", "/x"] }', "emulators.linux_aarch64", ("qemu-aarch64", "-L", "/x"),
        "{ linux_aarch64 = [] }", "must not be empty",
    ),
    "bytecode": ('"none"', "bytecode", "none", "true", "'on-deploy', 'shipped' or 'none'"),
    "jobs": ("4", "jobs", 4, "0", "greater than or equal to 1"),
    "cache": ('"../cache"', "cache", "../cache", "[]", "must be a string"),
    "remote-cache": (
        '{ url = "../store", push = true }', "remote_cache.url", "../store", '{ url = "https://me:pw@host/" }',
        "credentials do not belong into a specification",
    ),
    "align-versions": ("true", "align_versions", True, "1", "must be true or false"),
    "check-headers": ("true", "check_headers", True, '"no"', "must be true or false"),
    "check-imports": ("false", "check_imports", False, '"no"', "must be true or false"),
    "scripts": ("false", "scripts", False, '"no"', "must be true or false"),
}  # fmt: skip
UV: dict[str, Case] = {
    "index": ('[{ name = "a", url = "b" }]', "index.0.url", "b", '[{ name = "a" }]', "an index needs a 'url'"),
    "sources": (
        "{ frog = [] }", "sources.frog", [], "{ frog = { tag = 'g' } }", "exactly one of index, path, git"
    ),
    "exclude-newer": ('"2026-01-31"', "exclude-newer", "2026-01-31", "7", "must be a string or a date"),
    "override-dependencies": ('["a==1"]', "override-dependencies", ["a==1"], '"a"', "must be an array of strings"),
    "find-links": ('["links"]', "find-links", ["links"], "[1]", "must be an array of strings"),
    "no-index": ("true", "no-index", True, '"yes"', "must be true or false"),
}  # fmt: skip

FILES = {
    "reqs.txt": "toad\n",
    "uv.lock": 'version = 1\n[[package]]\nname = "newt"\nversion = "1.0"\nsource = { registry = "r" }\n',
}
INDEXES = '[[tool.uv.index]]\nname = "cpu"\nurl = "u"\n[[tool.uv.index]]\nname = "gpu"\nurl = "u"\n'
BELOW = {"runtimes": "", "frameworks": RUNTIME + framework("low"), "applications": RUNTIME + FRAMEWORK}
OTHER_BASE = {
    "runtime": "frameworks", "frameworks": "runtime", "launch": "launch_module", "launch_module": "launch"
}  # fmt: skip


def layer_with(array: str, key: str, value: str) -> tuple[str, int]:
    """A small stack whose last layer has one key set, and the line of that key."""
    table = {"runtimes": RUNTIME, "frameworks": FRAMEWORK, "applications": APPLICATION}[array]
    dropped = {key, OTHER_BASE.get(key)}
    kept = [line for line in table.splitlines() if line.partition(" = ")[0] not in dropped]
    lines = [*BELOW[array].splitlines(), *kept, f"{key} = {value}"]
    return "\n".join([*lines, INDEXES]), len(lines)


def setting_with(table: str, key: str, value: str) -> tuple[str, int]:
    return f"[tool.{table}]\n{key} = {value}\n{RUNTIME}", 2


def attribute(value: Any, path: str) -> object:
    """What a dotted path leads to; keys of tables may hold dots themselves."""
    while path:
        if isinstance(value, dict):
            part = next(key for key in value if path == key or path.startswith(f"{key}."))
            value = value[part]
        else:
            part = path.partition(".")[0]
            value = value[int(part)] if part.isdecimal() else getattr(value, part)
        path = path[len(part) + 1 :]
    return value


def stack_with(text: str) -> Stack:
    return stack_of(text, requirement_files=FILES)


def check_fault(fault: Fault, message: str, line: int, layer: str | None, key: str) -> None:
    """A fault names everything, in the attributes and in the line that people read."""
    assert message in fault.message
    assert (fault.line, fault.layer) == (line, layer)
    assert fault.key is not None
    assert fault.key == key or fault.key.startswith(f"{key}.")
    assert fault.hint
    about = f"layer '{layer}', " if layer else ""
    assert fault.describe(SOURCE) == f"{SOURCE}:{line}: {about}key '{fault.key}': {fault.message} ({fault.hint})"


def keys_of(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_no_field_is_missing_here() -> None:
    assert set(LAYERS) == {(array, key) for array, (_, model) in SPECS.items() for key in keys_of(model)}
    assert set(SETTINGS) == keys_of(ToolSettings)


@pytest.mark.parametrize(("array", "key"), LAYERS)
def test_layers(array: str, key: str) -> None:
    good, path, expected, bad, message = LAYERS[array, key]
    layer = stack_with(layer_with(array, key, good)[0]).layers[-1]
    assert attribute(layer, path) == expected
    text, line = layer_with(array, key, bad)
    name = "a/b" if key == "name" else layer.name
    check_fault(the_fault_of(text, requirement_files=FILES), message, line, name, key)


@pytest.mark.parametrize("key", SETTINGS)
def test_settings(key: str) -> None:
    good, path, expected, bad, message = SETTINGS[key]
    stack = stack_with(setting_with("venvstacks", key, good)[0])
    assert attribute(stack.settings, path) == expected
    text, line = setting_with("venvstacks", key, bad)
    check_fault(the_fault_of(text), message, line, None, f"tool.venvstacks.{key}")


@pytest.mark.parametrize("key", UV)
def test_settings_of_uv(key: str) -> None:
    good, path, expected, bad, message = UV[key]
    assert attribute(stack_with(setting_with("uv", key, good)[0]).uv, path) == expected
    text, line = setting_with("uv", key, bad)
    check_fault(the_fault_of(text), message, line, None, f"tool.uv.{key}")
