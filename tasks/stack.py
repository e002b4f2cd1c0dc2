"""The sample stack as doit tasks, and its applications run from their environments and from their exports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from venvstacks import doit_config, doit_tasks, load_project

SAMPLE = "sample_project/venvstacks.toml"

DOIT_CONFIG = {**doit_config(SAMPLE), "default_tasks": ["manifest", "applications"]}


def task_stack() -> Iterator[dict[str, Any]]:
    """Yield lock, build, link, archive and export tasks of each layer of the sample, and the manifests."""
    yield from doit_tasks(SAMPLE)


def task_applications() -> Iterator[dict[str, Any]]:
    """Run the sample's applications from their exported environments and show what they print."""
    project = load_project(SAMPLE)
    folder = Path(SAMPLE).parent / project.configuration.layout.export
    for layer in project.stack.layers:
        if layer.launch is None or f"export:{layer.env_name}" not in project.graph.by_name:
            continue
        yield {
            "name": layer.name,
            "actions": [[str(folder / layer.env_name / "bin/python"), "-m", layer.launch.module]],
            "task_dep": [f"export:{layer.env_name}"],
            "uptodate": [False],
            "verbosity": 2,
        }
    yield {"name": "places", "actions": [_tell_places], "task_dep": ["manifest"], "uptodate": [False], "verbosity": 2}


def _tell_places() -> None:
    layout = load_project(SAMPLE).configuration.layout
    base = Path(SAMPLE).parent
    for what, folder in (
        ("locks", layout.requirements),
        ("environments", layout.build),
        ("archives", layout.artifacts),
        ("exported environments", layout.export),
    ):
        print(f"{what}: {base / folder}")
