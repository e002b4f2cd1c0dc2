"""One flat environment with everything that a layer sees: the measure of what layering may change."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from venvstacks.actions.building.environment_tree import place_tree
from venvstacks.actions.earlier_results import read_back
from venvstacks.actions.layer_request import LayerRequest
from venvstacks.errors import ImportCheckError
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.records.tree_records import BuildRecord
from venvstacks.tools.files import staging_folder


@contextlib.contextmanager
def flat_environment(request: LayerRequest) -> Iterator[Path]:
    """The interpreter of an environment that holds the files of a layer and of all layers below; removed afterwards.

    Where several layers have a file of one path, it is that of the upper one, as an import would find it.

    Raises:
        ImportCheckError: A layer's record is missing.
        OSError: The environment cannot be made.
    """
    layer, platform, layout = request.layer, request.platform, request.layout
    runtime = EnvironmentLayout.of(layer.runtime or layer, platform)
    with staging_folder(request.base / layout.staging, f"{layer.env_name}.flat") as staging:
        placed: set[str] = set()
        for one in (layer, *layer.below):
            own = EnvironmentLayout.of(one, platform)
            record = read_back(BuildRecord, request.base / layout.record("build", one), ImportCheckError)
            entries = [
                entry
                for entry in record.entries
                if entry.path not in placed and (one.runtime is None or not _is_of_python(entry.path, own))
            ]
            place_tree(entries, request.base / layout.environment(one), staging / "env")
            placed.update(entry.path for entry in entries)
        yield staging / "env" / runtime.interpreter


def _is_of_python(path: str, layout: EnvironmentLayout) -> bool:
    """Whether a path of a layered environment leads to the interpreter of the layer below."""
    return path.startswith(f"{layout.executables}/python") or path in {layout.interpreter, "lib64"}
