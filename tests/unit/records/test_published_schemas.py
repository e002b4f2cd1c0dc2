from __future__ import annotations

import json
from pathlib import Path

import pytest

from venvstacks.records.schemas import published_schemas

FOLDER = Path(__file__).parents[3] / "docs/schema"


@pytest.mark.parametrize("name", list(published_schemas()))
def test_the_committed_schemas_are_those_of_the_models(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == published_schemas()[name], "run `doit schema`"


def test_they_describe_every_field_by_its_published_name() -> None:
    manifest = json.loads(published_schemas()["manifest.schema.json"])
    layer = manifest["$defs"]["LayerMetadata"]
    assert {"install_target", "archive_hashes", "venvstacks"} <= layer["properties"].keys()
    rows = json.loads(published_schemas()["file-manifest.schema.json"])["$defs"]["ListedFile"]
    assert set(rows["properties"]) == {"path", "mode", "size", "sha256", "target"}
    assert rows["additionalProperties"] is False
