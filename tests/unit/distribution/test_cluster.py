"""What a run does about workers that are lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from tests.support.specifications import RUNTIME, framework, stack_of
from venvstacks.distribution.cluster import Cluster
from venvstacks.distribution.orders import Answer, Order
from venvstacks.distribution.placement import Placement
from venvstacks.distribution.worker_offers import Offer
from venvstacks.errors import BuildError
from venvstacks.graph.compiler import compile_stack
from venvstacks.graph.configuration import Configuration
from venvstacks.model.platforms import PLATFORMS

OFFER = Offer("linux_x86_64", {"uv": "1"})
ORDER = Order("run", "/base", "build:framework-base", "key", forced=False, store="store")

pytest.importorskip("distributed")


@dataclass
class Scheduler:
    """Workers by address; one that dies keeps its results for itself.

    Attributes:
        workers: Addresses.
        dying: Those that are lost as soon as they have done a task.
        breaking: How many answers the connection breaks under.
        asked: Where tasks were sent.
    """

    workers: list[str]
    dying: set[str]
    asked: list[str] = field(default_factory=list)
    status: str = "running"
    breaking: int = 0

    def scheduler_info(self, n_workers: int) -> dict[str, Any]:
        assert n_workers == -1, "Dask lists five workers otherwise"
        return {"workers": {each: {"name": each, "resources": {OFFER.resource: 1.0}} for each in self.workers}}

    def processing(self) -> dict[str, list[str]]:
        """Of workers that came just now, nothing is known."""
        return {}

    def submit(self, *_: object, workers: list[str], **__: object) -> Doing:
        (address,) = workers
        self.asked.append(address)
        return Doing(self, address)

    def cancel(self, *_: object, **__: object) -> None:
        """Nothing runs."""

    run = cancel


@dataclass(eq=False)
class Doing:
    """A task that was done, by a worker that may be lost then: Dask has it done again, and nobody can."""

    scheduler: Scheduler
    address: str

    def add_done_callback(self, call: Callable[[object], None]) -> None:
        call(self)

    def result(self, timeout: float) -> Answer:
        if self.scheduler.breaking:
            from distributed.comm.core import CommClosedError  # noqa: PLC0415 - an extra

            self.scheduler.breaking -= 1
            raise CommClosedError
        if self.address in self.scheduler.dying:
            if self.address in self.scheduler.workers:
                self.scheduler.workers.remove(self.address)
            threading.Event().wait(min(timeout, 0.2))
            raise TimeoutError
        return Answer(self.address)

    def release(self) -> None:
        """Nobody wants it any longer."""


@pytest.fixture
def used() -> Iterator[Callable[[Scheduler], Cluster]]:
    clusters: list[Cluster] = []

    def use(scheduler: Scheduler) -> Cluster:
        placement = Placement(
            compile_stack(stack_of(RUNTIME + framework("base")), Configuration(PLATFORMS["linux_x86_64"]))
        )
        clusters.append(Cluster(cast("Any", scheduler), "tcp://host:1", OFFER, placement))
        clusters[-1].await_workers()
        return clusters[-1]

    yield use
    for cluster in clusters:
        cluster.close()


def test_a_worker_that_is_lost_with_its_result_is_replaced(used: Callable[[Scheduler], Cluster]) -> None:
    scheduler = Scheduler(["a", "b"], {"a"})
    assert used(scheduler).ask(ORDER, 1.0) == Answer("b")
    assert scheduler.asked == ["a", "b"]


def test_a_task_that_kills_four_workers_fails(used: Callable[[Scheduler], Cluster]) -> None:
    scheduler = Scheduler(list("abcde"), set("abcde"))
    with pytest.raises(BuildError, match="4 workers died one after another while they did build:framework-base"):
        used(scheduler).ask(ORDER, 1.0)
    assert scheduler.asked == list("abcd")


def test_an_answer_is_asked_for_again_if_the_connection_to_the_scheduler_breaks(
    used: Callable[[Scheduler], Cluster],
) -> None:
    scheduler = Scheduler(["a"], set(), breaking=1)
    assert used(scheduler).ask(ORDER, 1.0) == Answer("a")
    assert scheduler.asked == ["a", "a"]
