"""What a layer provides to the layers above it, beside the packages that they import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Provided:
    """What linking the layers above depends on. It changes less often than a layer's files do.

    Attributes:
        libraries: Shared libraries in `share/venv/dynlib`: name to the SHA-256 of the content.
        pth_files: Names of the `.pth` files in its site-packages.
    """

    libraries: Mapping[str, str] = field(default_factory=dict)
    pth_files: tuple[str, ...] = ()
