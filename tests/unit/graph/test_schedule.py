"""Scheduling: bottom levels, the critical path, and the bound that no schedule beats."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks.graph.schedule import (
    FIRST_ESTIMATES,
    Pools,
    bottom_levels,
    critical_path,
    expected_makespan,
    first_estimates,
)
from venvstacks.graph.taskgraph import TaskGraph, TaskNode


def graph_of(edges: dict[str, tuple[str, ...]]) -> TaskGraph:
    """A graph whose tasks read the outputs of others: `{"b": ("a",)}` lets b use a."""
    nodes = [
        TaskNode(name, "build", name, inputs=tuple(f"{needed}.out" for needed in needs), outputs=(f"{name}.out",))
        for name, needs in edges.items()
    ]
    return TaskGraph(tuple(nodes))


DIAMOND = graph_of({"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")})


def test_a_task_weighs_as_much_as_the_longest_way_behind_it() -> None:
    seconds = {"a": 1.0, "b": 5.0, "c": 2.0, "d": 1.0}
    assert bottom_levels(DIAMOND, seconds.__getitem__) == {"d": 1.0, "c": 3.0, "b": 6.0, "a": 7.0}


@pytest.mark.parametrize(
    ("seconds", "tasks", "total"),
    [
        ({"a": 1.0, "b": 5.0, "c": 2.0, "d": 1.0}, ("a", "b", "d"), 7.0),
        ({"a": 1.0, "c": 2.0}, ("a", "c"), 3.0),
        ({"c": 2.0}, ("c",), 2.0),
        ({}, (), 0.0),
    ],
)
def test_the_critical_path_names_only_what_ran(seconds: dict[str, float], tasks: tuple[str, ...], total: float) -> None:
    found = critical_path(DIAMOND, seconds)
    assert (found.tasks, found.seconds) == (tasks, total)


@st.composite
def random_graphs(draw: st.DrawFn) -> tuple[TaskGraph, dict[str, float]]:
    count = draw(st.integers(1, 12))
    edges = {
        f"t{number}": tuple(f"t{below}" for below in range(number) if draw(st.booleans())) for number in range(count)
    }
    seconds = {name: float(draw(st.integers(1, 9))) for name in edges}
    return graph_of(edges), seconds


def _chains(graph: TaskGraph, seconds: dict[str, float]) -> float:
    """The longest chain by trying every task as the last one."""
    longest: dict[str, float] = {}
    for node in graph.nodes:
        longest[node.name] = seconds[node.name] + max((longest[name] for name in graph.needs(node)), default=0.0)
    return max(longest.values())


@given(random_graphs())
def test_the_critical_path_is_a_longest_chain(drawn: tuple[TaskGraph, dict[str, float]]) -> None:
    graph, seconds = drawn
    found = critical_path(graph, seconds)
    assert found.seconds == pytest.approx(_chains(graph, seconds))
    for earlier, later in zip(found.tasks, found.tasks[1:], strict=False):
        assert earlier in graph.needs(graph.by_name[later])


@given(random_graphs(), st.integers(1, 4))
def test_a_list_schedule_by_bottom_levels_respects_the_bound(
    drawn: tuple[TaskGraph, dict[str, float]], jobs: int
) -> None:
    graph, seconds = drawn
    levels = bottom_levels(graph, seconds.__getitem__)
    done: dict[str, float] = {}
    workers = [0.0] * jobs
    waiting = set(graph.by_name)
    while waiting:
        ready = [name for name in waiting if graph.needs(graph.by_name[name]) <= done.keys()]
        chosen = max(ready, key=lambda name: (levels[name], name))
        start = max(min(workers), max((done[n] for n in graph.needs(graph.by_name[chosen])), default=0.0))
        workers[workers.index(min(workers))] = done[chosen] = start + seconds[chosen]
        waiting.remove(chosen)
    bound = max(critical_path(graph, seconds).seconds, sum(seconds.values()) / jobs)
    assert bound <= max(done.values()) + 1e-9
    assert jobs > 1 or max(done.values()) == pytest.approx(sum(seconds.values()))


def test_layers_that_are_made_of_more_are_taken_to_need_longer() -> None:
    nodes = [
        TaskNode(f"{kind}:{layer}", kind, layer, (f"{layer}.lock",), (f"{layer}.{kind}",))  # type: ignore[arg-type]
        for layer in ("small", "large", "new")
        for kind in ("build", "archive")
    ]
    nodes.append(TaskNode("lock:large", "lock", "large", outputs=("large.lock",)))
    sizes = {"small.lock": 100, "large.lock": 300}
    graph = TaskGraph(tuple(nodes), frozenset({"small.lock", "new.lock"}))
    estimates = first_estimates(graph, lambda path: sizes.get(path, 0))
    assert [estimates[f"build:{layer}"] / FIRST_ESTIMATES["build"] for layer in ("small", "large", "new")] == [
        0.5,
        1.5,
        1,
    ]
    assert estimates["archive:large"] == 1.5 * FIRST_ESTIMATES["archive"]
    assert estimates["lock:large"] == FIRST_ESTIMATES["lock"], (
        "how long locking takes is not known from an earlier lock"
    )


@pytest.mark.parametrize(("jobs", "seconds"), [(1, 10.0), (2, 6.0), (3, 6.0)])
def test_an_expected_makespan_is_that_of_the_longest_way_first(jobs: int, seconds: float) -> None:
    graph = graph_of({"short": (), "long": (), "last": ("long",), "free": ()})
    took = {"short": 1.0, "long": 5.0, "last": 1.0, "free": 3.0}
    assert expected_makespan(graph, took, jobs) == seconds


def test_an_expected_makespan_of_nothing_is_nothing() -> None:
    assert expected_makespan(graph_of({"a": ()}), {}, 2) == 0.0


def test_pools_bound_tasks_of_a_sort() -> None:
    pools = Pools.for_jobs(8)
    assert pools.has_room("archive", {"compression": 1})
    assert not pools.has_room("archive", {"compression": 2})
    assert pools.has_room("build", {"compression": 2})
    assert not pools.has_room("build", {"disk": 4})
    assert not pools.has_room("export", {"disk": 4})
    assert pools.has_room("link", {"": 100})
    assert all(Pools.for_jobs(1).has_room(kind, {}) for kind in FIRST_ESTIMATES)
