"""A user's own dodo.py, with hand-written tasks that depend on what the stack's tasks make, under doit's commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.offline_stacks import has_python, run, write_stack

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not has_python(), reason="no CPython 3.11.7 to make a runtime of")]

DODO = """\
import json
from pathlib import Path
from venvstacks import Options, doit_config, doit_tasks

SPEC = "venvstacks.toml"
OPTIONS = Options(local_wheels=("wheels",), use_index=False)
DOIT_CONFIG = {**doit_config(SPEC, OPTIONS), "default_tasks": ["upload", "label"]}
METADATA = "_artifacts/__venvstacks__/env_metadata/app-hello.json"


def task_stack():
    yield from doit_tasks(SPEC, OPTIONS)


def task_upload():
    def upload():
        name = json.loads(Path(METADATA).read_text("utf-8"))["archive_name"]  # changed bytes get another name
        Path("uploaded").write_bytes(Path("_artifacts", name).read_bytes())

    return {
        "actions": [upload], "file_dep": [METADATA], "task_dep": ["archive:app-hello"], "targets": ["uploaded"],
        "clean": True,
    }


def task_label():
    return {"actions": [f"cp {METADATA} label.json"], "file_dep": [METADATA], "targets": ["label.json"], "clean": True}
"""


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    folder = write_stack(tmp_path / "stack").parent
    (folder / "dodo.py").write_text(DODO, "utf-8")
    return folder


def doit(stack: Path, *arguments: str, code: int = 0) -> str:
    done = run("doit", *arguments, cwd=stack)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def ran(output: str) -> set[str]:
    """Names of the tasks that doit's own reporter says it ran."""
    return {line[3:] for line in output.splitlines() if line.startswith(".  ")}


def letters(stack: Path) -> dict[str, str]:
    rows = (line.split()[:2] for line in doit(stack, "list", "--all", "--status", "--quiet").splitlines())
    return {name: letter for letter, name in rows}


def test_hand_written_tasks_follow_the_archive(stack: Path) -> None:
    first = ran(doit(stack, "-n", "2"))
    assert {"upload", "label", "archive:app-hello", "lock:py"} <= first
    assert ran(doit(stack)) == set()
    assert (stack / "uploaded").read_bytes() == (stack / "_artifacts/app-hello.tar.zst").read_bytes()

    done = run("venvstacks", "plan", "venvstacks.toml", "--local-wheels", "wheels", "--exit-code", cwd=stack)
    assert "manifest:archives" in done.stdout, "all but the manifest, which nobody asked doit for"
    assert "build:" not in done.stdout

    (stack / "hello.py").write_text("print('changed')\n", "utf-8")
    found = letters(stack)
    assert (found["build:app-hello"], found["build:framework-base"], found["lock:py"]) == ("R", "U", "U")
    assert "hello.py" in doit(stack, "info", "build:app-hello", code=1)
    assert ran(doit(stack, "-n", "2")) == {
        "build:app-hello", "link:app-hello", "archive:app-hello", "upload", "label",
    }  # fmt: skip

    doit(stack, "forget", "upload", "link:py")
    assert ran(doit(stack)) == {"link:py", "upload"}
    why = run("venvstacks", "why", "venvstacks.toml", "link:py", cwd=stack)
    assert "in a run with doit" in why.stdout
    assert "never run" in why.stdout


def test_cleaning_removes_what_can_be_made_again(stack: Path) -> None:
    doit(stack, "-n", "2")
    kept = sorted(path.relative_to(stack) for path in (stack / "requirements").rglob("*"))
    said = doit(stack, "clean", "-n", "archive:app-hello", "build:app-hello")
    assert "app-hello.tar.zst" in said
    assert (stack / "_artifacts/app-hello.tar.zst").exists(), "-n only says what would go"

    doit(stack, "clean", "archive:app-hello", "build:app-hello", "upload")
    gone = ("_artifacts/app-hello.tar.zst", "_artifacts/__venvstacks__/env_metadata/app-hello.json", "uploaded")
    assert not any((stack / path).exists() for path in (*gone, "_build/app-hello"))
    assert (stack / "_build/framework-base").exists()
    assert {"build:app-hello", "link:app-hello", "archive:app-hello", "upload"} <= ran(doit(stack))

    doit(stack, "clean", "--clean-all")
    assert sorted(path.relative_to(stack) for path in (stack / "requirements").rglob("*")) == kept
    assert not [path for path in (stack / "_artifacts").rglob("*") if path.is_file()]
    assert [path.name for path in (stack / "_build").iterdir()] == [".venvstacks"]
    assert "lock:py" not in ran(doit(stack))


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion(stack: Path, shell: str) -> None:
    assert "upload" in doit(stack, "tabcompletion", "--shell", shell, "--hardcode-tasks")
