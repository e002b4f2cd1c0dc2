from __future__ import annotations

import json
from pathlib import Path

from venvstacks.model.schema import schema_text, specification_schema
from venvstacks.model.specification import ApplicationSpec, ToolSettings

COMMITTED = Path(__file__).parents[3] / "docs" / "schema" / "venvstacks.schema.json"


def test_the_committed_schema_is_what_the_models_say() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == schema_text(), "run `doit schema`"


def test_it_names_every_field() -> None:
    definitions = specification_schema()["$defs"]
    fields = {field.alias or name for name, field in ApplicationSpec.model_fields.items()}
    assert set(definitions["ApplicationSpec"]["properties"]) == fields
    expected = {field.alias for field in ToolSettings.model_fields.values()}
    assert set(definitions["ToolSettings"]["properties"]) == expected


def test_it_says_nothing_that_toml_cannot() -> None:
    assert "null" not in json.dumps(specification_schema())


def test_requirements_may_be_in_another_file() -> None:
    for name in ("RuntimeSpec", "FrameworkSpec", "ApplicationSpec"):
        definition = specification_schema()["$defs"][name]
        assert "requirements" not in definition["required"]
        assert {"anyOf": [{"required": ["requirements"]}, {"required": ["requirements-from"]}]} in definition["allOf"]
