"""plan in its forms, why, traces and cache-key, as people and scripts call them."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.offline_stacks import has_python, run, write_stack

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not has_python(), reason="no CPython 3.11.7 to make a runtime of")]

SPEC = "venvstacks.toml"
LOCAL = ("--no-index", "--local-wheels", "wheels")


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    return write_stack(tmp_path / "stack").parent


def venvstacks(
    stack: Path, *arguments: str, code: int = 0, own_cache: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a command; with a cache of the stack's own, where what others have built and checked is not to count."""
    caches = {"VENVSTACKS_CACHE": str(stack.parent / "cache")} if own_cache else {}
    done = run("venvstacks", *arguments, cwd=stack, **caches)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_a_plan_in_all_its_forms(stack: Path) -> None:
    before = sorted(stack.rglob("*"))
    plan = ("plan", SPEC, *LOCAL)
    assert venvstacks(stack, *plan, "--exit-code", code=10).stdout.endswith("manifest:archives\n")
    assert venvstacks(stack, *plan, "--format", "dot").stdout.startswith("digraph")
    assert venvstacks(stack, *plan, "--format", "mermaid").stdout.startswith("flowchart")
    exported = json.loads(venvstacks(stack, *plan, "--export", "--no-publish", "--json").stdout)
    kinds = {task["task"].partition(":")[0] for task in exported["tasks"]}
    assert kinds == {"lock", "build", "link", "check", "export", "manifest"}
    only = venvstacks(stack, *plan, "--no-lock", "--no-publish", "--include", "py").stdout
    assert {line.split()[1] for line in only.splitlines() if line.startswith("run")} == {
        "lock:py",
        "build:py",
        "link:py",
        "check:py",
    }
    assert "nothing is to be done" in venvstacks(
        stack, *plan, "--no-lock", "--no-build", "--no-publish", code=2
    ).stderr  # fmt: skip
    assert sorted(stack.rglob("*")) == before


def test_why_a_trace_and_the_closing_line(stack: Path) -> None:
    options = ("--lock", "--publish", *LOCAL, "--trace", "made/trace.json")
    output = venvstacks(stack, "build", SPEC, *options, own_cache=True).stderr
    assert "longest chain of tasks: lock:py > " in output
    spans = json.loads((stack / "made/trace.json").read_text("utf-8"))["traceEvents"]
    marked = {span["name"] for span in spans if span["cat"] == "critical"}
    assert "build:framework-base" in {span["name"] for span in spans}
    assert marked >= {"lock:py"}

    why = json.loads(venvstacks(stack, "why", SPEC, "check:framework-base", "--json").stdout)
    assert (why["status"], why["door"], why["reasons"][0]["kind"]) == ("done", "venvstacks", "never run")
    assert any("confine.py" in line for line in why["commands"])
    shown = venvstacks(stack, "why", SPEC, "check:app-hello").stdout
    assert re.match(
        r"check:app-hello: done after \d+\.\d\d s, in a run with venvstacks that began at "
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n",
        shown,
    )
    assert "end of _build/.venvstacks/logs/check-app-hello.log:" in shown
    log = (stack / "_build/.venvstacks/logs/check-app-hello.log").read_text("utf-8")
    assert max(map(len, log.splitlines())) > 165
    assert max(map(len, shown.splitlines())) <= 165
    hint = venvstacks(stack, "why", SPEC, "link:app-hallo", code=2).stderr
    assert "did you mean 'link:app-hello'?" in hint
    assert "did not run in any" in venvstacks(stack, "why", SPEC, "export:app-hello").stdout

    assert venvstacks(stack, "plan", SPEC, *LOCAL, "--exit-code").stdout == "16 tasks: 16 up to date\n"
    again = venvstacks(stack, "build", SPEC, "--lock", "--publish", *LOCAL, "--trace", "made/idle.json").stderr
    assert "16 up to date" in again
    assert json.loads((stack / "made/idle.json").read_text("utf-8"))["traceEvents"] == []


def test_a_trace_that_cannot_be_written_is_reported_before_anything_runs(stack: Path) -> None:
    output = venvstacks(stack, "build", SPEC, *LOCAL, "--trace", "venvstacks.toml/trace.json", code=2).stderr
    assert "hint: choose another --trace file" in output
    assert not (stack / "_build").exists()


def test_what_was_built_with_an_option_is_up_to_date_for_every_command_that_is_given_it(stack: Path) -> None:
    text = (stack / SPEC).read_text("utf-8")
    (stack / SPEC).write_text(text.replace('runtime-providers = ["host"]', ""), "utf-8")
    option = ("--runtime-provider", "host", "--no-check-imports")
    venvstacks(stack, "build", SPEC, *LOCAL, *option)
    for command in ("publish", "local-export"):
        output = venvstacks(stack, command, SPEC, *option).stderr
        assert "build:" not in output
        assert "link:" not in output.partition("longest chain")[0]
    assert "🐸 1.0" in venvstacks(stack, "run", SPEC, "hello", *option).stdout


def test_a_child_is_shown_as_a_line_for_a_shell(stack: Path) -> None:
    """Folder, environment and arguments; an import check itself needs a scratch folder that exists only meanwhile."""
    venvstacks(stack, "build", SPEC, "--lock", *LOCAL, own_cache=True)
    command, *_ = json.loads(venvstacks(stack, "why", SPEC, "check:py", "--json").stdout)["commands"]
    change, _, start = command.partition(" && ")
    assert shlex.split(change)[0] == "cd"
    words = shlex.split(start)
    assert words[:2] == ["env", "-i"]
    program = next(number for number, word in enumerate(words) if number > 1 and "=" not in word)
    line = shlex.join(["env", "-i", *words[2:program], words[program], "-I", "-c", "print('started')"])
    done = subprocess.run(line, shell=True, cwd=stack, capture_output=True, text=True, check=False)
    assert done.stdout == "started\n", done.stderr


def test_a_changed_package_is_named_with_its_versions(stack: Path) -> None:
    venvstacks(stack, "build", SPEC, "--lock", *LOCAL)
    make_wheel(stack / "wheels", "alpha", "2.0")
    venvstacks(stack, "lock", SPEC, "--upgrade", *LOCAL)
    output = venvstacks(stack, "plan", SPEC, *LOCAL, "--no-publish").stdout
    assert "alpha 1.0 -> 2.0" in output


def test_a_plan_knows_that_building_renews_no_lock(stack: Path) -> None:
    venvstacks(stack, "build", SPEC, "--lock", *LOCAL)
    text = (stack / SPEC).read_text("utf-8")
    (stack / SPEC).write_text(text.replace('requirements = ["alpha"]', 'requirements = ["alpha>=1"]'), "utf-8")
    plan = ("plan", SPEC, *LOCAL, "--no-lock", "--no-publish")
    output = venvstacks(stack, *plan, "--exit-code", code=10).stdout
    assert "blocked     lock:framework-base" in output
    assert "hint: locks that no longer fit are renewed" in output
    venvstacks(stack, "build", SPEC, *LOCAL, code=4)
    assert "run         lock:framework-base" in venvstacks(stack, "plan", SPEC, *LOCAL).stdout
    assert "blocked     lock:framework-base" in venvstacks(stack, "publish", SPEC, "--dry-run").stdout


def test_a_key_is_one_line(stack: Path) -> None:
    key, prefix = venvstacks(stack, "cache-key", SPEC).stdout, venvstacks(stack, "cache-key", SPEC, "--restore").stdout
    assert key.startswith(prefix.strip())
    assert key.count("\n") == 1
    assert "_build/.venvstacks/*\n" in venvstacks(stack, "cache-key", SPEC, "--paths").stdout
    assert json.loads(venvstacks(stack, "cache-key", SPEC, "--json").stdout)["key"] == key.strip()
