"""Which task is to begin next, and on which worker: the one that has most of the environments that the task works in.

An environment is created on each worker whose tasks work in it. That takes as long as its tasks took elsewhere, so a
ready task counts as less urgent by that many seconds on a worker that lacks environments.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from venvstacks.distribution.orders import Answer
from venvstacks.graph.schedule import FIRST_ESTIMATES
from venvstacks.graph.taskgraph import TaskGraph


@dataclass
class Placement:
    """The workers of one run, as far as this run knows what they have and do; used by several threads.

    Attributes:
        graph: The tasks of the run.
    """

    graph: TaskGraph
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _seconds: dict[str, float] = field(default_factory=dict)
    _has: dict[str, set[str]] = field(default_factory=dict)
    _busy: dict[str, int] = field(default_factory=dict)
    _crowded: frozenset[str] = frozenset()
    _needs: dict[str, frozenset[str]] = field(default_factory=dict)

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Take note of how long tasks are expected to take."""
        with self._guard:
            self._seconds.update(seconds)

    def update(self, workers: Collection[str], crowded: Collection[str] = ()) -> None:
        """Take note of the workers.

        Args:
            workers: Names of all that can do the tasks of the run.
            crowded: Those of them that do tasks of other runs.
        """
        with self._guard:
            self._has = {name: self._has.get(name, set()) for name in sorted(workers)}
            self._crowded = frozenset(crowded)

    def choose(self, ready: Mapping[str, float]) -> str:
        """Which of several tasks is to begin next.

        Args:
            ready: Tasks that may begin, each with the seconds from its beginning to the end of the run.
        """
        with self._guard:
            free = self._free()
            urgency = {
                name: level - min((self._missing(name, worker) for worker in free), default=0.0)
                for name, level in ready.items()
            }
        return max(urgency, key=lambda name: urgency[name])

    def begin(self, task: str) -> str | None:
        """The worker that is to do a task, which is busy from then on; None if no worker is known."""
        with self._guard:
            free = self._free()
            if not free:
                return None
            worker = min(free, key=lambda name: self._missing(task, name))
            self._busy[worker] = self._busy.get(worker, 0) + 1
            return worker

    def end(self, task: str, worker: str | None, answer: Answer | None) -> None:
        """Take note that a task has ended.

        Args:
            task: The task.
            worker: The worker that `begin` chose.
            answer: What the worker that has done it says; None if it was not done.
        """
        with self._guard:
            if worker is not None:
                self._busy[worker] -= 1
            if answer is not None:
                self._seconds[task] = answer.seconds
                self._has.setdefault(answer.worker, set()).update(self._needed(task), [task])

    def _free(self) -> list[str]:
        """The workers that do the fewest tasks, those of other runs included."""
        loads = {name: self._busy.get(name, 0) + (name in self._crowded) for name in self._has}
        return [name for name, load in loads.items() if load == min(loads.values())]

    def _missing(self, task: str, worker: str) -> float:
        """Seconds until a worker has what a task works in."""
        return sum(map(self._expected, self._needed(task) - self._has[worker]))

    def _expected(self, task: str) -> float:
        return self._seconds.get(task, FIRST_ESTIMATES[self.graph.by_name[task].kind])

    def _needed(self, task: str) -> frozenset[str]:
        """The tasks that create what a task works in; kept, as it is asked for each ready task and worker."""
        if task not in self._needs:
            found, pending = set[str](), [task]
            while pending:
                node = self.graph.by_name.get(pending.pop())
                new = {*node.uses} - found if node else set()
                found |= new
                pending += new
            self._needs[task] = frozenset(found)
        return self._needs[task]
