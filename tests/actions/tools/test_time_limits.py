"""The time of a task: its children are ended, the error says so, and other tasks go on."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
import typer

from venvstacks.actions.time_limit import within_limit
from venvstacks.actions.toolset import Tools
from venvstacks.cli.declared_options import seconds_of
from venvstacks.errors import BuildError, ExitCode, PublishError, VenvstacksError
from venvstacks.graph.taskgraph import TaskNode

SLEEP = [sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(60)"]


def limited(kind: str, seconds: float, tools: Tools, *commands: list[str]) -> str:
    def work(tools: Tools) -> str:
        return "".join(tools.processes.run(command, env=dict(os.environ)).stdout for command in commands)

    return within_limit(seconds, TaskNode(f"{kind}:app-x", kind, "app-x"), Path("the.log"), tools, work)


@pytest.mark.parametrize(("kind", "code"), [("build", 5), ("check", 5), ("archive", 6), ("lock", 4)])
def test_children_of_a_slow_task_are_ended(kind: str, code: int, tmp_path: Path) -> None:
    tools = Tools({}, tmp_path)
    began = time.monotonic()
    with pytest.raises(VenvstacksError, match=rf"{kind}:app-x took longer than 0.3 s, and was ended") as caught:
        limited(kind, 0.3, tools, SLEEP)
    assert time.monotonic() - began < 30
    assert caught.value.exit_code == ExitCode(code)
    assert "--timeout" in (caught.value.hint or "")
    assert "the.log" in (caught.value.hint or "")
    assert not tools.processes.stopping
    assert limited(kind, 60, tools, [sys.executable, "-c", "print(1)"]).strip() == "1", "others go on"


def test_no_child_is_started_when_the_time_is_over(tmp_path: Path) -> None:
    tools = Tools({}, tmp_path)
    with pytest.raises(PublishError):
        limited("archive", 0, tools, SLEEP)
    assert tools.processes.started == 0


def test_transfers_are_to_stop_then(tmp_path: Path) -> None:
    def work(tools: Tools) -> None:
        while not tools.processes.stopping:
            time.sleep(0.01)
        raise BuildError("a download was ended")

    with pytest.raises(BuildError, match="took longer") as caught:
        within_limit(0.05, TaskNode("build:x", "build", "x"), Path("log"), Tools({}, tmp_path), work)
    assert caught.value.details == ("a download was ended",)


def test_other_failures_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(VenvstacksError) as caught:
        limited("build", 60, Tools({}, tmp_path), [sys.executable, "-c", "raise SystemExit(3)"])
    assert "took longer" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5s", 1.5), ("10m", 600), ("2h", 7200), ("0", None), ("-1", None), ("1d", None)],
)
def test_times_on_the_command_line(text: str, seconds: float | None) -> None:
    if seconds is None:
        with pytest.raises(typer.BadParameter, match="is no time"):
            seconds_of(text)
    else:
        assert seconds_of(text) == seconds
