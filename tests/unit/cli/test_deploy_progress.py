from __future__ import annotations

import re
import threading

import pytest

from venvstacks.cli.deploy_progress import progress_text, showing_progress
from venvstacks.deployment.phases import PhaseProgress


@pytest.mark.parametrize(
    ("progress", "seconds", "text"),
    [
        (PhaseProgress("fetching", 21_000_000, 62_600_000), 5.0, "21.0 of 62.6 MB, 4.2 MB/s, 10 s left"),
        (PhaseProgress("unpacking", 1_000_000, 100_000_000), 2.0, "1.0 of 100.0 MB, 0.5 MB/s, 3 min 18 s left"),
        (PhaseProgress("fetching", 1_000, 100_000_000), 1.0, "0.0 of 100.0 MB, 1 kB/s, 27 h 46 min left"),
        (PhaseProgress("fetching", 0, 62_600_000), 5.0, "0.0 of 62.6 MB"),
        (PhaseProgress("compiling", 100, 400), 1.0, "100 of 400 files, 3 s left"),
        (PhaseProgress("checking", 0, 3), 1.0, "0 of 3 layers"),
    ],
)
def test_how_far_a_deploy_is(progress: PhaseProgress, seconds: float, text: str) -> None:
    assert progress_text(progress, seconds) == text


def test_where_there_is_no_terminal_lines_come_while_nothing_else_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen = threading.Event()
    with showing_progress(every=0.01) as report:
        seen.wait(0.05)
        report(PhaseProgress("fetching", 1_000_000, 2_000_000))
        seen.wait(0.05)
    lines = capsys.readouterr().err.splitlines()
    assert "waiting for the source" in lines
    assert [line for line in lines if re.match(r"fetching: 1\.0 of 2\.0 MB, .* MB/s, \d+ s left$", line)]


def test_a_short_deploy_prints_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with showing_progress() as report:
        report(PhaseProgress("fetching", 1, 2))
    assert capsys.readouterr().err == ""
