"""The picture of a terminal in the README: the commands of a session, run in a new stack, with what they printed.

    python -m benchmarks.terminal_picture [FILE]

Needs an index with `rich`, and an installed CPython 3.11 where portable builds cannot be downloaded. The times in it
are those of this machine at this moment: record it when the machine has nothing else to do.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

PICTURE = Path(__file__).parents[1] / "docs/terminal.svg"
COLUMNS = 112

_TITLE = "A terminal: an application is changed, planned, published, deployed and rolled back"
_PREPARED = (
    "venvstacks init .",
    "venvstacks lock",
    "venvstacks build --publish",
    "venvstacks deploy _artifacts --to products",
    "venvstacks exec products hello",
)
_SHOWN = (
    "sed -i 's/Hello/Good morning/' hello.py",
    "venvstacks plan",
    "venvstacks build --publish",
    "venvstacks deploy _artifacts --to products",
    "venvstacks exec products hello",
    "venvstacks rollback products",
    "venvstacks exec products hello",
)
_STYLE = (
    "rect{fill:#14171a}"
    'text{font:13px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d5dae0;white-space:pre}'
    ".p{fill:#8ed08f;font-weight:600}"
)
_LETTER, _LINE, _MARGIN = 7.83, 19, 16  # of the font above, in pixels


def record_session() -> list[tuple[str, list[str]]]:
    """The commands, run in a temporary folder, with the lines that each printed."""
    with tempfile.TemporaryDirectory() as folder:
        for command in _PREPARED:
            _run(command, Path(folder))
        return [(command, _run(command, Path(folder))) for command in _SHOWN]


def _run(command: str, folder: Path) -> list[str]:
    """What a command printed, line by line.

    Raises:
        CalledProcessError: It failed.
    """
    variables = {**os.environ, "COLUMNS": str(COLUMNS), "VENVSTACKS_CACHE": str(folder / ".cache")}
    program, *arguments = shlex.split(command)
    argv = [sys.executable, "-m", "venvstacks", *arguments] if program == "venvstacks" else [program, *arguments]
    done = subprocess.run(
        argv, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
    )
    wrapper = textwrap.TextWrapper(COLUMNS, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    return [part for line in done.stdout.splitlines() for part in wrapper.wrap(line)]  # as in a terminal


def terminal_picture(session: Sequence[tuple[str, list[str]]]) -> str:
    """The picture as SVG.

    Args:
        session: Commands, with the lines that each printed.
    """
    lines = [line for command, printed in session for line in [f"$ {command}", *printed]]
    width = round(COLUMNS * _LETTER) + 2 * _MARGIN
    height = len(lines) * _LINE + 2 * _MARGIN
    return "\n".join([*_frame(width, height), *_texts(session), "</svg>", ""])


def _frame(width: int, height: int) -> Iterator[str]:
    size = f'viewBox="0 0 {width} {height}" width="{width}"'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="t"><title id="t">{_TITLE}</title>'
    )
    yield f"<style>{_STYLE}</style>"
    yield f'<rect width="{width}" height="{height}" rx="8"/>'


def _texts(session: Sequence[tuple[str, list[str]]]) -> Iterator[str]:
    row = 0
    for command, printed in session:
        for text, kind in ((f"$ {command}", ' class="p"'), *((line, "") for line in printed)):
            base = _MARGIN + 14 + row * _LINE
            yield f'<text x="{_MARGIN}" y="{base}"{kind} xml:space="preserve">{escape(text, quote=False)}</text>'
            row += 1


if __name__ == "__main__":
    Path(*sys.argv[1:2] or [str(PICTURE)]).write_text(terminal_picture(record_session()), "utf-8")
