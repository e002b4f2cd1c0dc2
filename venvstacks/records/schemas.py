"""JSON schemas of published metadata, for other programs that read it.

The committed copies are in `docs/schema/`; a test compares them with the output of this module.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import BaseModel

from venvstacks.model.schema import DIALECT
from venvstacks.records.file_lists import FileManifest
from venvstacks.records.package_lists import PackageList
from venvstacks.records.published_metadata import StackManifest

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
