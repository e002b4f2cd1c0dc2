"""A source that keeps the small files that were read from it: what verifying and deploying read, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from venvstacks.deployment.offers import OfferedFile, OfferedLayer
from venvstacks.deployment.steps.publication_source import Obtained, Source
from venvstacks.model.conventions import MANIFEST_LIMIT


@dataclass(frozen=True)
class RecordedSource:
    """A source with a record of what was read.

    Attributes:
        inner: The source itself.
        files: Content of every small file that was read, by its path below the source.
    """

    inner: Source
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """See `Source`."""
        return self.inner.label

    def available(self, layers: Iterable[OfferedLayer]) -> tuple[OfferedLayer, ...]:
        """See `Source`."""
        return self.inner.available(layers)

    def read_optional(self, path: str, limit: int = MANIFEST_LIMIT) -> bytes | None:
        """See `Source`."""
        content = self.inner.read_optional(path, limit)
        if content is not None:
            self.files[path] = content
        return content

    def read(self, file: OfferedFile) -> bytes:
        """See `Source`."""
        self.files[file.name] = self.inner.read(file)
        return self.files[file.name]

    def obtain(self, file: OfferedFile, folder: Path) -> Obtained:
        """See `Source`."""
        return self.inner.obtain(file, folder)

    def space_needed(self, file: OfferedFile, folder: Path) -> int:
        """See `Source`."""
        return self.inner.space_needed(file, folder)

    def bytes_to_fetch(self, file: OfferedFile, folder: Path) -> int:
        """See `Source`."""
        return self.inner.bytes_to_fetch(file, folder)
