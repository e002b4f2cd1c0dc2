"""The command as people and scripts meet it: exit codes, what goes where, help."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.offline_stacks import run, write_stack
from venvstacks.cli.run_report import RunReport

COMMANDS = (
    "init", "show", "lock", "build", "publish", "local-export", "plan", "why", "cache-key", "verify", "schema", "run",
)  # fmt: skip


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    return write_stack(tmp_path / "stack").parent


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help(command: str, tmp_path: Path, check_golden: Callable[[str, str], None]) -> None:
    done = run("venvstacks", *([command] if command else []), "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    check_golden(f"help_{command or 'all'}.txt", done.stdout)


@pytest.mark.parametrize("below", [".", "launch/deep"])
def test_the_specification_is_found_in_this_folder_or_above_it(stack: Path, below: str) -> None:
    (stack / below).mkdir(parents=True, exist_ok=True)
    shown = run("venvstacks", "show", cwd=stack / below)
    assert (shown.returncode, shown.stderr) == (0, "")
    named = run("venvstacks", "show", "venvstacks.toml", cwd=stack)
    assert shown.stdout.splitlines()[1:] == named.stdout.splitlines()[1:]
    for arguments in (["run", "helo"], ["run", "helo", "--", "-h"], ["run", "venvstacks.toml", "helo"]):
        folder = stack if "venvstacks.toml" in arguments else stack / below
        assert "applications: hello" in run("venvstacks", *arguments, cwd=folder).stderr


def test_without_a_specification_in_reach(tmp_path: Path) -> None:
    for arguments in (["build"], ["why", "lock:py"], ["run", "hello"]):
        done = run("venvstacks", *arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert "there is no venvstacks.toml in this folder or above it" in done.stderr
    assert run("venvstacks", "run", "-h", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(option: str, tmp_path: Path) -> None:
    done = run("venvstacks", option, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"\d+\.\d+\.\S+\n", done.stdout)
    assert run("venvstacks", "-q", option, cwd=tmp_path).stdout == done.stdout


def test_the_version_loads_next_to_nothing(tmp_path: Path) -> None:
    answer = "from venvstacks.cli import error_boundary; error_boundary.run_command_line(['-V'])"
    code = f"import sys; {answer}; print(sorted(sys.modules))"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout
    assert not {"typer", "pydantic", "rich", "doit", "venvstacks.api.runs"} & set(re.findall(r"'([^']+)'", output))


def test_commands_about_deployments_load_no_parser_of_all_commands(tmp_path: Path) -> None:
    answer = "code = error_boundary.run_command_line(['status', sys.argv[1]])"
    unwanted = "{'typer', 'pydantic', 'rich', 'doit', 'tuf'}"
    code = (
        f"import sys; from venvstacks.cli import error_boundary; {answer}; print(code, {unwanted} & {{*sys.modules}})"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "6 set()\n"
    assert "is not a deployment" in done.stderr


CASES = {
    "no such command": (["bild", "venvstacks.toml"], 2, "did you mean 'build'?"),
    "unknown option": (["build", "venvstacks.toml", "--jbs", "2"], 2, "--jbs"),
    "wrong number": (["build", "venvstacks.toml", "--jobs", "0"], 2, "--jobs"),
    "missing specification": (["build", "none.toml"], 3, "there is no such file"),
    "a folder": (["build", "."], 3, "this is a folder"),
    "a device": (["show", "/dev/zero"], 3, "it has more than 64 MiB"),
    "no such layer": (["build", "venvstacks.toml", "--include", "bse"], 2, "no environment matches 'bse'"),
    "no such application": (["run", "venvstacks.toml", "helo"], 2, "applications: hello"),
    "no such provider": (["plan", "venvstacks.toml", "--runtime-provider", "hots"], 2, "did you mean 'host'?"),
    "no such wheels": (["lock", "venvstacks.toml", "--local-wheels", "none"], 2, "check --local-wheels"),
    "no such value": (["schema", "plans"], 2, "error: Invalid value for 'WHAT': 'plans' is not one of 'specification'"),
    "no such server": (["tree", "http:///desk"], 6, "it is no URL of a web server"),
    "nothing to lock from": (["lock", "venvstacks.toml", "--no-index"], 4, "alpha"),
}


def test_deployments_are_handled_without_what_builds(tmp_path: Path) -> None:
    code = "import sys; from venvstacks.cli.app import make_app; make_app(['status']); print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = set(answer.stdout.split())
    assert "venvstacks.cli.deploy_commands" in loaded
    assert not {"venvstacks.api.runs", "venvstacks.model.specification", "packaging", "doit"} & loaded


@pytest.mark.parametrize("case", CASES)
def test_errors_say_what_is_wrong_and_what_to_do(stack: Path, case: str) -> None:
    arguments, code, output = CASES[case]
    done = run("venvstacks", *arguments, cwd=stack)
    assert done.returncode == code, done.stderr
    assert output in done.stderr
    assert "error: " in done.stderr
    assert "hint: " in done.stderr or code == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_wrong_specification_names_every_fault(stack: Path) -> None:
    (stack / "venvstacks.toml").write_text('[[runtimes]]\nname = "x"\nrequiremnts = []\n')
    done = run("venvstacks", "plan", "venvstacks.toml", cwd=stack, VENVSTACKS_JOBS="2")
    assert done.returncode == 3
    assert "venvstacks.toml:3" in done.stderr
    assert "requirements" in done.stderr
    assert "python_implementation" in done.stderr


def test_a_damaged_state_is_reported(stack: Path) -> None:
    from venvstacks import load_project  # noqa: PLC0415

    state = stack / load_project(stack / "venvstacks.toml").configuration.layout.task_state
    state.parent.mkdir(parents=True)
    state.write_text("no database")
    for command in ("plan", "build"):
        done = run("venvstacks", command, "venvstacks.toml", cwd=stack)
        assert done.returncode == 2
        assert "hint: remove the file" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("place", "code", "hint"),
    [
        ("_build/.venvstacks/run.lock", 2, "hint: make "),
        ("requirements/py/packages-py.txt", 4, "/requirements/py, and run the same command again"),
    ],
)
def test_places_that_cannot_be_written_to(stack: Path, place: str, code: int, hint: str) -> None:
    (stack / place).mkdir(parents=True)  # permissions do not bind those who may do everything
    done = run("venvstacks", "lock", "venvstacks.toml", "--no-index", "--local-wheels", "wheels", cwd=stack)
    assert done.returncode == code, done.stderr
    assert "cannot be written: " in done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--output-dir", "--local-wheels"])
def test_what_cannot_be_a_path(stack: Path, option: str) -> None:
    done = run("venvstacks", "plan", option, "x" * 5000, cwd=stack)
    assert (done.returncode, done.stdout) == (2, "")
    assert "xxx..." in done.stderr
    assert "cannot be used as a path: " in done.stderr
    assert len(done.stderr) < 400


def test_show_as_tree_and_as_data(stack: Path, check_golden: Callable[[str, str], None]) -> None:
    tree = run("venvstacks", "show", "venvstacks.toml", cwd=stack)
    data = run("venvstacks", "show", "venvstacks.toml", "--json", cwd=stack)
    assert (tree.returncode, data.returncode, tree.stderr, data.stderr) == (0, 0, "", "")
    check_golden("show_small_stack.txt", tree.stdout)
    check_golden("show_small_stack.json", data.stdout.replace(json.dumps(str(stack))[1:-1], "FOLDER"))


def test_what_the_original_lets_pass(stack: Path) -> None:
    done = run("venvstacks", "build", "venvstacks.toml", "--no-build", cwd=stack)
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing is to be done" in done.stderr
    shown = run("venvstacks", "show", "missing/../venvstacks.toml", "-q", cwd=stack)
    assert (shown.returncode, shown.stderr) == (0, "")
    lock = ("venvstacks", "lock", "venvstacks.toml", "--no-index", "--local-wheels")
    assert run(*lock, "wheels", cwd=stack).returncode == 0
    again = run(*lock, "nowhere", "--if-needed", cwd=stack)
    assert again.returncode == 0, again.stderr
    shared = run("venvstacks", "publish", "venvstacks.toml", "--output-dir", "_build", "--show-only", cwd=stack)
    assert shared.returncode == 0, shared.stderr
    assert "framework-base (publish)" in shared.stdout


@pytest.mark.parametrize("command", ["lock", "build", "publish", "local-export"])
def test_json_shows_and_does_nothing(stack: Path, command: str) -> None:
    done = run("venvstacks", command, "venvstacks.toml", "--json", cwd=stack)
    assert (done.returncode, done.stderr) == (0, "")
    (layer,) = json.loads(done.stdout)["runtimes"]
    assert (layer["name"], layer["has_valid_lock"]) == ("py", False)
    assert layer["selected_operations"]
    assert not (stack / "requirements").exists()
    assert not (stack / "_build").exists()


def report_of(stack: Path, *arguments: str) -> dict[str, Any]:
    """The report of a command, held against its schema as far as types go."""
    done = run("venvstacks", *arguments, "--report", "out/report.json", cwd=stack)
    data: dict[str, Any] = json.loads((stack / "out/report.json").read_text("utf-8"))
    assert data["exit_code"] == done.returncode, done.stderr
    RunReport.model_validate(data)
    return data


def test_reports_of_runs(stack: Path) -> None:
    locked = report_of(stack, "lock", "venvstacks.toml", "--no-index", "--local-wheels", "wheels")
    assert {(task["name"], task["status"]) for task in locked["tasks"]} >= {("lock:py", "done")}
    assert (locked["error"], locked["published"], locked["dry_run"]) == (None, [], False)
    planned = report_of(stack, "publish", "venvstacks.toml", "--dry-run")
    assert planned["dry_run"]
    assert {task["status"] for task in planned["tasks"]} >= {"run"}


def test_reports_of_failures(stack: Path) -> None:
    failed = report_of(stack, "lock", "venvstacks.toml", "--no-index")
    (error,) = [task["error"] for task in failed["tasks"] if task["status"] == "failed"]
    assert "alpha" in json.dumps(error)
    assert report_of(stack, "build", "venvstacks.toml", "--include", "app-helo")["error"]["hint"].startswith(
        "did you mean"
    )
    (stack / "venvstacks.toml").write_text("runtime = 1\n[[runtimes]]\nname = 'x'\n", "utf-8")
    wrong = report_of(stack, "build", "venvstacks.toml")["error"]
    assert (wrong["kind"], wrong["source"]) == ("SpecificationError", "venvstacks.toml")
    assert wrong["faults"][0] == {
        "message": "unknown key", "line": 1, "layer": None, "key": "runtime", "hint": "did you mean 'runtimes'?",
    }  # fmt: skip
    assert [fault["key"] for fault in wrong["faults"]] == ["runtime", "python_implementation", "requirements"]


def test_a_report_that_cannot_be_written(stack: Path) -> None:
    done = run("venvstacks", "lock", "venvstacks.toml", "--report", "venvstacks.toml/x", cwd=stack)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert not (stack / "requirements").exists()


def test_plan_as_text_and_as_data(stack: Path, check_golden: Callable[[str, str], None]) -> None:
    text = run("venvstacks", "plan", "venvstacks.toml", cwd=stack, VENVSTACKS_JOBS="2")
    data = run("venvstacks", "plan", "venvstacks.toml", "--json", cwd=stack, VENVSTACKS_JOBS="2")
    assert (text.returncode, data.returncode, text.stderr, data.stderr) == (0, 0, "", "")
    check_golden("plan_small_stack.txt", text.stdout)
    check_golden("plan_small_stack.json", data.stdout)
    assert {task["status"] for task in json.loads(data.stdout)["tasks"]} == {"run"}
    assert not (stack / "_build").exists()


def test_a_tree_is_shown_whatever_the_encoding(stack: Path) -> None:
    done = run("venvstacks", "show", "venvstacks.toml", cwd=stack, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert "framework-base" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
def test_a_reader_that_leaves_early_is_no_error(stack: Path) -> None:
    command = [sys.executable, "-m", "venvstacks", "show", "venvstacks.toml"]
    with subprocess.Popen(command, cwd=stack, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == ""
    assert child.returncode == 0


def test_locking_says_one_line_for_each_task_and_where_the_locks_are(stack: Path) -> None:
    options = ("venvstacks.toml", "--no-index", "--local-wheels", "wheels", "--if-needed")
    done = run("venvstacks", "lock", *options, cwd=stack)
    assert (done.returncode, done.stdout) == (0, "framework-base:\n  + alpha 1.0\n"), done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("took longest: ")]  # if one took a second
    assert sorted(line.split()[-1] for line in lines[:3]) == ["lock:app-hello", "lock:framework-base", "lock:py"]
    assert "\x1b" not in done.stderr
    assert lines[3].startswith("3 done in")
    assert lines[4].startswith("longest chain of tasks: ")
    assert lines[5] == "locks: requirements"
    again = run("venvstacks", "-v", "lock", *options, cwd=stack)
    assert "up to date  lock:py" in again.stderr
    quiet = run("venvstacks", "-q", "lock", *options, cwd=stack)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
