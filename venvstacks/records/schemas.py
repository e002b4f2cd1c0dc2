"""JSON schemas of published metadata, for other programs that read it.

The committed copies are in `docs/schema/`; a test compares them with the output of this module.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from venvstacks.model.schema import DIALECT
from venvstacks.records.package_lists import PackageList
from venvstacks.records.stack_manifest import StackManifest


class ListedFile(BaseModel):
    """One file or symbolic link; folders are listed by the paths of what is in them.

    Attributes:
        path: Relative to the layer's folder, with forward slashes.
        mode: Permissions of a file, in octal digits.
        size: Bytes of a file.
        sha256: Hex digest of a file's content.
        target: What a link points to, unresolved.
    """

    model_config = ConfigDict(extra="forbid")

    path: str
    mode: Literal["0644", "0755"] | None = None
    size: int | None = Field(default=None, ge=0)
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    target: str | None = None


class FileManifest(BaseModel):
    """All files and links of one layer's archive, sorted by path.

    Attributes:
        format: Version of this form.
        install_target: The archive's top folder: the layer's deployed name.
        files: What it holds.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    install_target: str
    files: tuple[ListedFile, ...]


_PUBLISHED: Mapping[str, type[BaseModel]] = {
    "manifest.schema.json": StackManifest,
    "file-manifest.schema.json": FileManifest,
    "package-list.schema.json": PackageList,
}


def published_schemas() -> dict[str, str]:
    """File name to text: the manifest of a stack, and the lists of an archive's files and packages."""
    return {name: _text(model) for name, model in _PUBLISHED.items()}


def _text(model: type[BaseModel]) -> str:
    schema = {"$schema": DIALECT, **model.model_json_schema(by_alias=True)}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
