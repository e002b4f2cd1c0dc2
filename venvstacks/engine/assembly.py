"""Makes the `EngineRun` of a project, for the command and for doit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from venvstacks.actions.table import TaskActions
from venvstacks.engine.build_lock import FolderLock
from venvstacks.engine.engine_run import EngineRun
from venvstacks.engine.paths import Paths
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.loading.project import Project


def make_engine_run(project: Project, actions: TaskActions, lock: FolderLock, **settings: Any) -> EngineRun:  # noqa: ANN401
    """The engine_run of a project's tasks; `settings` are further fields of `EngineRun`."""
    trees = {node.name: node.trees for node in project.graph.nodes if node.trees}
    paths = Paths(project.base, Path.cwd())
    settings.setdefault("found", actions.lost_results(project.graph.nodes))
    perform: Callable[[TaskNode], Mapping[str, object]] = actions.perform
    if (seconds := project.options.timeout) is not None:
        from venvstacks.actions.time_limit import limited  # noqa: PLC0415 - for some runs

        perform = limited(actions, seconds)
    return EngineRun(perform, actions.describe_staleness, paths, lock, trees=trees, **settings)
