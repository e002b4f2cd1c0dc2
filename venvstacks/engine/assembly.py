"""Puts together what the tasks of a project need, for both doors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from venvstacks.actions.table import Workshop
from venvstacks.engine.build_lock import FolderLock
from venvstacks.engine.doit_tasks import Services
from venvstacks.engine.paths import Paths
from venvstacks.loading.project import Project


def make_services(project: Project, workshop: Workshop, lock: FolderLock, **settings: Any) -> Services:  # noqa: ANN401
    """The services of a project's tasks; `settings` are further fields of `Services`."""
    trees = {node.name: node.trees for node in project.graph.nodes if node.trees}
    paths = Paths(project.base, Path.cwd())
    return Services(workshop.perform, workshop.describe_staleness, paths, lock, trees=trees, **settings)
