"""The venvstacks command and doit share tasks and state: what one built, the other finds up to date."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.offline_stacks import has_python, run, write_stack
from tests.support.specifications import framework, runtime

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not has_python(), reason="no CPython 3.11.7 to make a runtime of")]

DODO = """\
from venvstacks import Options, doit_config, doit_tasks
options = Options(local_wheels=("wheels",), use_index=False)
DOIT_CONFIG = doit_config({spec!r}, options)
def task_stack(): yield from doit_tasks({spec!r}, options)
"""

BUILD = ("--lock-if-needed", "--no-index", "--local-wheels", "wheels", "--publish")


@pytest.fixture(params=["beside", "above"])
def dodo(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A dodo.py next to the specification, or in the folder above."""
    spec = write_stack(tmp_path / "stack")
    folder = spec.parent if request.param == "beside" else tmp_path
    (folder / "dodo.py").write_text(DODO.format(spec=os.path.relpath(spec, folder)))
    return folder / "dodo.py"


def statuses(listing: str) -> dict[str, str]:
    """Letter by task of `doit list --all --status`, without groups."""
    rows = (line.split()[:2] for line in listing.splitlines())
    return {name: letter for letter, name in rows if ":" in name}


def venvstacks(tmp_path: Path, *arguments: str) -> str:
    done = run("venvstacks", "-v", *arguments, cwd=tmp_path / "stack")
    assert done.returncode == 0, done.stderr
    return done.stderr


def doit(dodo: Path, *arguments: str) -> str:
    done = run("doit", *arguments, cwd=dodo.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_the_command_built_doit_finds_up_to_date(
    dodo: Path, tmp_path: Path, check_golden: Callable[[str, str], None]
) -> None:
    venvstacks(tmp_path, "build", "venvstacks.toml", *BUILD)
    listing = doit(dodo, "list", "--all", "--status")
    check_golden("doit_list.txt", "\n".join(" ".join(line.split()) for line in listing.splitlines()) + "\n")
    found = statuses(listing)
    assert {name for name, letter in found.items() if letter == "R"} == {
        "export:app-hello", "export:framework-base", "export:py", "manifest:exports",
    }  # fmt: skip
    output = doit(dodo, "run", "-n", "2", "build", "link", "archive", "manifest:archives")
    assert "-- build:py" in output
    assert ".  " not in output, "nothing ran"
    (tmp_path / "stack" / "hello.py").write_text("print('changed')\n")
    reasons = run("doit", "info", "build:app-hello", cwd=dodo.parent).stdout
    assert "hello.py" in reasons


def test_what_doit_built_the_command_finds_up_to_date(dodo: Path, tmp_path: Path) -> None:
    output = doit(dodo, "run", "-n", "2", "archive", "manifest:archives")
    assert ".  build:py" in output
    said = venvstacks(tmp_path, "build", "venvstacks.toml", *BUILD)
    assert "16 up to date" in said
    assert "done" not in said
    doit(dodo, "forget", "link:app-hello")
    said = venvstacks(tmp_path, "build", "venvstacks.toml", *BUILD)
    assert "link:app-hello  (never run)" in said
    assert "1 done, 3 unaffected, 12 up to date" in said
    before = sorted((tmp_path / "stack").rglob("*"))
    doit(dodo, "clean", "lock")
    assert sorted((tmp_path / "stack").rglob("*")) == before, "nothing that users commit or share is cleaned away"


def test_doit_reports_a_wrong_specification_without_a_traceback(dodo: Path, tmp_path: Path) -> None:
    with (tmp_path / "stack" / "venvstacks.toml").open("a") as stream:
        stream.write('[[runtimes]]\nnme = "x"\n')
    done = run("doit", "list", cwd=dodo.parent)
    assert done.returncode == 3
    assert "nme" in done.stderr
    assert "Traceback" not in done.stderr


CONFLICT = (
    runtime(platforms=["linux_x86_64"])
    + framework("base", requirements=["frog"])
    + framework("upper", "base", requirements=["pond"])
)


def test_doit_says_which_command_adapts_layers(tmp_path: Path) -> None:
    """doit's tasks are fixed before they run, so the rounds of locking are the command's."""
    for name, version, needs in (("frog", "1.0", ()), ("frog", "2.0", ()), ("pond", "1.0", ("frog<2",))):
        make_wheel(tmp_path / "stack/wheels", name, version, requires=needs)
    (tmp_path / "stack/venvstacks.toml").write_text(CONFLICT)
    (tmp_path / "stack/dodo.py").write_text(DODO.format(spec="venvstacks.toml"))
    failed = run("doit", "lock", cwd=tmp_path / "stack")
    assert failed.returncode == 1
    said = failed.stdout + failed.stderr
    assert "Traceback" not in said
    assert "hint: run `venvstacks lock` for framework-base too, without --strict-layers: it adapts them; or" in said
    venvstacks(tmp_path, "lock", "--no-index", "--local-wheels", "wheels")
    again = doit(tmp_path / "stack/dodo.py", "lock")
    assert [line[:3] for line in again.splitlines() if "lock:" in line] == ["-- "] * 3
