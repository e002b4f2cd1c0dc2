"""What a run says when it is over, and what its display shows meanwhile."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress, Task

from venvstacks.cli.live_display import LiveDisplay, _Bar, time_left
from venvstacks.cli.progress import PlainLines, longest_lines
from venvstacks.engine.outcomes import Outcome


def outcome(name: str, seconds: float, status: str = "done") -> Outcome:
    return Outcome(name, status, seconds)  # type: ignore[arg-type]


def test_what_took_longest_is_said_in_plain_words() -> None:
    ran = [
        outcome("lock:py", 0.2),
        outcome("archive:framework-sci", 8.21),
        outcome("check:app-x", 0.9),
        outcome("build:framework-sci", 3),
        outcome("export:app-x", 9, "failed"),
    ]
    assert longest_lines(ran) == (
        "\ntook longest: packing framework-sci (8.2 s), building framework-sci (3.0 s), "
        "checking the imports of app-x (0.9 s)"
    )
    assert longest_lines(ran[:2]) == "\ntook longest: packing framework-sci (8.2 s)"
    assert longest_lines(ran[:1]) == longest_lines([outcome("lock:a", 0.4), outcome("lock:b", 0.3)]) == ""


def test_a_warning_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = PlainLines({}, verbose=False)
    for kind in ("build", "archive"):
        lines.ended(Outcome(f"{kind}:py", "done", 1.0, values={"warnings": ["old"]}))
    assert capsys.readouterr().err.count("warning: old") == 1


def task(display: Progress, *, elapsed: float, expected: float | None, done: int = 0, total: int | None = None) -> Task:
    added = display.add_task("x", total=total, completed=done, count="", expected=expected)
    found = display.tasks[added]
    found.start_time, found.stop_time = 0.0, elapsed
    return found


def test_bars_move_with_bytes_or_else_with_the_time_of_the_last_run() -> None:
    display = Progress(console=Console(file=io.StringIO()))
    known = task(display, elapsed=3, expected=10)
    assert (time_left(known), _Bar().render(known).completed) == (7, 3)
    late = task(display, elapsed=12, expected=10)
    assert (time_left(late), _Bar().render(late).completed) == (None, 10)
    packing = task(display, elapsed=4, expected=10, done=100, total=300)
    assert (time_left(packing), _Bar().render(packing).completed) == (8, 100)
    new = task(display, elapsed=4, expected=None)
    assert (time_left(new), _Bar().render(new).total) == (None, None), "it pulses"


def test_parts_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    display = LiveDisplay({}, verbose=False)
    display.move("fetching", 1, None)  # before anything is shown
    display.foresee({"archive:x": 5.0})
    display.begin(1)
    display.started("archive:x")
    shown = display._display
    assert shown is not None
    display.move("archive:x", 500, 2000)
    display.move("fetching 2 wheels of x", 1500, None)
    assert [one.fields["count"] for one in shown.tasks] == ["0/1", "500 bytes of 2.0 kB", "1.5 kB"]
    display.move("fetching 2 wheels of x", 1500, 1500)
    display.ended(outcome("archive:x", 1))
    assert [one.description for one in shown.tasks] == ["tasks"]
    display.end()
