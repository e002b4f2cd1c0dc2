"""How reasons travel through a graph: tables, without files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest

from tests.support.tiny_graphs import graph_of
from venvstacks.graph.taskgraph import TaskGraph, TaskNode
from venvstacks.planning.plan import PlannedTask, StateView, make_plan, unneeded_environments
from venvstacks.reasons import Reason
from venvstacks.records.staleness import TaskRecord

DIAMOND = """
a: s -> a.out
b: a.out -> b.out
c: a.out t -> c.out
d: b.out c.out -> d.out
e: u -> e.out < d
"""


class World:
    """Files by name with their content as digest, and records of a run in which everything was done."""

    def __init__(self, graph: TaskGraph) -> None:
        self.graph = graph
        self.files: dict[str, str | None] = {path: path for path in (*graph.sources, *graph.makers)}
        self.records: dict[str, TaskRecord] = {node.name: self.recorded(node) for node in graph.nodes}
        self.described: dict[str, tuple[Reason, ...]] = {}

    def recorded(self, node: TaskNode) -> TaskRecord:
        return TaskRecord({path: path for path in node.inputs}, node.fingerprint, node.outputs, 2.5)

    def record(self, task: str) -> TaskRecord | None:
        return self.records.get(task)

    def look(self) -> StateView:
        def exists(path: str) -> bool:
            return self.files.get(path) is not None

        return StateView(self, self.files.get, exists, lambda node: self.described.get(node.name, ()))

    def plan(self, forced: Collection[str] = ()) -> dict[str, PlannedTask]:
        return {task.name: task for task in make_plan(self.graph, self.look(), forced)}


def shown(plan: Mapping[str, PlannedTask]) -> str:
    letters = {"run": "R", "maybe": "m", "up to date": ".", "blocked": "B"}
    return "".join(letters[task.status] for task in plan.values())


@pytest.fixture
def world() -> World:
    return World(graph_of(DIAMOND))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "....."),
        ({"s": "new"}, "Rmmm."),
        ({"t": "new"}, "..Rm."),
        ({"u": "new"}, "....R"),
        ({"b.out": None}, ".R.m."),
        ({"b.out": "tampered"}, "...R."),
        ({"s": None}, "BBBBB"),
        ({"t": None}, "..BBB"),
        ({"s": "new", "d.out": None}, "RmmR."),
        ({"s": "new", "a.out": "tampered"}, "Rmmm."),
    ],
)
def test_changes_travel_along_data_only(world: World, change: dict[str, str | None], expected: str) -> None:
    world.files |= change
    assert shown(world.plan()) == expected


def test_without_records_everything_runs(world: World) -> None:
    world.records.clear()
    assert shown(world.plan()) == "RRRRR"


def test_nothing_is_blocked_by_what_is_still_to_be_made(world: World) -> None:
    world.records.clear()
    world.files |= dict.fromkeys(world.graph.makers)
    plan = world.plan()
    assert shown(plan) == "RRRRR"
    assert [str(reason) for reason in plan["d"].reasons] == ["never run"]


def test_first_causes_and_upstream_tasks_are_distinguished(world: World) -> None:
    world.files["t"] = "new"
    plan = world.plan()
    assert [str(reason) for reason in plan["c"].reasons] == ["changed input: t: t -> new"]
    assert plan["c"].upstream == ()
    assert (plan["d"].reasons, plan["d"].upstream, plan["d"].seconds) == ((), ("c",), 2.5)


def test_forced_tasks_run(world: World) -> None:
    plan = world.plan(["b"])
    assert shown(plan) == ".R.m."
    assert [str(reason) for reason in plan["b"].reasons] == ["forced"]


def test_a_new_input_from_a_task_that_runs_is_certain(world: World) -> None:
    node = world.graph.by_name["d"]
    world.records["d"] = TaskRecord({"b.out": "b.out"}, node.fingerprint, node.outputs)
    world.files["t"] = "new"
    assert shown(world.plan()) == "..RR."


def described(*, gathers: bool = False) -> World:
    inputs = {"gathers": ("a.out",)} if gathers else {"inputs": ("a.out",)}
    first = TaskNode("a", "build", "a", ("s",), outputs=("a.out",))
    second = TaskNode("m", "manifest", "", outputs=("m.out",), self_described=True, **inputs)  # type: ignore[arg-type]
    return World(TaskGraph((first, second), frozenset({"s"})))


@pytest.mark.parametrize(
    ("reasons", "source", "output", "expected"),
    [
        ((), "s", "m.out", ".."),
        ((Reason("changed setting", "x"),), "s", "m.out", ".R"),
        ((Reason("changed input", "in other words"),), "s", "m.out", ".R"),
        ((Reason("changed input", "in other words"),), "new", "m.out", "Rm"),
        ((Reason("changed setting", "x"),), "new", "m.out", "RR"),
        ((), "new", "m.out", "Rm"),
        ((), "s", None, ".R"),
        ((), "new", None, "RR"),
    ],
)
@pytest.mark.parametrize("gathers", [False, True])
def test_outputs_that_describe_themselves_need_no_record(
    reasons: tuple[Reason, ...], source: str, output: str | None, expected: str, *, gathers: bool
) -> None:
    world = described(gathers=gathers)
    del world.records["m"]
    world.files |= {"s": source, "m.out": output}
    world.described["m"] = reasons
    assert shown(world.plan()) == expected


def test_what_is_only_gathered_blocks_nobody() -> None:
    world = described(gathers=True)
    world.files["s"] = None
    assert shown(world.plan()) == "B."


def test_plans_as_data(world: World) -> None:
    world.files["t"] = "new"
    assert world.plan()["c"].as_json() == {
        "task": "c",
        "status": "run",
        "reasons": [{"kind": "changed input", "subject": "t", "old": "t", "new": "new", "details": []}],
        "upstream": [],
        "seconds": 2.5,
    }


LAYERS = """
py: s -> py.json [py.tree]
base: py.json b [py.tree] -> base.json [base.tree]
app: base.json a [py.tree] [base.tree] -> app.json [app.tree]
zip: app.json z [app.tree] -> app.zip
other: py.json o [py.tree] -> other.json [other.tree]
"""
TREES = ("py.tree", "base.tree", "app.tree", "other.tree")


@pytest.mark.parametrize(
    ("change", "wanted", "unneeded"),
    [
        ({}, [], "app base other py"),
        ({"o": "new"}, [], "app base other"),
        ({"a": "new"}, [], "other"),
        ({"z": "new"}, [], "other"),
        ({"b": "new"}, [], "other"),
        ({"app.zip": None}, [], "other"),
        ({"s": "new"}, [], "other"),
        ({}, ["base"], "app other"),
        ({}, ["app", "other"], ""),
    ],
)
def test_environments_are_demanded_by_what_works_in_them(
    change: dict[str, str | None], wanted: list[str], unneeded: str
) -> None:
    world = World(graph_of(LAYERS))
    world.files |= dict.fromkeys(TREES) | change
    assert " ".join(sorted(unneeded_environments(world.graph, world.look(), (), wanted))) == unneeded


def test_environments_that_are_there_are_nobodys_business() -> None:
    world = World(graph_of(LAYERS))
    assert unneeded_environments(world.graph, world.look()) == frozenset()


def test_an_unaffected_task_is_up_to_date_and_what_is_placed_again_runs() -> None:
    world = World(graph_of(LAYERS))
    world.files |= dict.fromkeys(TREES) | {"a": "new"}
    unneeded = unneeded_environments(world.graph, world.look())
    planned = {task.name: task.status for task in make_plan(world.graph, world.look(), (), unneeded)}
    assert planned == {"py": "run", "base": "run", "app": "run", "zip": "maybe", "other": "maybe"}


HOSTED = """
build: s low.out -> build.json [python]
link: build.json l -> link.json [config@build]
zip: link.json -> app.zip
low: t -> low.out
"""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "...."),
        ({"s": "new"}, ".RRm"),
        ({"t": "new"}, "Rmmm"),
        ({"python": None}, ".RRm"),
        ({"l": "new"}, "..Rm"),
    ],
)
def test_tasks_that_write_into_an_environment_run_after_it_is_built_again(
    change: dict[str, str | None], expected: str
) -> None:
    world = World(graph_of(HOSTED))
    world.files |= change
    assert shown(world.plan()) == expected


def test_where_an_environment_need_not_exist_nothing_in_it_is_required() -> None:
    world = World(graph_of(HOSTED))
    world.files |= {"s": "new"}
    planned = {task.name: task.status for task in make_plan(world.graph, world.look(), (), {"link"})}
    assert planned == {"low": "up to date", "build": "run", "link": "maybe", "zip": "maybe"}


def test_what_may_not_be_renewed_is_blocked_once_it_is_stale(world: World) -> None:
    look = replace(world.look(), refuses=lambda node: node.name == "b")
    assert shown({task.name: task for task in make_plan(world.graph, look)}) == "....."
    world.records["b"] = replace(world.records["b"], interrupted=True)
    assert shown({task.name: task for task in make_plan(world.graph, look)}) == ".B.BB"


def test_how_long_a_task_takes_that_never_ended_well_is_not_known(world: World) -> None:
    world.records["b"] = TaskRecord({}, failed="disk full", finished=False)
    assert world.plan()["b"].seconds is None
    world.records["b"] = TaskRecord({}, failed="disk full", finished=False, seconds=3.0)
    assert world.plan()["b"].seconds == 3.0
