"""The console and GUI scripts that a distribution declares, under the names that installers give them."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint, PathDistribution
from pathlib import Path

_OF_ONE_PYTHON = re.compile(r"pip3\.\d+")


def declared_scripts(dist_info: Path, short_version: str) -> dict[str, EntryPoint]:
    """The entry points of scripts by the names of the scripts.

    pip's wheel names its scripts without a version, or with that of the Python that it was made with; installers add
    the one for the Python that they install for (`pip3.11`) and leave out those of others.

    Args:
        dist_info: The metadata of the distribution.
        short_version: `X.Y` of the environment's Python.
    """
    found = {
        point.name: point
        for point in PathDistribution(dist_info).entry_points
        if point.group in {"console_scripts", "gui_scripts"} and not _OF_ONE_PYTHON.fullmatch(point.name)
    }
    if point := found.get("pip3"):
        found[f"pip{short_version}"] = point
    return found
