"""What GitHub Actions shows: errors at their lines, and the summary of a step."""

from __future__ import annotations

from pathlib import Path

import pytest

from venvstacks.api import Report
from venvstacks.cli.ci_annotations import add_step_summary, annotate
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
