"""`--platform`: plans, keys and selections for other platforms than this machine's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.offline_stacks import PYTHON, SPEC, run, write_stack
from venvstacks.api import Options, Request, load_project, plan
from venvstacks.cli.run_report import RunReport
from venvstacks.errors import UsageError
from venvstacks.model.platforms import PLATFORMS

HOST = load_project(Path(__file__).parents[3] / "sample_project/venvstacks.toml").configuration.host


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    assert HOST
    spec = write_stack(tmp_path / "stack")
    spec.write_text(SPEC.replace('["linux_x86_64"]', f'["{HOST.name}", "win_amd64", "macosx_arm64"]'), "utf-8")
    return spec.parent


def test_a_plan_for_every_platform(stack: Path) -> None:
    report = stack / "report.json"
    planned = run("venvstacks", "plan", "--platform", "all", "--json", cwd=stack)
    assert (planned.returncode, planned.stderr) == (0, "")
    plans = json.loads(planned.stdout)["platforms"]
    assert [*plans] == [HOST.name if HOST else "", "win_amd64", "macosx_arm64"]
    shown = run("venvstacks", "publish", "--dry-run", "--report", report, *["--platform=all"], cwd=stack)
    assert "macosx_arm64:\n" in shown.stdout
    names = {task.name for task in RunReport.model_validate_json(report.read_bytes()).tasks}
    assert {"archive:py@win_amd64", "archive:app-hello@macosx_arm64"} <= names
    assert not [path for path in stack.iterdir() if path.name.startswith("_")]


def test_each_platform_has_a_key_and_folders_of_its_own(stack: Path) -> None:
    keys = run("venvstacks", "cache-key", "--platform", "win_amd64", "--platform", "macosx_arm64", cwd=stack)
    assert [line.split("-")[2] for line in keys.stdout.splitlines()] == ["win_amd64", "macosx_arm64"]
    paths = run("venvstacks", "cache-key", "--paths", "--platform", "win_amd64", cwd=stack).stdout
    assert "_build/win_amd64/.venvstacks/*" in paths.splitlines()


def test_only_layers_of_a_platform_are_shown(stack: Path) -> None:
    spec = stack / "venvstacks.toml"
    spec.write_text(spec.read_text("utf-8") + 'platforms = ["win_amd64"]\n', "utf-8")
    shown = run("venvstacks", "show", "--platform", "macosx_arm64", cwd=stack)
    assert "framework-base" in shown.stdout
    assert "app-hello" not in shown.stdout


CASES = {
    "no such platform": (["build", "--platform", "win_amd46"], 2, "did you mean 'win_amd64'?"),
    "a platform that no layer is made for": (["lock", "--platform", "linux_riscv64"], 2, "is not a target platform"),
    "several platforms in a trace": (
        ["build", "--platform", "all", "--trace", "trace.json"], 2, "a trace shows the run for one platform",
    ),
    "starting what this machine cannot start": (
        ["run", "--platform", "win_amd64", "hello"], 2, "emulators = { win_amd64 = [",
    ),
    "an export for another machine": (
        ["local-export", "--platform", "win_amd64"], 2, "publish for it: `venvstacks publish --platform win_amd64`",
    ),
    "why, without a run for that platform": (["why", "build:py", "--platform", "win_amd64"], 0, ""),
    "nothing of that platform to verify": (
        ["verify", "--platform", "win_amd64", "--platform", "macosx_arm64"], 2, "no selected layer is published",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_refusals(case: str, stack: Path) -> None:
    arguments, code, said = CASES[case]
    done = run("venvstacks", *arguments, cwd=stack)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_what_only_the_platform_itself_can_do_is_refused(stack: Path) -> None:
    spec = stack / "venvstacks.toml"
    spec.write_text(spec.read_text("utf-8").replace("[tool.venvstacks]", '[tool.venvstacks]\nbytecode = "shipped"'))
    done = run("venvstacks", "plan", "--platform", "win_amd64", cwd=stack)
    assert (done.returncode, "bytecode for win_amd64 cannot be compiled here" in done.stderr) == (2, True)
    project = load_project(spec, Options(platform="win_amd64"))
    assert not project.configuration.can_start
    assert project.configuration.tag_outputs


def test_windows_makes_layers_for_windows_alone(stack: Path) -> None:
    """Its files have no executable bits: a Python for Linux could not be started."""
    project = load_project(stack / "venvstacks.toml", Options(platform="macosx_arm64"))
    on_windows = replace(project.configuration, host=PLATFORMS["win_amd64"])
    with pytest.raises(UsageError, match="layers for macosx_arm64 cannot be made on Windows"):
        plan(replace(project, configuration=on_windows), Request(("build",)))
    on_arm = replace(project.on("win_amd64").configuration, host=PLATFORMS["win_arm64"])
    assert plan(replace(project.on("win_amd64"), configuration=on_arm), Request(("build",))).tasks
    assert plan(replace(project, configuration=on_windows), Request(("lock",))).tasks


def test_locking_says_for_which_platforms_there_is_no_such_python(stack: Path) -> None:
    spec = stack / "venvstacks.toml"
    spec.write_text(spec.read_text("utf-8").replace('"host"', '"standalone"').replace("macosx_arm64", "win_arm64"))
    done = run("venvstacks", "lock", "--include", "py", "--no-index", "--local-wheels", "wheels", cwd=stack)
    notes = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert (done.returncode, len(notes)) == (0, 1), done.stderr
    assert notes[0].startswith("note: layer 'py' cannot be built for win_arm64: ")
    assert "cpython@3.11.13" in notes[0]

    spec.write_text(spec.read_text("utf-8").replace(f"cpython@{PYTHON}", "cpython@3.11.99"))
    done = run("venvstacks", "lock", "--include", "py", "--no-index", "--local-wheels", "wheels", cwd=stack)
    (note,) = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert all(platform.name in note for platform in (HOST, PLATFORMS["win_amd64"], PLATFORMS["win_arm64"]) if platform)
