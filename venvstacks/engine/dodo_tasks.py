"""What a `dodo.py` needs: tasks as dictionaries, doit's configuration, errors as doit reports them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidDodoFile

from venvstacks.engine.doit_state import DODO_TASKS, ContentChecker, PathCodec, RecordHome
from venvstacks.engine.doit_tasks import task_attributes
from venvstacks.engine.engine_run import EngineRun
from venvstacks.engine.paths import Paths
from venvstacks.errors import VenvstacksError
from venvstacks.graph.taskgraph import TaskGraph, TaskKind


def configuration(paths: Paths, task_state: str, jobs: int) -> dict[str, Any]:
    """Settings of doit under which its commands and this program's share tasks and state."""
    return {
        "backend": "venvstacks",
        "dep_file": paths.shown(task_state),
        "check_file_uptodate": ContentChecker,
        "codec_cls": PathCodec.bound_to(paths, DODO_TASKS),
        "par_type": "thread",
        "num_process": jobs,
        "verbosity": 1,
    }


_GROUPS: Mapping[TaskKind, str] = {
    "wheel": "build the wheels of packages that come from source",
    "lock": "lock the packages of all layers",
    "build": "build the environments of all layers",
    "link": "link all environments to the layers below them",
    "check": "import what all layers declare",
    "archive": "publish one archive for each layer",
    "export": "export all environments as folders that can be used on this machine",
    "manifest": "describe all archives, and all exports, together",
}


def task_dictionaries(graph: TaskGraph, engine_run: EngineRun, state: Path) -> Iterator[dict[str, Any]]:
    """The tasks of `graph` as a task creator yields them; tasks of one kind form a group of that name.

    Args:
        graph: The tasks.
        engine_run: What they need; all names begin with its prefix.
        state: The database of their records.
    """
    kinds, prefix = {node.kind for node in graph.nodes}, engine_run.prefix
    groups = ((prefix + kind, doc) for kind, doc in _GROUPS.items() if kind in kinds)
    yield from ({"basename": name, "name": None, "doc": doc} for name, doc in groups)
    for node in graph.nodes:
        DODO_TASKS[prefix + node.name] = RecordHome(state.absolute(), node.name, engine_run.paths)
        basename, _, name = node.name.partition(":")
        yield {"basename": prefix + basename, "name": name, **task_attributes(node, graph, engine_run)}


def report_waiting() -> None:
    """Print why nothing happens for a while; doit's reporters cannot."""
    print("another run is using the build folder; waiting for it to end", file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def reporting_faults() -> Iterator[None]:
    """Turn this program's errors into doit's, which are shown without a traceback."""
    try:
        yield
    except VenvstacksError as error:
        raise InvalidDodoFile(str(error)) from None
