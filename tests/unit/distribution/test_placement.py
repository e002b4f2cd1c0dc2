"""Which worker does which task."""

from __future__ import annotations

import pytest

from tests.support.specifications import RUNTIME, application, framework, stack_of
from venvstacks.distribution.orders import Answer
from venvstacks.distribution.placement import Placement
from venvstacks.graph.compiler import compile_stack
from venvstacks.graph.configuration import Configuration
from venvstacks.model.platforms import PLATFORMS

LAYERS = RUNTIME + framework("big") + framework("small") + application("app", "big")


@pytest.fixture
def placement() -> Placement:
    made = Placement(compile_stack(stack_of(LAYERS), Configuration(PLATFORMS["linux_x86_64"])))
    made.expect({"build:framework-big": 5.0, "link:framework-big": 1.0})
    made.update(["a", "b"])
    return made


def do(placement: Placement, task: str, seconds: float = 1.0, by: str = "") -> str:
    worker = placement.begin(task)
    assert worker
    placement.end(task, worker, Answer(by or worker, seconds))
    return worker


def test_a_task_is_done_where_its_environments_are(placement: Placement) -> None:
    do(placement, "build:py", by="b")
    do(placement, "build:framework-big", by="b")
    assert do(placement, "link:framework-big") == "b"
    assert do(placement, "archive:framework-big") == "b"


def test_a_busy_worker_gets_nothing_more(placement: Placement) -> None:
    do(placement, "build:framework-big", by="b")
    assert placement.begin("archive:framework-big") == "b"
    assert placement.begin("link:framework-big") == "a"
    placement.end("archive:framework-big", "b", None)
    assert placement.begin("link:framework-big") == "b"


def test_workers_of_other_runs_come_last(placement: Placement) -> None:
    do(placement, "build:framework-big", by="b")
    placement.update(["a", "b"], ["b"])
    assert placement.begin("link:framework-big") == "a"
    assert placement.begin("archive:framework-big") == "b", "each has one task now"


def test_what_lacks_environments_is_less_urgent_by_the_time_they_take(placement: Placement) -> None:
    do(placement, "build:py", by="b")
    do(placement, "build:framework-big", 5.0, by="b")
    do(placement, "link:framework-big", by="b")
    do(placement, "build:framework-small", by="a")
    assert placement.begin("check:py") == "b"
    ready = {"archive:framework-big": 8.0, "archive:framework-small": 4.0}
    assert placement.choose(ready) == "archive:framework-small", "6 of 8 seconds would be for what b has"
    assert placement.choose({**ready, "archive:framework-big": 20.0}) == "archive:framework-big"


def test_a_worker_that_comes_back_has_nothing(placement: Placement) -> None:
    do(placement, "build:framework-big", by="b")
    placement.update(["a"])
    assert placement.begin("archive:framework-big") == "a"
    placement.update([])
    assert placement.begin("archive:framework-big") is None
    assert placement.choose({"link:framework-small": 1.0}) == "link:framework-small"


def test_failed_tasks_leave_nothing(placement: Placement) -> None:
    placement.end("build:framework-big", placement.begin("build:framework-big"), None)
    do(placement, "build:framework-small", by="b")
    assert placement.begin("archive:framework-small") == "b"
    assert placement.begin("archive:framework-big") == "a"
