"""Older publications, opened so that deltas can be made from them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from venvstacks.actions.publishing.published_deltas import OlderPublication
from venvstacks.actions.toolset import Tools
from venvstacks.deployment.offers import OfferedFile
from venvstacks.deployment.steps.publication_source import Source, open_source
from venvstacks.deployment.steps.published_offer import read_offer
from venvstacks.loading.project import Project
from venvstacks.tools.files import home_expanded
from venvstacks.tools.transfer import Downloads


@dataclass(frozen=True)
class SourceFiles:
    """The files of a source.

    Attributes:
        source: Where they are.
    """

    source: Source

    def read(self, file: OfferedFile) -> bytes:
        """See `PublishedFiles`."""
        return self.source.read(file)

    def obtain(self, file: OfferedFile, folder: Path) -> Path:
        """See `PublishedFiles`."""
        path = self.source.obtain(file, folder).path
        assert isinstance(path, Path)  # noqa: S101 - `open_source` opens no bundles
        return path


@contextlib.contextmanager
def older_publications(
    project: Project, sources: tuple[str, ...], tools: Tools
) -> Iterator[tuple[OlderPublication, ...]]:
    """Open publications: what they offer now counts, also if one of them is the folder that is published to.

    Args:
        project: The project, for its target platform and folder.
        sources: Folders, relative to the specification's, and URLs.
        tools: For downloads.

    Raises:
        UsageError: One is neither a folder nor a URL.
        DeployError: One offers nothing for the platform, or is not valid.
        TransferError: One cannot be fetched.
    """
    platform = project.configuration.platform
    with Downloads(tools.environment, tools.progress, stopping=lambda: tools.processes.stopping) as downloads:
        found = []
        for text in sources:
            assert platform is not None  # noqa: S101 - a request to publish needs one
            place = text if "://" in text else str(project.base / home_expanded(text))
            source = open_source(place, lambda: downloads)
            found.append(OlderPublication(read_offer(source, platform), SourceFiles(source)))
        yield tuple(found)
