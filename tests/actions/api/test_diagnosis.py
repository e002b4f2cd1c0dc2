"""What `doctor` finds, in projects where one thing each is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.offline_stacks import SPEC, write_stack
from venvstacks.api.diagnosis import Finding, diagnose
from venvstacks.errors import UsageError
from venvstacks.graph.selection import Operation
from venvstacks.loading.options import Options
from venvstacks.loading.project import load_project
from venvstacks.model.runtime_needs import needs_glibc, needs_libraries
from venvstacks.planning.requests import Request, work_out
from venvstacks.records.tree_records import RuntimeRecord
from venvstacks.tools.files import write_atomically


def findings(spec: Path, **environment: str) -> dict[str, Finding]:
    variables = {"PATH": os.environ["PATH"], "VENVSTACKS_CACHE": str(spec.parent / "cache"), **environment}
    found = diagnose(load_project(spec, Options(), variables))
    return {one.subject: one for one in found}


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    place = write_stack(tmp_path / "stack")
    edit(place, SPEC, '["host"]', '["standalone"]')
    edit(place, place.read_text("utf-8"), '["linux_x86_64"]', '["linux_x86_64", "win_amd64"]')
    return place


def edit(place: Path, text: str, old: str, new: str) -> None:
    assert old in text
    place.write_text(text.replace(old, new), "utf-8")


def test_a_sound_project_is_in_order_and_stays_as_it_is(spec: Path) -> None:
    before = sorted(spec.parent.rglob("*"))
    found = findings(spec)
    assert {one.level for subject, one in found.items() if not subject.startswith("lock of")} <= {"ok", "warning"}
    assert "will come from standalone" in found["runtime py"].message
    assert found["lock of py"].hint == "run `venvstacks lock --if-needed`"
    assert found["build folder"].message.endswith("(does not exist yet)")
    assert found["uv"].message.startswith("uv ")
    assert sorted(spec.parent.rglob("*")) == before


def test_a_stack_for_other_machines_is_a_problem(spec: Path) -> None:
    edit(spec, spec.read_text("utf-8"), '["linux_x86_64", "win_amd64"]', '["win_amd64"]')
    found = findings(spec)
    if found["platform"].message.endswith("win_amd64"):
        pytest.skip("this machine is such a one")
    assert found["platform"].level == "problem"
    assert found["platform"].hint == "add it to `platforms`; the layers are for win_amd64"


def test_a_python_that_is_not_installed_is_a_problem(spec: Path) -> None:
    edit(spec, SPEC, "@3.11.7", "@3.11.99")
    found = findings(spec, PYENV_ROOT=str(spec.parent), PATH=str(spec.parent))["runtime py"]
    assert (found.level, found.message) == ("problem", "cpython@3.11.99 is not installed on this machine")


def test_a_python_that_needs_a_newer_system_than_is_promised_is_a_warning(spec: Path) -> None:
    facts = {"python": "cpython@3.11.7", "provider": "host", "build": "host", "digest": "d"}
    place = spec.parent / "_build/.venvstacks/runtime/py.json"
    lacking = needs_libraries(["libfrog.so.1"])
    for note, level in ((needs_glibc("2.36"), "warning"), (lacking, "warning"), (needs_glibc("2.17"), "ok")):
        record = RuntimeRecord(**facts, notes=("it needs libc", note))
        write_atomically(place, record.text())
        assert findings(spec)["runtime py"].level == level
    place.write_bytes(b"{")
    assert findings(spec)["runtimes"].level == "problem"


def test_a_damaged_state_is_a_problem(spec: Path) -> None:
    state = spec.parent / "_build/.venvstacks/state.db"
    state.parent.mkdir(parents=True)
    state.write_bytes(b"no database " * 1000)
    assert findings(spec)["state"].level == "problem"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_a_problem(spec: Path) -> None:
    (spec.parent / "_build").mkdir(mode=0o500)
    assert findings(spec)["build folder"].level == "problem"


def test_a_folder_that_is_a_file_is_a_problem_too(spec: Path) -> None:
    (spec.parent / "_artifacts").touch()
    assert findings(spec)["folder of archives"].level == "problem"


@pytest.mark.parametrize("operation", ["build", "publish", "export"])
def test_a_stack_for_other_machines_is_not_built_without_a_word(spec: Path, operation: Operation) -> None:
    edit(spec, spec.read_text("utf-8"), '["linux_x86_64", "win_amd64"]', '["win_arm64"]')
    project = load_project(spec, Options(), {})
    with pytest.raises(UsageError, match=r"no layer of venvstacks\.toml is for ") as caught:
        work_out(project, Request((operation,)))
    assert "the layers are for win_arm64" in (caught.value.hint or "")
    assert work_out(project, Request(("lock",))).graph.nodes
