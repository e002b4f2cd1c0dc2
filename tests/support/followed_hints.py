"""Hints that are followed to the letter: a site where something is wrong, and rows of mistakes with their hints.

A row is a generator: it makes the mistake and yields, whereupon locking has to fail with the hints of the row (or with
a text that it yields); then it does what the hint says. It may yield again, to try another way that a hint names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.index_servers import Index, running
from tests.support.locked_projects import StackOnDisk
from tests.support.specifications import runtime
from venvstacks.api import Request, Selection, run
from venvstacks.errors import VenvstacksError
from venvstacks.planning.requests import task_actions, work_out

LINUX, MAC, WINDOWS = "linux_x86_64", "macosx_arm64", "win_amd64"


@dataclass
class Site:
    """A specification, and how it is locked."""

    stack: StackOnDisk
    house: Path
    cache: Path
    closing: ExitStack
    monkeypatch: pytest.MonkeyPatch
    options: dict[str, Any] = field(default_factory=dict)
    request: dict[str, Any] = field(default_factory=lambda: {"renew_locks": True})
    variables: dict[str, str] = field(default_factory=dict)
    selection: Selection = field(default_factory=Selection)
    is_alone: bool = False

    @property
    def base(self) -> Path:
        return self.stack.base

    def write(self, *tables: str) -> None:
        self.stack.path.write_text("".join(tables), "utf-8")

    def py(self, *requirements: str, platforms: tuple[str, ...] = (LINUX,), head: str = "", **more: Any) -> None:
        """The specification is one runtime."""
        self.write(head, runtime(requirements=list(requirements), platforms=list(platforms), **more))

    def change(self, old: str, new: str) -> None:
        self.stack.change(old, new)

    def lock(self) -> None:
        """Lock, and raise what goes wrong."""
        request = Request(("lock",), self.selection, **self.request)
        variables = self.stack.environment | self.variables
        project = replace(self.stack, variables=variables).project(
            **{"local_wheels": (str(self.house),), "runtime_providers": ("host",), "cache": str(self.cache)}
            | self.options
        )
        if self.is_alone:
            requested = work_out(project, request)
            task_actions(project, requested.options).perform(requested.graph.by_name["lock:py"])
            return
        for outcome in run(project, request).failures:
            raise outcome.error or AssertionError(outcome)

    def index(self, wheels: Path, **more: Any) -> Index:
        """An index that runs until the test ends, and is the default one of the specification."""
        self.options |= {"local_wheels": (), "use_index": True}
        return self.closing.enter_context(running(Index(wheels, **more)))


Row = Callable[[Site], Iterator[str | None]]


@dataclass(frozen=True)
class HintRow:
    """A mistake, parts of the hints that follow it, as the source has them, and what the hints say done."""

    texts: tuple[str, ...]
    steps: Row


class HintRows(list[HintRow]):
    """The rows of one module."""

    def __call__(self, *texts: str) -> Callable[[Row], Row]:
        """Add a row."""

        def add(row: Row) -> Row:
            self.append(HintRow(texts, row))
            return row

        return add

    @property
    def names(self) -> list[str]:
        """Names for the tests of rows."""
        return [row.steps.__name__ for row in self]


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def indexes(index: Index, name: str = "corp", more: str = ", default = true") -> str:
    return f'[tool.uv]\nindex = [{{ name = "{name}", url = "{index.url}"{more} }}]\n'


def follow(site: Site, row: HintRow) -> list[str]:
    """Make the mistakes of a row, each of which locking has to refuse, do what the hints say, and lock.

    Returns:
        What should have been said and was not; empty where every mistake had its hint.

    Raises:
        VenvstacksError: Locking still fails after the hints were followed.
    """
    steps, unsaid = row.steps(site), list[str]()
    text = next(steps)
    while True:
        with pytest.raises(VenvstacksError) as caught:
            site.lock()
        unsaid += [part for part in ([text] if text else row.texts) if part not in str(caught.value)]
        try:
            text = steps.send(caught.value.hint)
        except StopIteration:
            break
    site.lock()
    return unsaid
