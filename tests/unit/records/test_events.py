"""Event logs and the traces that are made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from venvstacks.records.event_log import Event, read_events, trace_of

EVENTS = (
    Event(event="run began", at=0.0, facts={"jobs": 2}),
    Event(event="task began", at=0.0, task="build:a"),
    Event(event="task began", at=0.5, task="build:🦎"),
    Event(event="process ended", at=1.0, task="build:a", facts={"program": "uv", "seconds": 0.5}),
    Event(event="task ended", at=2.0, task="build:a", facts={"seconds": 2.0, "status": "done"}),
    Event(event="task began", at=2.0, task="link:a"),
    Event(event="task ended", at=2.5, task="link:a", facts={"seconds": 0.5}),
    Event(event="task ended", at=3.0, task="build:🦎", facts={"seconds": 2.5}),
)


def test_events_survive_being_written_and_a_last_line_that_was_cut_off(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    log.write_text("".join(event.line() for event in EVENTS) + '{"at": 9.0, "eve', "utf-8")
    assert tuple(read_events(log)) == EVENTS


def test_a_trace_puts_tasks_that_overlap_on_rows_of_their_own() -> None:
    trace = trace_of(EVENTS, critical=["build:🦎"])
    spans = {span["name"]: span for span in trace["traceEvents"]}  # type: ignore[attr-defined]
    assert {name: span["tid"] for name, span in spans.items()} == {"uv": 1, "build:a": 1, "link:a": 1, "build:🦎": 2}
    assert (spans["build:a"]["ts"], spans["build:a"]["dur"]) == (0, 2_000_000)
    assert spans["uv"]["ts"] == pytest.approx(500_000)
    assert [name for name, span in spans.items() if span["cat"] == "critical"] == ["build:🦎"]
