"""The JSON schema of the stack specification, for editors; it covers the checks of single tables.

The committed copy is `docs/schema/venvstacks.schema.json`; a test compares it with the output of this module.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from venvstacks.model.platforms import PLATFORMS
from venvstacks.model.specification import ApplicationSpec, FrameworkSpec, RuntimeSpec, ToolSettings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _ToolTables(BaseModel):
    """`[tool.*]`: tables of other tools are not checked."""

    venvstacks: ToolSettings = Field(default_factory=ToolSettings)
    uv: dict[str, Any] = Field(default_factory=dict, description="uv's settings, as in a pyproject.toml")


class _Document(BaseModel):
    """A stack of layered Python environments."""

    model_config = ConfigDict(extra="allow")  # tables of other tools

    runtimes: list[RuntimeSpec] = Field(default_factory=list)
    frameworks: list[FrameworkSpec] = Field(default_factory=list)
    applications: list[ApplicationSpec] = Field(default_factory=list)
    tool: _ToolTables = Field(default_factory=_ToolTables)


def specification_schema() -> dict[str, Any]:
    """The schema as a JSON value."""
    schema: dict[str, Any] = _without_null(_Document.model_json_schema(by_alias=True))
    definitions = schema["$defs"]
    for name in ("RuntimeSpec", "FrameworkSpec", "ApplicationSpec"):
        definitions[name]["properties"]["platforms"]["items"]["enum"] = list(PLATFORMS)
        definitions[name]["required"].remove("requirements")
        definitions[name]["allOf"] = [{"anyOf": [{"required": ["requirements"]}, {"required": ["requirements-from"]}]}]
    for name in ("FrameworkSpec", "ApplicationSpec"):
        definitions[name]["oneOf"] = [{"required": ["runtime"]}, {"required": ["frameworks"]}]
    definitions["ApplicationSpec"]["allOf"].append(
        {"oneOf": [{"required": ["launch_module"]}, {"required": ["launch"]}]}
    )
    return {"$schema": DIALECT, **schema}


def schema_text() -> str:
    """The schema as the committed file has it."""
    return json.dumps(specification_schema(), indent=2, sort_keys=True) + "\n"


def _without_null(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Remove null, which TOML does not have, and titles that only repeat names."""
    if isinstance(value, list):
        return [_without_null(element) for element in value]
    if not isinstance(value, dict):
        return value
    choices = [choice for choice in value.get("anyOf", ()) if choice != {"type": "null"}]
    if choices:
        value = {**value, "anyOf": choices}
    if len(choices) == 1:
        value = {**{key: part for key, part in value.items() if key != "anyOf"}, **choices[0]}
    dropped = [key for key, part in value.items() if (key == "title" and isinstance(part, str)) or part is None]
    return {key: _without_null(part) for key, part in value.items() if key not in dropped}
