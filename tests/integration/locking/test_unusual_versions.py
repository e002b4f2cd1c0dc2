"""Local versions, epochs, pre-releases and post-releases: chosen as uv does, shared, and kept like all others."""

from __future__ import annotations

from pathlib import Path

from tests.support.locked_projects import StackOnDisk
from venvstacks.api import Request

SPECIFICATION = """\
[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
platforms = ["linux_x86_64"]
requirements = {lower}

[[frameworks]]
name = "pond"
runtime = "py"
requirements = ["newt"]

[tool.venvstacks]
runtime-providers = ["host"]
"""

CASES = [
    # versions that there are, what the runtime requires, what the layer above requires, what is locked
    (["1.0", "1.0+cpu"], "", ">=1.0", "1.0+cpu"),
    (["1.0+cu126"], "==1.0", "==1.0", "1.0+cu126"),
    (["1.0", "1.0+cpu", "1.0+cu126"], "==1.0+cpu", "==1.0+cpu", "1.0+cpu"),
    (["2024.1", "1!0.5"], ">=1!0", ">=1!0.1", "1!0.5"),
    (["2.0rc1", "1.5"], ">1", "<2", "1.5"),
    (["2.0rc1", "1.5"], ">=2.0rc1", ">=2.0rc1", "2.0rc1"),
    (["2.0.dev3"], "==2.*", "", "2.0.dev3"),
    (["1.0", "1.0.post2"], ">=1.0.post1", ">=1.0", "1.0.post2"),
]


def test_versions_are_chosen_as_uv_chooses_them(tmp_path: Path) -> None:
    names = {f"frog{number}": case for number, case in enumerate(CASES)}
    lower = [f"{name}{wanted}" for name, (_, wanted, _, _) in names.items()]
    stack = StackOnDisk.write(tmp_path / "spec", SPECIFICATION.format(lower=lower))
    for name, (versions, _, _, _) in names.items():
        for version in versions:
            stack.wheel(name, version)
    stack.wheel("newt", requires=[f"{name}{above}" for name, (_, _, above, _) in names.items()])
    stack.lock()
    locked = {name: version for name, (_, _, _, version) in names.items()}
    assert stack.versions("py") == locked
    assert stack.versions("framework-pond", shared=True) == locked
    assert stack.versions("framework-pond") == {"newt": "1.0"}
    before = stack.files()
    stack.run(Request(("lock",), renew_locks=True))
    assert stack.files() == before
