"""What a `dodo.py` needs: tasks as dictionaries, doit's configuration, faults as doit tells them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from doit.exceptions import InvalidDodoFile

from venvstacks.engine.doit_state import ContentChecker, PathCodec
from venvstacks.engine.doit_tasks import EngineRun, task_attributes
from venvstacks.engine.paths import Paths
from venvstacks.errors import VenvstacksError
from venvstacks.graph.taskgraph import TaskGraph, TaskKind


def configuration(paths: Paths, task_state: str, jobs: int) -> dict[str, Any]:
    """Settings of doit under which its commands and this program's share tasks and state."""
    return {
        "backend": "venvstacks",
        "dep_file": paths.shown(task_state),
        "check_file_uptodate": ContentChecker,
        "codec_cls": PathCodec.bound_to(paths),
        "par_type": "thread",
        "num_process": jobs,
        "verbosity": 1,
    }


_GROUPS: Mapping[TaskKind, str] = {
    "lock": "lock the packages of all layers",
    "build": "build the environments of all layers",
    "link": "link all environments to the layers below them",
    "archive": "publish one archive for each layer",
    "export": "lay all environments down as folders that can be used on this machine",
    "manifest": "describe all archives, and all exports, together",
}


def task_dictionaries(graph: TaskGraph, engine_run: EngineRun) -> Iterator[dict[str, Any]]:
    """The tasks of `graph` as a task creator yields them; tasks of one kind form a group of that name."""
    kinds = {node.kind for node in graph.nodes}
    yield from ({"basename": kind, "name": None, "doc": doc} for kind, doc in _GROUPS.items() if kind in kinds)
    for node in graph.nodes:
        basename, _, name = node.name.partition(":")
        yield {"basename": basename, "name": name, **task_attributes(node, graph, engine_run)}


def tell_waiting() -> None:
    """Say why nothing happens for a while; doit's reporters know nothing of it."""
    print("another run is using the build folder; waiting for it to end", file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def reporting_faults() -> Iterator[None]:
    """Turn this program's errors into doit's, which are shown without a traceback."""
    try:
        yield
    except VenvstacksError as error:
        raise InvalidDodoFile(str(error)) from None
