"""Keys under which a CI system stores the state of a stack, and the folders to be stored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from venvstacks.digests import sha256_file, sha256_json
from venvstacks.loading.project import Project
from venvstacks.model.conventions import METADATA_DIR

_FORMAT = 1
"""Raised when stored state of earlier versions must not be restored."""


@dataclass(frozen=True)
class CacheKey:
    """What to store state under.

    Attributes:
        key: Names the state that belongs to exactly these inputs.
        restore: Prefix of the keys of this stack's earlier states: the latest of them is the best to begin with.
        paths: What to store, relative to the specification's folder; with `!` in front what to leave out of it. What
            GitHub's cache action leaves out has to be in a folder whose other content it takes: it does not look into
            whole folders.
    """

    key: str
    restore: str
    paths: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """The key as JSON data."""
        return {"key": self.key, "restore": self.restore, "paths": list(self.paths)}


def cache_key(project: Project) -> CacheKey:
    """The key of a project as it is now.

    It depends on the platform, on what each task depends on (so on the specification, options and tool versions,
    but on no comment, no path and no time), on the locks and the pins of wheels, and on the content of all sources.
    Where a lock is missing, that counts as well: locking gives another key.

    Raises:
        OSError: A source cannot be read.
    """
    configuration = project.configuration
    platform = configuration.platform.name if configuration.platform else "any"
    nodes = project.graph.nodes
    committed = (path for node in nodes if node.kind in {"lock", "wheel"} for path in node.outputs)
    files = sorted({*project.graph.sources, *committed})
    state = sha256_json(
        [
            [[node.name, dict(node.fingerprint)] for node in nodes],
            [[path, _digest(project.base / path)] for path in files],
        ]
    )
    stack = re.sub(r"[^A-Za-z0-9._-]+", "-", project.path.stem)
    restore = f"venvstacks-{_FORMAT}-{platform}-{stack}-"
    layout = configuration.layout
    paths = (f"{layout.state}/*", f"!{layout.logs}", f"!{layout.staging}", f"{layout.artifacts}/{METADATA_DIR}")
    return CacheKey(f"{restore}{state[:32]}", restore, paths)


def _digest(path: Path) -> str | None:
    return sha256_file(path) if path.is_file() else None
