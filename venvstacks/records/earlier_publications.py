"""Earlier publications in a folder: by this program, or by the original, whose metadata lacks our additions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from venvstacks.records.published_metadata import ProductMetadata, PublishedModel


class EarlierPublication(PublishedModel):
    """The published metadata of one layer, as far as its next publication needs it.

    Attributes:
        install_target: Deployed name.
        archive_name: The archive's file name.
        archive_build: Its build number.
        archive_hashes: Its digests.
        target_platform: What it is for; None where it does not say.
        product: The additions of this program; None if the original has published it.
    """

    install_target: str
    archive_name: str | None = None
    archive_build: int | None = None
    archive_hashes: dict[str, str] | None = None
    archive_size: int | None = None
    target_platform: str | None = None
    product: ProductMetadata | None = Field(default=None, alias="venvstacks")

    @property
    def file_names(self) -> tuple[str, ...]:
        """The published files that it names."""
        others = self.product.files if self.product else ()
        return tuple(name for name in (self.archive_name, *(one.name for one in others)) if name)


def read_earlier(path: Path) -> EarlierPublication | None:
    """The metadata of one layer at `path`, or None where there is none."""
    try:
        return EarlierPublication.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def format_of_the_original(manifest: Path, formats: tuple[str, ...]) -> str | None:
    """The archive format that the original used for what `manifest` lists, or None where it has published nothing.

    A publication that kept the original's format records that, so later ones keep it too.

    Args:
        manifest: The manifest of a stack.
        formats: File name extensions of the formats that are known.
    """
    for entry in _entries(manifest):
        added = entry.get("venvstacks")
        name = entry.get("archive_name")
        if isinstance(name, str) and (added is None or (isinstance(added, dict) and added.get("kept_format"))):
            return next((known for known in formats if name.endswith(f".{known}")), None)
    return None


def _entries(manifest: Path) -> Iterator[dict[str, Any]]:
    """All layers that a manifest lists; nothing where it is missing or is no manifest."""
    try:
        groups = json.loads(manifest.read_bytes())["layers"].values()
        rows = [row for group in groups for row in group]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    yield from (row for row in rows if isinstance(row, dict))


def named_files(metadata: Path) -> frozenset[str]:
    """All file names that a manifest of a stack, or the metadata of one layer, names; nothing where it is neither."""
    one = read_earlier(metadata)
    found = set(one.file_names) if one else set()
    for entry in _entries(metadata):
        try:
            found.update(EarlierPublication.model_validate(entry).file_names)
        except ValidationError:
            continue
    return frozenset(found)
