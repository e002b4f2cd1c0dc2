"""Earlier publications in a folder: by this program, or by the original, whose metadata lacks our additions."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError

from venvstacks.records.published_json import entries_in
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


def named_files(metadata: Path) -> frozenset[str]:
    """All file names that a manifest of a stack, or the metadata of one layer, names; nothing where it is neither."""
    one = read_earlier(metadata)
    found = set(one.file_names) if one else set()
    for entry in entries_in(metadata):
        try:
            found.update(EarlierPublication.model_validate(entry).file_names)
        except ValidationError:
            continue
    return frozenset(found)
