"""The repository around the code: its commands, its lock, and what no file may hold."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.dev import task_docs

ROOT = Path(__file__).resolve().parents[3]


def output_of(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def committed_files() -> list[Path]:
    return [ROOT / name for name in output_of("git", "ls-files", "-z").split("\0") if name and (ROOT / name).is_file()]


def markers() -> list[str]:
    return re.findall("<!-- ci: (.+?) -->", (ROOT / "README.md").read_text("utf-8"))


def test_doit_lists_the_daily_commands_and_the_samples_tasks() -> None:
    listed = output_of(sys.executable, "-m", "doit", "list", "--all")
    names = {line.split()[0] for line in listed.splitlines()}
    assert names >= {"docs", "lint", "pins", "places", "schema", "test", "types"}
    assert names >= {"lock:app-scipy-client", "archive:framework-sklearn", "manifest:exports"}


def test_every_doit_task_says_what_it_is_for() -> None:
    listed = output_of(sys.executable, "-m", "doit", "list", "--all")
    assert [line for line in listed.splitlines() if len(line.split()) < 2] == []


def test_ci_runs_every_marked_command_of_the_readme() -> None:
    run = (ROOT / ".ci/run").read_text("utf-8")
    assert (
        re.findall(r"^run_as_printed (\S+)(?: \|\| repeat_failed)?$", run, re.MULTILINE)
        == markers()
        == ["pipeline", "tests"]
    )


@pytest.mark.parametrize("name", markers())
def test_ci_reads_commands_as_they_are_printed(name: str) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    printed = readme.partition(f"<!-- ci: {name} -->\n```bash\n")[2].partition("```")[0]
    assert printed.count("\n") == 1, "one command, one line"
    assert output_of(str(ROOT / ".ci/readme-command"), name) == printed


def test_ci_fails_for_a_command_that_the_readme_does_not_have() -> None:
    done = subprocess.run([ROOT / ".ci/readme-command", "sing"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no command marked 'sing'" in done.stderr


def test_the_documentation_builds_and_a_page_that_nobody_can_reach_fails_it(tmp_path: Path) -> None:
    (settings,) = task_docs()["actions"]
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy2(ROOT / "mkdocs.yml", tmp_path)
    done = subprocess.run(settings, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "docs/lost.md").write_text("# Lost\n")
    done = subprocess.run(settings, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "lost.md" in done.stderr


def test_pdm_lock_fits_the_project() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pdm", "lock", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"run 'doit pins' and commit the result\n{done.stderr}"


def test_pdm_lock_names_files_and_no_places() -> None:
    text = (ROOT / "pdm.lock").read_text("utf-8")
    assert "://" not in text
    assert re.findall(r"\{url = ", text) == []
    assert text.count("{file = ") > 100


# in two pieces each, so that this file does not hold what it looks for
HOSTS = ["pypi" + ".org", "pythonhosted" + ".org", "anaconda" + ".org", "registry" + ".npmjs"]
PLACES = ["/wo" + "rk/", "/ro" + "ot/"]


@pytest.mark.parametrize("forbidden", [*HOSTS, *PLACES])
def test_no_file_names_a_registry_or_a_place_on_somebodys_machine(forbidden: str) -> None:
    holders = [path for path in committed_files() if forbidden.encode() in path.read_bytes()]
    assert holders == []
