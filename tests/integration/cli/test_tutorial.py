"""The tutorial, run as it stands: its files are written, its commands are run, and print what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.offline_stacks import has_python

PAGE = Path(__file__).parents[3] / "docs/tutorial.md"
RICH = {
    "rich/__init__.py": b"",
    "rich/console.py": b"class Console:\n    def print(self, text):\n        print(text)\n",
}


def steps() -> Iterator[tuple[str, str]]:
    """The blocks of the page that are files, by their titles, and those that are commands with their output."""
    blocks = re.findall(
        r"^```(\w+)(?: title=\"(.*?)\")?\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    for language, title, text in blocks:
        if title or language == "console":
            yield title, text


def commands(text: str) -> Iterator[tuple[list[str], str]]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield shlex.split(command), output


def as_said(output: str) -> re.Pattern[str]:
    """What a command has to print: `...` stands for any text, on a line of its own for any lines."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    wanted = [r"(.*\n)*" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + "\n" for line in lines]
    return re.compile("".join(wanted))


@pytest.mark.slow
@pytest.mark.skipif(not has_python(), reason="no CPython 3.11.7 to make a runtime of")
def test_the_tutorial(tmp_path: Path) -> None:
    project = tmp_path / "project"
    make_wheel(project / "wheels", "rich", "14.0", files=RICH)
    (project / "venvstacks.uv.toml").write_text('find-links = ["wheels"]\nno-index = true\n', "utf-8")
    variables = {**os.environ, "COLUMNS": "100", "VENVSTACKS_CACHE": str(tmp_path / "cache")}
    variables["PBS_INSTALLER_BASE_URL"] = "http://127.0.0.1:9"  # nobody answers, so that the installed Python is taken
    for title, text in steps():
        if title:
            (project / title).parent.mkdir(exist_ok=True)
            (project / title).write_text(text, "utf-8")
            continue
        for (program, *arguments), output in commands(text):
            assert program == "venvstacks"
            argv = [sys.executable, "-m", "venvstacks", *arguments]
            done = subprocess.run(
                argv, cwd=project, env=variables, text=True, capture_output=True, timeout=120, check=False
            )
            printed = "".join(" ".join(line.split()) + "\n" for line in (done.stdout + done.stderr).splitlines())
            assert as_said(output).fullmatch(printed), (arguments, output, printed)
