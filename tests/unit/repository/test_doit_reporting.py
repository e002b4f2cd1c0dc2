"""What people see of this repository's doit tasks."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace
from typing import Any

import pytest
from doit.exceptions import TaskFailed, UnmetDependency

from tasks.reporting import Reporter


def a_task(name: str, *, out: str = "", err: str = "", verbosity: int = 0, **meta: bool) -> Any:
    return SimpleNamespace(name=name, actions=[SimpleNamespace(out=out, err=err)], verbosity=verbosity, meta=meta)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def reporter(stream: io.StringIO) -> Reporter:
    return Reporter(stream, {})


def printed(stream: io.StringIO) -> str:
    return re.sub(r"\d+\.\d\d s", "0.00 s", stream.getvalue())


def test_a_task_is_printed_when_it_ends(reporter: Reporter, stream: io.StringIO) -> None:
    task = a_task("build:py", out="noise")
    reporter.execute_task(task)
    assert printed(stream) == ""
    reporter.add_success(task)
    assert printed(stream) == "   0.00 s   build:py\n"


def test_a_task_with_output_of_its_own_is_printed_when_it_begins(reporter: Reporter, stream: io.StringIO) -> None:
    reporter.execute_task(a_task("test", verbosity=2))
    assert printed(stream) == "      ...   test\n"


def test_output_that_is_the_point_stands_below_its_task(reporter: Reporter, stream: io.StringIO) -> None:
    reporter.add_success(a_task("applications:frog", out="🐸 one\n🦎 two\n", show=True))
    assert printed(stream) == "   0.00 s   applications:frog\n            🐸 one\n            🦎 two\n"


def test_a_quiet_task_shows_its_output_alone(reporter: Reporter, stream: io.StringIO) -> None:
    reporter.add_success(a_task("places", out="here\n", show=True, quiet=True))
    reporter.complete_run()
    assert printed(stream) == "here\nnothing to do in 0.00 s\n"


def test_groups_are_not_printed(reporter: Reporter, stream: io.StringIO) -> None:
    group = SimpleNamespace(name="build", actions=[], verbosity=0, meta=None)
    reporter.execute_task(group)
    reporter.add_success(group)
    reporter.skip_uptodate(group)
    reporter.complete_run()
    assert printed(stream) == "nothing to do in 0.00 s\n"


def test_a_failure_comes_with_what_nobody_has_seen(reporter: Reporter, stream: io.StringIO) -> None:
    reporter.add_failure(a_task("lint", out="a.py: wrong\n"), TaskFailed("ruff returned 1\n"))
    assert printed(stream) == "   failed   lint\na.py: wrong\nruff returned 1\n"


def test_a_failure_does_not_repeat_what_was_shown(reporter: Reporter, stream: io.StringIO) -> None:
    reporter.add_failure(a_task("test", out="seen\n", verbosity=2), TaskFailed("pytest returned 1"))
    assert "seen" not in printed(stream)


def test_what_a_failure_blocks_is_not_printed_as_a_failure(reporter: Reporter, stream: io.StringIO) -> None:
    reporter.add_failure(a_task("link:py"), UnmetDependency("build:py"))
    reporter.complete_run()
    assert printed(stream) == "  not run   link:py\nnothing to do in 0.00 s\n"


def test_the_end_counts_up(reporter: Reporter, stream: io.StringIO) -> None:
    reporter.add_success(a_task("a"))
    reporter.skip_uptodate(a_task("b"))
    reporter.add_failure(a_task("c"), TaskFailed("no"))
    reporter.complete_run()
    assert printed(stream).endswith("1 done, 1 up to date, 1 failed in 0.00 s\n")


def test_what_doit_itself_complains_about_is_printed(reporter: Reporter, stream: io.StringIO) -> None:
    reporter.runtime_error("the state cannot be read")
    reporter.complete_run()
    assert printed(stream).endswith("the state cannot be read\n")
