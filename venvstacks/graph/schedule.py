"""Scheduling: which tasks start first, and the shortest time that a run could take.

The rule is list scheduling by bottom level: of all tasks that may start, the one with the longest chain of tasks from
it to the end of the run starts first (Hu, 1961; the usual heuristic of build systems and compilers).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from venvstacks.graph.taskgraph import TaskGraph

FIRST_ESTIMATES: Mapping[str, float] = {
    "wheel": 3.0, "lock": 1.5, "build": 0.6, "link": 0.1, "check": 0.6, "archive": 4.0, "export": 1.0, "manifest": 0.01,
}  # fmt: skip
"""Seconds that a task is taken to need before it ever ran: what the sample's tasks take on two cores, rounded."""

_POOLS: Mapping[str, str] = {
    "wheel": "network",
    "lock": "network",
    "build": "disk",
    "export": "disk",
    "archive": "compression",
}


@dataclass(frozen=True)
class Pools:
    """How many tasks of a kind may run at a time; tasks without a pool are limited by the number of jobs alone.

    One archive is compressed while the next one is prepared. Tasks that write thousands of files wait for each other
    if more than a few of them run.

    Attributes:
        slots: Number of tasks by pool.
    """

    slots: Mapping[str, int]

    @classmethod
    def for_jobs(cls, jobs: int) -> Pools:
        """The pools of a run with this number of jobs."""
        return cls({"network": max(1, jobs), "compression": 2, "disk": max(2, jobs // 2)})

    def of(self, kind: str) -> str:
        """The pool of a kind of tasks; empty for kinds without a pool."""
        return _POOLS.get(kind, "")

    def has_room(self, kind: str, busy: Mapping[str, int]) -> bool:
        """Whether another task of a kind may start, given the number of running tasks of each pool."""
        pool = self.of(kind)
        return busy.get(pool, 0) < self.slots.get(pool, 1 << 30)


def first_estimates(graph: TaskGraph, size: Callable[[str], int]) -> dict[str, float]:
    """Seconds that each task is expected to need before it ever ran; only their proportions have to be right.

    A layer with many packages has a long lock, and takes longer to build, to import and to pack. So the estimates of a
    layer's tasks are proportional to the size of its build's inputs.

    Args:
        graph: The tasks of the run.
        size: Bytes of an input, 0 if it does not exist yet.
    """
    sizes = {node.env_name: sum(map(size, node.inputs)) for node in graph.nodes if node.kind == "build"}
    known = {name: count for name, count in sizes.items() if count}
    mean = sum(known.values()) / max(1, len(known))
    shares = {name: count / mean for name, count in known.items()}
    return {
        node.name: FIRST_ESTIMATES[node.kind] * (1.0 if node.kind == "lock" else shares.get(node.env_name, 1.0))
        for node in graph.nodes
    }


def bottom_levels(graph: TaskGraph, seconds: Callable[[str], float]) -> dict[str, float]:
    """For each task the seconds from its start to the end of the run, if no task had to wait for a free processor.

    Args:
        graph: The tasks of the run.
        seconds: How long a task is expected to take.
    """
    followers = _followers(graph)
    levels: dict[str, float] = {}
    for node in reversed(graph.nodes):  # every task comes after those that it needs
        levels[node.name] = seconds(node.name) + max((levels[name] for name in followers[node.name]), default=0.0)
    return levels


@dataclass(frozen=True)
class CriticalPath:
    """The chain of dependent tasks that takes longest: a run cannot be shorter, even with more processors.

    Attributes:
        tasks: The chain, in the order of running.
        seconds: How long the chain takes.
    """

    tasks: tuple[str, ...] = ()
    seconds: float = 0.0


def critical_path(graph: TaskGraph, seconds: Mapping[str, float]) -> CriticalPath:
    """The critical path of a run.

    Args:
        graph: The tasks of the run.
        seconds: How long each task took that ran; tasks that are missing count as zero.
    """
    levels = bottom_levels(graph, lambda name: seconds.get(name, 0.0))
    path: list[str] = []
    needed_by = {name: graph.needs(node) for name, node in graph.by_name.items()}
    candidates = [node.name for node in graph.nodes]
    while candidates:
        first = max(candidates, key=lambda name: levels[name])
        if levels[first] <= 0:
            break
        path.append(first)
        candidates = [name for name, needs in needed_by.items() if first in needs]
    ran = tuple(name for name in path if seconds.get(name, 0.0) > 0)
    return CriticalPath(ran, sum(seconds.get(name, 0.0) for name in ran))


def expected_makespan(graph: TaskGraph, seconds: Mapping[str, float], jobs: int) -> float:
    """How long a run would take if each task took as long as expected, tasks going in the order of `bottom_levels`.

    Args:
        graph: The tasks of the run.
        seconds: How long each task takes that would run; tasks that are missing count as zero.
        jobs: Tasks that run at the same time.
    """
    levels = bottom_levels(graph, lambda name: seconds.get(name, 0.0))
    waiting = {node.name: len(graph.needs(node) & graph.by_name.keys()) for node in graph.nodes}
    ready = [(-levels[name], name) for name, count in waiting.items() if not count]
    heapq.heapify(ready)
    running: list[tuple[float, str]] = []
    followers = _followers(graph)
    now = 0.0
    while ready or running:
        while ready and len(running) < max(1, jobs):
            name = heapq.heappop(ready)[1]
            heapq.heappush(running, (now + seconds.get(name, 0.0), name))
        now, ended = heapq.heappop(running)
        for name in followers[ended]:
            waiting[name] -= 1
            if not waiting[name]:
                heapq.heappush(ready, (-levels[name], name))
    return now


def _followers(graph: TaskGraph) -> dict[str, list[str]]:
    followers: dict[str, list[str]] = {node.name: [] for node in graph.nodes}
    for node in graph.nodes:
        for needed in graph.needs(node) & followers.keys():
            followers[needed].append(node.name)
    return followers
