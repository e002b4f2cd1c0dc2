"""Whether what a layer needs differs between maintenance releases of its Python, such as 3.11.2 and 3.11.9."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.markers import InvalidMarker
from packaging.requirements import InvalidRequirement, Requirement

from venvstacks.model.markers import holds
from venvstacks.model.platforms import PythonImplementation, TargetPlatform

_VARIABLES = ("python_full_version", "implementation_version")
_LAST = 99


def differs_between_patches(text: str, python: PythonImplementation, targets: Iterable[TargetPlatform]) -> bool:
    """Whether some package is needed on one maintenance release and not on another.

    Args:
        text: What `uv pip compile --universal` printed: one pin per line, each with the marker that it is for.
        python: The Python of the layer.
        targets: Its target platforms.
    """
    conditional = [line for line in text.splitlines() if any(variable in line for variable in _VARIABLES)]
    mentioned = {int(patch) for patch in re.findall(rf"['\"]{re.escape(python.short_version)}\.(\d+)", text)}
    patches = {0, _LAST, *mentioned, *(patch - 1 for patch in mentioned if patch), *(patch + 1 for patch in mentioned)}
    releases = [PythonImplementation(python.name, f"{python.short_version}.{patch}") for patch in sorted(patches)]
    environments = [[target.marker_environment(release) for release in releases] for target in targets]
    return any(_differs(line, environments) for line in conditional)


def _differs(line: str, environments: Iterable[Iterable[dict[str, str]]]) -> bool:
    try:
        marker = Requirement(line).marker
        if marker is None:
            return False
        return any(len({holds(marker, environment) for environment in releases}) > 1 for releases in environments)
    except (InvalidRequirement, InvalidMarker):
        return True
