"""Three ways to the same tasks: the API (which the command uses), `doit_tasks`, and doit's own loading of a dodo.py."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from doit.cmd_base import ModuleTaskLoader
from doit.cmd_list import List
from doit.task import dict_to_task

import venvstacks
from tests.support.offline_stacks import write_stack
from venvstacks import Request, doit_config, doit_tasks, load_project, plan
from venvstacks.digests import canonical_json
from venvstacks.engine.doit_tasks import Freshness
from venvstacks.engine.outcomes import Silence, idle_outcomes
from venvstacks.graph.taskgraph import TaskGraph, TaskNode
from venvstacks.planning.plan import PlannedTask


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("atexit.register", lambda _: None)
    monkeypatch.chdir(tmp_path)
    return write_stack(tmp_path / "stack")


def node_of(attributes: dict[str, Any]) -> TaskNode:
    (freshness,) = attributes["uptodate"]
    assert isinstance(freshness, Freshness)
    return freshness.node


def test_nodes_inputs_and_fingerprints_are_the_same(spec: Path) -> None:
    graph: TaskGraph = load_project(spec).graph
    listed = [each for each in doit_tasks(spec) if each["name"]]
    loader = ModuleTaskLoader({"DOIT_CONFIG": doit_config(spec), "task_stack": lambda: doit_tasks(spec)})
    loader.setup({})
    command = List(task_loader=loader)
    loaded = {task.name: task for task in loader.load_tasks(command, []) if not task.has_subtask}

    assert {f"{each['basename']}:{each['name']}" for each in listed} == set(graph.by_name) == set(loaded)
    for each in listed:
        node = node_of(each)
        assert node == graph.by_name[node.name]
        task = loaded[node.name]
        assert task.uptodate[0][0].node == node
        wanted = dict_to_task({key: value for key, value in each.items() if key != "basename"} | {"name": node.name})
        assert (task.file_dep, task.targets, set(task.task_dep)) == (
            wanted.file_dep,
            wanted.targets,
            set(wanted.task_dep),
        )
        inputs = () if node.self_described else node.inputs
        expected = {os.path.normpath(os.path.join("stack", path)) for path in inputs}  # noqa: PTH118
        assert {os.path.normpath(path) for path in task.file_dep} == expected


def test_fingerprints_are_the_same_after_a_round_trip_through_the_database(spec: Path) -> None:
    for node in load_project(spec).graph.nodes:
        assert json.loads(canonical_json(node.fingerprint)) == node.fingerprint, node.name


def test_a_plan_starts_no_process_and_writes_nothing(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.Popen.__init__", lambda *_, **__: pytest.fail("a process"))
    before = sorted(spec.parent.rglob("*"))
    planned = plan(load_project(spec), Request(("build",)))
    assert {task.status for task in planned} == {"run"}
    assert sorted(spec.parent.rglob("*")) == before


def test_only_a_plan_without_anything_to_do_is_a_run_already() -> None:
    idle, busy = PlannedTask("a", "up to date"), PlannedTask("b", "maybe")
    assert [outcome.status for outcome in idle_outcomes([idle], Silence())] == ["up to date"]
    assert idle_outcomes([idle, busy], Silence()) == ()


def test_every_name_of_the_api_is_what_it_says_even_when_all_modules_are_loaded() -> None:
    for module in pkgutil.walk_packages(venvstacks.__path__, "venvstacks."):
        if not module.name.endswith(("__main__", ".stacks")):  # the latter only says where its names have gone
            importlib.import_module(module.name)
    for name in venvstacks.__all__:
        assert callable(getattr(venvstacks, name)), name
