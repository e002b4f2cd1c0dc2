"""What CI systems show: errors at their lines, groups of lines, and the summary of a step."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from venvstacks.api import Report
from venvstacks.cli.ci_annotations import add_step_summary, annotate
from venvstacks.cli.progress import make_listener
from venvstacks.engine.outcomes import Outcome
from venvstacks.errors import BuildError, Fault, SpecificationError


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    return tmp_path


def specification_error(folder: Path, count: int = 1) -> SpecificationError:
    faults = (Fault("50 % wrong, and\nmore", line, key="name", hint="mend it") for line in range(1, count + 1))
    error = SpecificationError("venvstacks.toml", tuple(faults))
    error.folder = folder
    return error


def test_faults_stand_at_their_lines(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    annotate(specification_error(workspace / "a,b/stack"))
    assert capsys.readouterr().err == (
        "::error file=a%2Cb/stack/venvstacks.toml,line=1::"
        "venvstacks.toml:1: key 'name': 50 %25 wrong, and%0Amore (mend it)\n"
    )


def test_no_more_than_are_shown(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    annotate(specification_error(workspace, 30))
    assert len(capsys.readouterr().err.splitlines()) == 10


@pytest.mark.usefixtures("workspace")
def test_other_errors_have_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    annotate(BuildError("it failed", hint="try https://me:s3cret@host/x", details=("one",)))
    assert capsys.readouterr().err == "::error::it failed%0A  one%0Ahint: try https://host/x\n"


def test_elsewhere_nothing_is_printed(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")
    annotate(specification_error(workspace))
    assert capsys.readouterr().err == ""


def test_summaries_are_added_to_the_step_s(tmp_path: Path) -> None:
    ran = Outcome("build:app-x", "done", 1.5)
    fetched = Outcome("archive:app-x", "cached", 0.25, values={"cached_bytes": 1234})
    idle = Outcome("lock:py", "up to date")
    place = tmp_path / "summary.md"
    place.write_text("before\n", "utf-8")
    add_step_summary(str(place), "2 done in 3.00 s", Report((ran, fetched, idle)))
    assert (
        place.read_text("utf-8")
        == """\
before

**2 done in 3.00 s**

| task | result | seconds | bytes fetched |
|---|---|---:|---:|
| `build:app-x` | made | 1.50 |  |
| `archive:app-x` | from the shared cache | 0.25 | 1234 |
"""
    )
    before = place.read_bytes()
    add_step_summary(str(place), "1 up to date", Report((idle,)))
    assert place.read_bytes() == before


def test_a_summary_that_cannot_be_written_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_step_summary(str(tmp_path), "1 done", Report((Outcome("build:x", "done"),)))
    assert capsys.readouterr().err.startswith("warning: the summary of this step cannot be written")


def shown_run(capsys: pytest.CaptureFixture[str]) -> str:
    """What a run with a failure and a warning prints."""
    listener = make_listener({}, quiet=False, verbose=False)
    listener.begin(4)
    listener.ended(Outcome("build:app-x", "done", 1.5))
    listener.ended(Outcome("archive:app-x", "done", 0.5, values={"warnings": ["look"]}))
    listener.ended(Outcome("build:app-y", "failed"))
    listener.ended(Outcome("build:app-z", "done", 1.0))
    listener.end()
    return capsys.readouterr().err


PLAIN = [
    "   1.50 s  build:app-x", "   0.50 s  archive:app-x",
    "warning: look", "   failed  build:app-y", "   1.00 s  build:app-z",
]  # fmt: skip


@pytest.mark.usefixtures("workspace")
def test_github_folds_what_went_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown_run(capsys).splitlines() == [
        "::group::tasks", *PLAIN[:2], "::endgroup::", *PLAIN[2:4], "::group::tasks", PLAIN[4], "::endgroup::",
    ]  # fmt: skip


def test_gitlab_folds_the_same(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setenv("GITLAB_CI", "true")
    said = shown_run(capsys)
    begun = re.findall(r"^\x1b\[0Ksection_start:(\d{10}):(\w+)\[collapsed=true\]\r\x1b\[0Ktasks$", said, re.MULTILINE)
    ended = re.findall(r"^\x1b\[0Ksection_end:(\d{10}):(\w+)\r\x1b\[0K$", said, re.MULTILINE)
    assert [name for _, name in begun] == [name for _, name in ended]
    assert len({name for _, name in begun}) == 2
    assert [line for line in said.split("\n") if line in PLAIN] == PLAIN


def test_logs_of_others_have_no_groups(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    assert shown_run(capsys).splitlines() == PLAIN


def test_gitlab_shows_errors_in_merge_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of code quality: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setenv("VENVSTACKS_CODE_QUALITY", str(tmp_path / "quality.json"))
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    annotate(specification_error(tmp_path / "stack", 2))
    annotate(BuildError("it failed at https://me:s3cret@host/x"))
    rows = json.loads((tmp_path / "quality.json").read_text("utf-8"))
    assert [row["location"] for row in rows] == [
        {"path": "stack/venvstacks.toml", "lines": {"begin": 1}},
        {"path": "stack/venvstacks.toml", "lines": {"begin": 2}},
        {"path": "venvstacks.toml", "lines": {"begin": 1}},
    ]
    assert len({row["fingerprint"] for row in rows}) == 3
    assert all(row.keys() == {"description", "check_name", "fingerprint", "severity", "location"} for row in rows)
    assert "s3cret" not in str(rows)
    (tmp_path / "quality.json").write_text("no JSON", "utf-8")
    annotate(BuildError("again"))
    assert (tmp_path / "quality.json").read_text("utf-8") == "no JSON"
