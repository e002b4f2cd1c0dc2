"""Event logs of runs."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.support.tiny_graphs import Bench
from venvstacks.engine.journal import KEPT, Journal, ProcessWatch, logs
from venvstacks.errors import BuildError
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.records.event_log import Event, read_events
from venvstacks.tools.process import Completed


def journalled(bench: Bench, folder: Path) -> list[Event]:
    bench.journal = Journal(folder, "test")
    bench.run()
    bench.journal.close()
    return list(read_events(bench.journal.path)) if bench.journal.path else []


def test_a_run_is_taken_down_and_one_without_work_is_not(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.write(s="x")
    events = journalled(bench, tmp_path / "runs")
    assert [(event.event, event.task) for event in events] == [
        ("run began", ""),
        *[(what, name) for name in "abc" for what in ("task began", "task ended")],
        ("run ended", ""),
    ]
    assert events[0].facts["door"] == "test"
    assert events[1].facts["reasons"][0]["kind"] == "never run"
    assert events[2].facts["status"] == "done"
    assert journalled(bench, tmp_path / "runs") == []
    assert len(logs(tmp_path / "runs")) == 1


def test_failures_are_recorded_and_reported_the_next_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.write(s="x")

    def fail(node: TaskNode) -> None:
        raise BuildError(f"no {node.name}", hint="none")

    bench.special["b"] = fail
    events = {event.task: event for event in journalled(bench, tmp_path / "runs") if event.event == "task ended"}
    assert events["b"].facts["status"] == "failed"
    assert events["b"].facts["error"].startswith("no b")
    assert [str(reason) for reason in bench.plan()["b"].reasons] == ["failed before: no b"]
    del bench.special["b"]
    assert bench.run() == ["b", "c"]
    assert bench.reasons("b") == ["failed before: no b"]
    assert bench.run() == []


@pytest.mark.parametrize("kind", [BuildError, ValueError])
def test_failures_are_taken_down_without_secrets(tmp_path: Path, kind: type[Exception]) -> None:
    bench = Bench(tmp_path)
    bench.write(s="x")

    def fail(_: TaskNode) -> None:
        raise kind("no https://me:s3cret@host/x?t=s3cret")

    bench.special["b"] = fail
    journalled(bench, tmp_path / "runs")
    assert [str(reason) for reason in bench.plan()["b"].reasons] == ["failed before: no https://host/x?..."]
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in kept} >= {".jsonl", ".db"}
    assert [path for path in kept if b"s3cret" in path.read_bytes()] == []


def test_the_last_runs_are_kept(tmp_path: Path) -> None:
    for number in range(KEPT + 3):
        journal = Journal(tmp_path, str(number))
        journal.write("task began", "t")
        journal.close()
    kept = logs(tmp_path)
    assert len(kept) == KEPT
    assert next(read_events(kept[0])).facts["door"] == str(KEPT + 2)


def test_many_threads_write_whole_lines(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    threads = [
        threading.Thread(target=lambda: [journal.write("task began", "🐸" * 50) for _ in range(50)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    (log,) = logs(tmp_path)
    assert sum(event.event == "task began" for event in read_events(log)) == 400


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file")
    journal.write("task began", "t")
    journal.close()
    assert journal.path is None


def test_children_are_taken_down_without_secrets(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    watch = ProcessWatch(journal, {"build-a.log": "build:a"})
    secret = {
        "UV_INDEX_URL": "https://user:word@localhost",
        "UV_TOKEN": "word",
        "UV_INSECURE_HOST": "user:word@host",
        "https_proxy": "http://user:word@proxy",
    }
    env = {"HOME": "/x", "UV_NO_PROGRESS": "1", **secret}
    watch(
        Completed(("/bin/uv", "pip", "https://user:word@host/?t=word"), 0, "out", "", 0.25),
        Path("logs/build-a.log"),
        None,
        env,
    )
    journal.close()
    event = next(event for event in read_events(logs(tmp_path)[0]) if event.event == "process ended")
    assert (event.task, event.facts["program"], event.facts["argv"]) == (
        "build:a",
        "uv",
        ["/bin/uv", "pip", "https://host/?..."],
    )
    assert event.facts["env"] == {"HOME": None, "UV_NO_PROGRESS": "1", **dict.fromkeys(secret)}
    assert "word" not in logs(tmp_path)[0].read_text()


def test_names_that_are_no_unicode_end_no_run(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write("process ended", "t", argv=["caf\udce9"])
    journal.close()
    assert [event.facts.get("argv") for event in read_events(logs(tmp_path)[0])] == [None, ["caf?"], None]
