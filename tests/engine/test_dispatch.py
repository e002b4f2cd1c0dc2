"""The order in which tasks are handed out, and what bounds it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from doit.control import ExecNode, TaskControl, TaskDispatcher
from doit.runner import MRunner
from doit.task import dict_to_task

from tests.support.tiny_graphs import Bench
from venvstacks.engine.dispatch import PriorityDispatcher
from venvstacks.graph.schedule import Pools
from venvstacks.graph.taskgraph import TaskNode

WIDE = """
a: s -> a.out
b: s -> b.out
c: s -> c.out
d: c.out -> d.out
"""


def test_the_longest_way_goes_first(tmp_path: Path) -> None:
    bench = Bench(tmp_path, WIDE)
    bench.write(s="x")
    bench.run()
    assert bench.ran[0] == "c", "first estimates: two tasks take longer than one"

    bench.special["b"] = lambda node: (time.sleep(0.2), bench.do(node))[1]  # type: ignore[func-returns-value]
    bench.run(forced="abcd")
    bench.run(forced="abcd")
    assert bench.ran[0] == "b", "it took the longest the last time"


def dispatcher(kinds: dict[str, str], **needs: str) -> PriorityDispatcher:
    tasks = [dict_to_task({"name": name, "actions": None, "task_dep": needs.get(name, "").split()}) for name in kinds]
    control = TaskControl(tasks)
    control.process(None)
    levels = {name: float(len(kinds) - place) for place, name in enumerate(kinds)}
    return PriorityDispatcher(control, levels, kinds, Pools({"compression": 1}))


def answer(asked: PriorityDispatcher, ended: ExecNode | None, status: str | None = "run") -> str:
    """Ask for a node, as doit's runner does, which then runs or ends at once."""
    node = asked.generator.send(ended)
    if isinstance(node, str):
        return node
    node.run_status = status
    return str(node.task.name)


def test_a_full_pool_lets_others_pass() -> None:
    asked = dispatcher({"x": "archive", "y": "archive", "z": "link"})
    assert answer(asked, None) == "x"
    assert answer(asked, None) == "z"
    assert answer(asked, None) == "hold on"
    asked.nodes["x"].run_status = "successful"
    assert answer(asked, asked.nodes["x"]) == "y"


def test_followers_wait_for_all_and_hear_of_failures() -> None:
    asked = dispatcher({"x": "link", "y": "link", "z": "link"}, z="x y")
    assert [answer(asked, None), answer(asked, None)] == ["x", "y"]
    asked.nodes["x"].run_status = "failure"
    assert answer(asked, asked.nodes["x"]) == "hold on"
    asked.nodes["y"].run_status = "successful"
    assert answer(asked, asked.nodes["y"]) == "z"
    assert [bad.task.name for bad in asked.nodes["z"].bad_deps] == ["x"]


def test_tasks_that_are_up_to_date_free_others_at_once() -> None:
    asked = dispatcher({"x": "link", "y": "link"}, y="x")
    assert answer(asked, None, "up-to-date") == "x"
    assert answer(asked, asked.nodes["x"], "up-to-date") == "y"
    with pytest.raises(StopIteration):
        asked.generator.send(asked.nodes["y"])


def test_doit_asks_as_it_used_to() -> None:
    assert {"_dispatcher_generator", "_gen_node"} <= set(dir(TaskDispatcher))
    assert {"hold on", "run"} <= set(MRunner.get_next_job.__code__.co_consts) | {"run"}
    assert {"task", "run_status", "bad_deps"} <= set(vars(ExecNode(dict_to_task({"name": "t", "actions": None}), None)))


def test_tasks_run_side_by_side(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "a: s -> a.out\nb: s -> b.out")
    bench.write(s="x")
    both = threading.Barrier(2, timeout=30)

    def meet(node: TaskNode) -> None:
        both.wait()
        bench.do(node)

    bench.special = {"a": meet, "b": meet}
    assert bench.run(jobs=2) == ["a", "b"]
    assert set(bench.statuses().values()) == {"done"}
