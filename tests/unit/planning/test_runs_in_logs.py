from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from venvstacks.planning.history import run_in_log
from venvstacks.reasons import Reason
from venvstacks.records.event_log import Event

REASON = {"kind": "changed file", "subject": "a", "old": None, "new": None, "details": ["b"]}


def log_of(folder: Path, reason: dict[str, Any], process: dict[str, Any], end: dict[str, Any]) -> Path:
    events = [
        Event(event="run began", at=0.0, facts={"time": "2026-01-01T00:00:00", "door": "venvstacks"}),
        Event(event="task began", at=0.1, task="build:py", facts={"reasons": [reason]}),
        Event(event="process ended", at=0.2, task="build:py", facts=process),
        Event(event="task ended", at=0.3, task="build:py", facts=end),
    ]
    (folder / "run.jsonl").write_text("".join(event.line() for event in events))
    return folder / "run.jsonl"


def test_the_run_of_a_task_is_read_from_its_log(tmp_path: Path) -> None:
    path = log_of(tmp_path, REASON, {"argv": ["uv", "a b"]}, {"status": "failed", "seconds": 2, "error": "no frog"})
    run = run_in_log(path, "build:py", tmp_path / "none")
    assert run is not None
    assert (run.status, run.seconds, run.error, run.log_end) == ("failed", 2.0, "no frog", ())
    assert run.reasons == (Reason("changed file", "a", details=("b",)),)
    assert run.commands == ("env -i uv 'a b'",)
    assert run_in_log(path, "build:other", tmp_path / "none") is None


@pytest.mark.parametrize(
    "damage",
    [
        {"end": {"seconds": "soon"}},
        {"end": {"seconds": [1]}},
        {"reason": {**REASON, "subject": 7}},
        {"reason": {**REASON, "kind": None}},
        {"reason": {**REASON, "details": [7]}},
        {"reason": {}},
        {"process": {"argv": 7}},
        {"process": {"argv": ["uv"], "env": {"A": 7}}},
        {"process": {}},
    ],
)
def test_what_cannot_be_understood_is_no_run(tmp_path: Path, damage: dict[str, Any]) -> None:
    sound = {"reason": REASON, "process": {"argv": ["uv"]}, "end": {"seconds": 1.0}}
    assert run_in_log(log_of(tmp_path, **sound), "build:py", tmp_path / "none") is not None
    assert run_in_log(log_of(tmp_path, **(sound | damage)), "build:py", tmp_path / "none") is None
