"""Small specifications for tests: text in, stacks or faults out, without a disk."""

from __future__ import annotations

import json
from typing import Any

import pytest

from venvstacks.errors import Fault, SpecificationError
from venvstacks.model.draft import parse_draft
from venvstacks.model.source_trees import SourceTree
from venvstacks.model.stack import Stack
from venvstacks.model.surroundings import Surroundings
from venvstacks.model.validation import resolve

SOURCE = "venvstacks.toml"

HOST = """\
[tool.venvstacks]
runtime-providers = ["host"]

"""

RUNTIME = """\
[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
requirements = []
"""

FRAMEWORK = """\
[[frameworks]]
name = "fw"
runtime = "py"
requirements = ["numpy"]
"""

APPLICATION = """\
[[applications]]
name = "app"
frameworks = ["fw"]
requirements = []
launch_module = "launch.py"
"""

SMALL = RUNTIME + FRAMEWORK + APPLICATION


def framework(name: str, *frameworks: str, **fields: Any) -> str:
    """A framework's table; on the runtime `py` unless it stands on frameworks. Fields are Python values."""
    base = {"frameworks": list(frameworks)} if frameworks else {"runtime": "py"}
    return _table("frameworks", {"name": name, "requirements": [], **base, **fields})


def application(name: str, *frameworks: str, **fields: Any) -> str:
    """An application's table."""
    base = {"frameworks": list(frameworks)} if frameworks else {"runtime": "py"}
    return _table("applications", {"name": name, "requirements": [], "launch_module": f"{name}.py", **base, **fields})


def runtime(name: str = "py", **fields: Any) -> str:
    """A runtime's table."""
    return _table("runtimes", {"name": name, "python_implementation": "cpython@3.11.7", "requirements": [], **fields})


def runtime_of_archive(
    url: str, sha256: str, *, platform: str = "linux_x86_64", version: str = "3.11.7", settings: str = ""
) -> str:
    """Settings, and a runtime's table, for a Python that is an archive; `settings` are further lines."""
    table = f'[tool.venvstacks.runtime-archives."cpython@{version}"]\n'
    archive = f"{table}{platform} = {_toml({'url': url, 'sha256': sha256})}\n\n"
    head = f'[tool.venvstacks]\nruntime-providers = ["archive"]\n{settings}\n'
    return head + archive + runtime(python_implementation=f"cpython@{version}", platforms=[platform])


def _table(array: str, fields: dict[str, Any]) -> str:
    return "".join([f"[[{array}]]\n", *(f"{key} = {_toml(value)}\n" for key, value in fields.items())])


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_toml(element) for element in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(key)} = {_toml(part)}' for key, part in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)


def stack_of(text: str, sources: dict[str, SourceTree | None] | None = None, **surroundings: Any) -> Stack:
    """The stack that `text` describes; modules that it names are there unless `sources` says otherwise."""
    draft = parse_draft(text, SOURCE)
    found = {path: module(path) for path in draft.module_paths} | (sources or {})
    return resolve(draft, Surroundings(sources=found, **surroundings))


def module(path: str) -> SourceTree:
    """A module as a reader would find it."""
    single = path.endswith(".py")
    return SourceTree(path, is_package=not single, files=("",) if single else ("__init__.py", "__main__.py"))


def faults_of(text: str, sources: dict[str, SourceTree | None] | None = None, **surroundings: Any) -> tuple[Fault, ...]:
    """All faults of a specification that must have some."""
    with pytest.raises(SpecificationError) as caught:
        stack_of(text, sources, **surroundings)
    return caught.value.faults


def the_fault_of(text: str, sources: dict[str, SourceTree | None] | None = None, **surroundings: Any) -> Fault:
    """The fault of a specification that must have exactly one."""
    faults = faults_of(text, sources, **surroundings)
    assert len(faults) == 1, "\n".join(fault.describe(SOURCE) for fault in faults)
    return faults[0]
