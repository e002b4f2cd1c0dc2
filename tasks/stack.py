"""The sample stack as doit tasks, its applications run from their exports, and where everything is.

`doit` alone does all of it. A task with unchanged inputs does not run again. That includes the applications, which
depend on their exports.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.reporting import Reporter
from venvstacks import Project, doit_config, doit_tasks, load_project

SAMPLE = "sample_project/venvstacks.toml"

DOIT_CONFIG = {
    **doit_config(SAMPLE),
    "default_tasks": ["manifest", "applications", "places"],
    "reporter": Reporter,
}


def task_stack() -> Iterator[dict[str, Any]]:
    """Yield the tasks of each layer of the sample, and of the manifests."""
    yield from doit_tasks(SAMPLE)
    yield {"basename": "applications", "name": None, "doc": "run the sample's applications from their exports"}
    yield from _applications(load_project(SAMPLE))


def _applications(project: Project) -> Iterator[dict[str, Any]]:
    """One task for each application that is made for this machine."""
    base = Path(SAMPLE).parent
    for layer in project.stack.layers:
        if layer.launch_module is None or f"export:{layer.env_name}" not in project.graph.by_name:
            continue
        below = [f"export:{name}" for name in (layer.env_name, *(lower.env_name for lower in layer.below))]
        outputs = [path for name in below for path in project.graph.by_name[name].outputs]
        yield {
            "basename": "applications",
            "name": layer.name,
            "actions": [[str(project.python_path(layer, exported=True)), "-m", layer.launch_module]],
            "file_dep": [str(base / path) for path in outputs],
            "verbosity": 0,
            "meta": {"show": True},
            "doc": f"run {layer.name} from its export",
        }


def task_places() -> dict[str, Any]:
    """Say where everything is."""
    return {
        "actions": [_print_places],
        "task_dep": ["manifest", "applications"],
        "uptodate": [False],
        "verbosity": 0,
        "meta": {"show": True, "quiet": True},
        "doc": "say where everything is",
    }


def _print_places() -> None:
    layout = load_project(SAMPLE).configuration.layout
    base = Path(SAMPLE).parent
    places = {
        "locks": layout.requirements,
        "environments": layout.build,
        "archives": layout.artifacts,
        "exports": layout.export,
    }
    for what, folder in places.items():
        print(f"{what + ':':<14}{base / folder}")
