"""What runs, and what does not: real doit, fake actions."""

from __future__ import annotations

import os
import shutil
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.support.tiny_graphs import FAN, STATE, Bench
from venvstacks.engine.outcomes import Outcome
from venvstacks.errors import InterruptedRunError
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.records.task_store import TaskStore


@pytest.fixture
def built(bench: Bench) -> Bench:
    bench.run()
    return bench


def test_a_first_run_does_everything_in_order(bench: Bench) -> None:
    bench.run()
    assert bench.ran == ["a", "b", "c"]
    assert set(bench.statuses().values()) == {"done"}
    assert bench.reasons("b") == ["never run"]


def test_a_second_run_does_nothing(built: Bench) -> None:
    assert built.run() == []
    assert set(built.statuses().values()) == {"up to date"}


def test_a_changed_input_reruns_what_follows(built: Bench) -> None:
    built.write(s="y")
    assert built.run() == ["a", "b", "c"]
    assert built.reasons("a")[0].startswith("changed input: s: ")


def test_the_same_result_ends_the_rerun_early(built: Bench) -> None:
    built.write(s="xx")  # the action writes "x" again
    assert built.run() == ["a"]
    assert built.run() == []


def test_a_changed_fingerprint_reruns_and_names_the_setting(built: Bench) -> None:
    built.versions["b"] = 1
    assert built.run() == ["b"]
    assert built.reasons("b") == ["changed setting: version: 0 -> 1"]


def test_a_missing_output_is_made_again(built: Bench) -> None:
    (built.base / "b.out").unlink()
    assert built.run() == ["b"]
    assert built.reasons("b") == ["missing output: b.out"]


def test_a_missing_environment_is_made_again_although_its_record_exists(tmp_path: Path) -> None:
    def build(node: TaskNode) -> None:
        (tmp_path / "env").mkdir(exist_ok=True)
        bench.do(node)

    bench = Bench(tmp_path, "build: s -> build.json env/python", special={"build": build})
    bench.write(s="x")
    bench.run()
    shutil.rmtree(tmp_path / "env")
    assert bench.run() == ["build"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: s t -> a.out", "new input: t"),
        ("a: -> a.out", "dropped input: s"),
        ("a: s -> a.out more.out", "changed output list: nothing -> more.out"),
    ],
)
def test_a_changed_list_of_files_reruns(built: Bench, text: str, reason: str) -> None:
    built.write(t="t")
    built.text = text
    assert built.run() == ["a"]
    assert any(reason_text.startswith(reason) for reason_text in built.reasons("a")), built.reasons("a")


def test_a_moved_folder_is_up_to_date(built: Bench, tmp_path_factory: pytest.TempPathFactory) -> None:
    new = tmp_path_factory.mktemp("elsewhere") / "deeper" / "🐸 here"
    shutil.copytree(built.base, new)
    moved = Bench(new)
    assert moved.run() == []


def test_times_do_not_count(built: Bench) -> None:
    for name in ("s", "a.out", "b.out"):
        os.utime(built.base / name, (1, 1))
    assert built.run() == []


def test_a_change_that_keeps_size_and_time_counts(built: Bench) -> None:
    before = (built.base / "s").stat()
    built.write(s="z")
    os.utime(built.base / "s", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "a" in built.run()


def test_another_working_folder_shares_the_state(built: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(built.base)
    assert built.run() == []
    monkeypatch.chdir("/")
    assert built.run() == []


def test_forced_tasks_run_and_what_follows_does_not_need_to(built: Bench) -> None:
    assert built.run(forced=["b"]) == ["b"]
    assert built.reasons("b") == ["forced"]


def test_an_ordering_alone_does_not_rerun(bench: Bench) -> None:
    bench.text = "a: s -> a.out\nb: t -> b.out < a"
    bench.write(t="t")
    assert bench.run() == ["a", "b"]
    bench.write(s="y")
    assert bench.run() == ["a"]


def test_an_input_saved_again_meanwhile_is_not_taken_as_built(bench: Bench) -> None:
    def save(node: TaskNode) -> None:
        bench.do(node)
        bench.write(s="y")

    bench.special["a"] = save
    bench.run()
    bench.special.clear()
    assert bench.run()[:1] == ["a"]
    assert bench.run() == []


def test_an_input_saved_twice_meanwhile_is_not_taken_as_built(bench: Bench) -> None:
    """The task may have read either content, so going back to the first makes its result no better."""

    def save(node: TaskNode) -> None:
        bench.write(s="y")
        bench.do(node)

    bench.special["a"] = save
    bench.run()
    bench.special.clear()
    bench.write(s="x")
    assert bench.run()[:1] == ["a"]
    assert bench.read("a.out") == "x"


def test_an_interrupted_rerun_makes_the_record_distrusted(built: Bench) -> None:
    def interrupt(node: TaskNode) -> None:
        (built.base / node.outputs[0]).write_text("half")
        raise InterruptedRunError

    built.write(s="y")
    built.special["a"] = interrupt
    built.run()
    assert built.statuses()["a"] == "interrupted"
    built.special.clear()
    built.write(s="x")
    assert built.run() == ["a"]
    assert built.reasons("a") == ["interrupted"]
    assert built.read("a.out") == "x"


@pytest.mark.parametrize("before", [(), (RuntimeError("no"),)])
def test_an_interrupted_first_run_is_reported(before: tuple[Exception, ...], bench: Bench) -> None:
    def end(error: Exception, _: TaskNode) -> None:
        raise error

    for error in (*before, InterruptedRunError()):
        bench.special["a"] = partial(end, error)
        bench.run()
    bench.special.clear()
    assert bench.run() == ["a", "b", "c"]
    assert (bench.reasons("a"), bench.reasons("b")) == (["interrupted"], ["never run"])


def test_one_job_and_four_come_to_the_same(tmp_path: Path) -> None:
    rows = {}
    for jobs in (1, 4):
        base = tmp_path / str(jobs)
        base.mkdir()
        bench = Bench(base, FAN)
        bench.write(s="ab", t="cd")
        bench.run(jobs=jobs)
        assert bench.run(jobs=5 - jobs) == []
        with TaskStore(base / STATE, writable=False) as store:
            rows[jobs] = {name: store.record(name).inputs for name in store.names()}  # type: ignore[union-attr]
    assert rows[1] == rows[4]


def test_two_runs_in_two_threads_keep_their_states_apart(tmp_path: Path) -> None:
    benches = []
    meet = threading.Barrier(2, timeout=20)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        bench = Bench(tmp_path / name)
        bench.write(s=name)
        bench.special["a"] = lambda node, bench=bench: (meet.wait(), bench.do(node))[0] and {}
        benches.append(bench)
    threads = [threading.Thread(target=bench.run) for bench in benches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    meet.reset()
    for bench in benches:
        bench.special.clear()
        assert set(bench.statuses().values()) == {"done"}
        assert bench.run() == []


def test_ignore_marks_of_doit_do_not_count(built: Bench) -> None:
    with TaskStore(built.base / STATE) as store:
        store.put("a", {**store.row("a"), "ignore:": "1"})
    built.write(s="y")
    assert built.run() == ["a", "b", "c"]


def test_outcomes_have_seconds_and_values(bench: Bench) -> None:
    bench.special["a"] = lambda node: bench.do(node) or {"reason_text": 3}
    bench.run()
    outcome = bench.outcomes["a"]
    assert isinstance(outcome, Outcome)
    assert outcome.values is not None
    assert outcome.values["reason_text"] == 3
    assert 0 <= outcome.values["seconds"] <= outcome.seconds + 0.001
