"""JSON schemas of what `tree`, `diff`, `report`, `licenses` and `audit` print with `--json`.

The models describe that data for programs that read it; nothing is made with them. The committed schemas are in
`docs/schema/`. Tests compare them with this module, and what the commands print with the schemas.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from venvstacks.model.conventions import LayerKind
from venvstacks.model.schema import DIALECT

_Bytes = Annotated[int, Field(ge=0)]


class _Data(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")


class _Need(_Data):
    name: str
    requirement: str
    layer: str | None = Field(description="the layer that holds it; null if none does")


class _NeededBy(_Data):
    layer: str
    package: str | None = Field(description="null where the layer itself declares it")
    requirement: str


class _Package(_Data):
    name: str
    version: str
    purl: str
    size: _Bytes | None = Field(description="bytes of its files; null if they are not known")
    requires: list[_Need]
    needed_by: list[_NeededBy]


class _Layer(_Data):
    name: str
    install_target: str
    kind: LayerKind
    size: _Bytes | None
    archive_size: _Bytes | None
    lower: list[str] = Field(description="deployed names of all layers below, the runtime last")
    requires: list[_Need] = Field(description="what the layer itself declares")
    packages: list[_Package]


class _Place(_Data):
    layer: str
    version: str
    size: _Bytes | None


class _Tree(_Data):
    source: str
    origin: Literal["publication", "project", "locks"]
    layers: list[_Layer]
    notes: list[str] = Field(description="what could not be found out")


class TreeData(_Tree):
    """What `venvstacks tree --json` prints."""

    repeated: dict[str, list[_Place]] = Field(description="packages that several layers hold")


class _Archive(_Data):
    name: str
    size: _Bytes
    sha256: str


class _State(_Data):
    install_target: str
    python: str
    size: _Bytes | None
    archive: _Archive | None


class _ChangedPackage(_Data):
    name: str
    before: str | None
    after: str | None
    size_before: _Bytes | None
    size_after: _Bytes | None
    files: list[str] = Field(description="files that differ although the version is the same")
    wheels: list[str]
    elsewhere: str | None = Field(description="the layer that held it before, or holds it now")
    status: Literal["added", "removed", "updated", "same version"]


class _ChangedLayer(_Data):
    name: str
    status: Literal["added", "removed", "changed", "same"]
    before: _State | None
    after: _State | None
    packages: list[_ChangedPackage]
    other_files: list[str]


class _Download(_Data):
    application: str
    first: _Bytes
    update: _Bytes | None = Field(description="null where the application is new, or nothing was compared")
    layers: list[str]


class DiffData(_Data):
    """What `venvstacks diff --json` prints."""

    before: str
    after: str
    layers: list[_ChangedLayer]
    downloads: list[_Download]
    notes: list[str]


class LicenceData(_Data):
    """The licence of one package in one layer."""

    layer: str
    package: str
    version: str
    licence: str
    source: Literal["expression", "classifier", "text", "none"]


class JudgedLicence(LicenceData):
    """An entry of what `venvstacks licenses --json` prints."""

    accepted: bool


class _Copy(_Data):
    layer: str
    path: str


class _SameFile(_Data):
    size: _Bytes
    places: list[_Copy]


class _Repeated(_Data):
    name: str
    places: list[_Place]
    common_layer: str | None = Field(description="the layer below all of these that could hold it instead")
    saved: _Bytes


class _Task(_Data):
    name: str
    began: float
    seconds: float
    is_critical: bool
    status: str


class _Run(_Data):
    time: str
    seconds: float
    tasks: list[_Task]


class ReportData(_Tree):
    """What `venvstacks report --json` prints."""

    format: Literal[1]
    repeated: list[_Repeated]
    same_files: list[_SameFile]
    downloads: list[_Download]
    licences: list[LicenceData]
    against: DiffData | None
    last_run: _Run | None


class _Finding(_Data):
    package: str
    version: str
    layer: str
    id: str
    aliases: list[str]
    summary: str
    fixed: list[str]


class AuditData(_Data):
    """What `venvstacks audit --json` prints."""

    packages: Annotated[int, Field(ge=0)]
    not_compared: list[str] = Field(description="own packages and local wheels")
    findings: list[_Finding]


_PRINTED: Mapping[str, TypeAdapter[object]] = {
    "tree": TypeAdapter(TreeData),
    "diff": TypeAdapter(DiffData),
    "report": TypeAdapter(ReportData),
    "licenses": TypeAdapter(list[JudgedLicence]),
    "audit": TypeAdapter(AuditData),
}


def printed_schemas() -> dict[str, str]:
    """Name of the command to the text of the schema of its data."""
    return {name: _text(name, adapter) for name, adapter in _PRINTED.items()}


def _text(name: str, adapter: TypeAdapter[object]) -> str:
    schema = {"$schema": DIALECT, **adapter.json_schema(), "title": f"what `venvstacks {name} --json` prints"}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
