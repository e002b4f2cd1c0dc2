"""A layer for a platform, and where its files are: what requests to build, link, check and publish it share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from venvstacks.model.layout import EnvironmentLayout, StackLayout
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer


@dataclass(frozen=True)
class LayerRequest:
    """A layer for a platform.

    Attributes:
        layer: The layer.
        platform: The platform that its environment is for.
        layout: Paths of the project's files and folders, relative to `base`.
        base: The specification's folder.
    """

    layer: Layer
    platform: TargetPlatform
    layout: StackLayout
    base: Path

    @property
    def environment(self) -> Path:
        """The environment's folder."""
        return self.base / self.layout.environment(self.layer)

    @property
    def environment_layout(self) -> EnvironmentLayout:
        """Paths inside the environment."""
        return EnvironmentLayout.of(self.layer, self.platform)
