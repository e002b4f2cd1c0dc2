"""Which tasks to start first, and what a run could not have been faster than.

The rule is list scheduling by bottom level: of all tasks that may start, the one goes first that has the longest way
to the end of the run still behind it (Hu, 1961; the usual heuristic of build systems and compilers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from venvstacks.graph.taskgraph import TaskGraph


def bottom_levels(graph: TaskGraph, seconds: Callable[[str], float]) -> dict[str, float]:
    """For each task the seconds from its start to the end of the run, if nothing ever had to wait.

    Args:
        graph: What is run.
        seconds: How long a task is expected to take.
    """
    followers: dict[str, list[str]] = {node.name: [] for node in graph.nodes}
    for node in graph.nodes:
        for needed in graph.needs(node):
            if needed in followers:
                followers[needed].append(node.name)
    levels: dict[str, float] = {}
    for node in reversed(graph.nodes):
        levels[node.name] = seconds(node.name) + max((levels[name] for name in followers[node.name]), default=0.0)
    return levels


@dataclass(frozen=True)
class CriticalPath:
    """The longest chain of tasks of a run: no number of processors makes the run shorter than this.

    Attributes:
        tasks: The chain, in the order of running.
        seconds: How long it takes.
    """

    tasks: tuple[str, ...] = ()
    seconds: float = 0.0


def critical_path(graph: TaskGraph, seconds: Mapping[str, float]) -> CriticalPath:
    """The critical path of a run.

    Args:
        graph: What was run.
        seconds: How long each task that ran has taken; tasks that are not in it took no time.
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


def makespan_bound(graph: TaskGraph, seconds: Mapping[str, float], jobs: int) -> float:
    """What no schedule on `jobs` processors can beat: the critical path, or all work divided evenly."""
    return max(critical_path(graph, seconds).seconds, sum(seconds.values()) / max(1, jobs))
