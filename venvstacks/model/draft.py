"""Drafts: specifications parsed from TOML and validated table by table, with all faults of single tables.

A draft may hold faults: `resolve` adds those of several tables and of files on disk, and raises all of them
together, so that a user can correct a specification at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from venvstacks.data_faults import sentence
from venvstacks.errors import Fault
from venvstacks.model.conventions import LayerKind
from venvstacks.model.file_references import ConstraintsFrom, RequirementsFrom
from venvstacks.model.platforms import PythonImplementation
from venvstacks.model.positions import KeyPath, Positions
from venvstacks.model.specification import (
    SPECS,
    ApplicationSpec,
    LayerSpec,
    RuntimeArchive,
    RuntimeSpec,
    ToolSettings,
    UvTable,
)
from venvstacks.model.tables import Table
from venvstacks.model.toml_text import TomlError, parse_toml
from venvstacks.suggestions import suggestion
from venvstacks.urls import without_logins, without_secrets

_TableT = TypeVar("_TableT", bound=Table)

_RENAMED = {"fully_versioned_name": "python_implementation"}
_INNER: Mapping[str, type[Table]] = {
    "runtime-archives": RuntimeArchive,
    "requirements-from": RequirementsFrom,
    "constraints-from": ConstraintsFrom,
}
"""Tables within tables."""
_IGNORED = {"build_requirements": "wheels are never built here; build them beforehand and use --local-wheels"}


@dataclass(frozen=True)
class DraftLayer:
    """One layer's table.

    Attributes:
        path: Its place in the document, e.g. `("frameworks", 0)`.
        kind: Which of the three arrays it is in.
        name: The name as written, or a description of the place where there is none.
        spec: The validated table, or None if it has faults other than unknown keys.
    """

    path: KeyPath
    kind: LayerKind
    name: str
    spec: LayerSpec | None


@dataclass(frozen=True)
class Draft:
    """A specification file, read but not resolved.

    Attributes:
        source: The file's name in messages.
        layers: All layers in declared order, runtimes first.
        settings: `[tool.venvstacks]`.
        uv: `[tool.uv]`, or None where the file has none.
        lines: Line numbers by key path.
        faults: The faults so far.
        warnings: Sentences about deprecated keys.
    """

    source: str
    layers: tuple[DraftLayer, ...] = ()
    settings: ToolSettings = field(default_factory=ToolSettings)
    uv: UvTable | None = None
    lines: Positions | None = None
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()

    def line_of(self, path: KeyPath) -> int | None:
        """The line of a key path, or of the nearest enclosing one that has a line."""
        while path:
            if self.lines and (line := self.lines.line(path)) is not None:
                return line
            path = path[:-1]
        return None

    @property
    def module_paths(self) -> tuple[str, ...]:
        """Launch and support modules that the file names, which a reader has to find on disk."""
        found: dict[str, None] = {}
        for layer in self.layers:
            if isinstance(layer.spec, ApplicationSpec):
                launched = [layer.spec.launch_module] if layer.spec.launch_module else []
                found |= dict.fromkeys((*launched, *layer.spec.support_modules))
        return tuple(found)

    @property
    def python_series(self) -> dict[str, PythonImplementation]:
        """The runtimes that name no exact Python, with the series that they name."""
        runtimes = [layer.spec for layer in self.layers if isinstance(layer.spec, RuntimeSpec)]
        found = {spec.name: PythonImplementation.parse_series(spec.python_implementation) for spec in runtimes}
        return {name: series for name, series in found.items() if series}

    @property
    def requirement_files(self) -> tuple[str, ...]:
        """Files that layers take requirements or constraints from; these may name further ones."""
        specs = [layer.spec for layer in self.layers if layer.spec]
        return tuple(
            dict.fromkeys(source.path for spec in specs for source in (*spec.requirements_from, *spec.constraints_from))
        )


_FEW_KEYS = 6  # are named in messages


def parse_draft(text: str, source: str) -> Draft:
    """Read and validate `text`; faults are collected in the draft, nothing is raised."""
    try:
        document = parse_toml(text)
    except TomlError as error:
        return Draft(source, faults=(Fault(str(error), error.line),))
    return _Reader(source, document, Positions(text)).read()


def fault_without_secrets(fault: Fault) -> Fault:
    """The fault without the logins and queries of URLs that a user wrote where something else was expected."""
    key, hint = fault.key and without_secrets(fault.key), fault.hint and without_logins(fault.hint)
    return replace(fault, message=without_secrets(fault.message), key=key, hint=hint)


class _Reader:
    def __init__(self, source: str, document: dict[str, Any], lines: Positions) -> None:
        self.lines = lines
        self.draft = Draft(source, lines=lines)
        self.document = document
        self.faults: list[Fault] = []
        self.warnings: list[str] = []

    def read(self) -> Draft:
        self._check_top_level()
        layers = [
            self._read_layer(array, index, table) for array in SPECS for index, table in enumerate(self._tables(array))
        ]
        tool = self._table(("tool",), self.document.get("tool", {}))
        own = self._table(("tool", "venvstacks"), tool.get("venvstacks", {}))
        settings = self._validate(ToolSettings, ("tool", "venvstacks"), own, None)
        uv = self._table(("tool", "uv"), tool["uv"]) if "uv" in tool else None
        return Draft(
            self.draft.source,
            tuple(layers),
            settings or ToolSettings(),
            uv,
            self.draft.lines,
            tuple(self.faults),
            tuple(self.warnings),
        )

    def _fault(self, path: KeyPath, message: str, layer: str | None = None, hint: str | None = None) -> None:
        inner = path[1:] if len(path) > 1 and path[0] in SPECS else path
        key = ".".join(part for part in inner if isinstance(part, str)) or None
        self.faults.append(fault_without_secrets(Fault(message, self.draft.line_of(path), layer, key, hint)))

    def _table(self, path: KeyPath, value: object) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        self._fault(path, "must be a table", hint=_header(path))
        return {}

    def _tables(self, array: str) -> list[Any]:
        value = self.document.get(array, [])
        if isinstance(value, list):
            return value
        self._fault((array,), "must be an array of tables", hint=_header((array, 0)))
        return []

    def _read_layer(self, array: str, index: int, value: object) -> DraftLayer:
        kind, model = SPECS[array]
        path: KeyPath = (array, index)
        table = self._table(path, value)
        name = table.get("name")
        shown = name if isinstance(name, str) and name else f"{array}[{index}]"
        table = self._replace_deprecated(path, table, shown)
        return DraftLayer(path, kind, shown, self._validate(model, path, table, shown))

    def _replace_deprecated(self, path: KeyPath, table: dict[str, Any], layer: str) -> dict[str, Any]:
        current = {}
        for key, value in table.items():
            place = f"{self.draft.source}:{self.draft.line_of((*path, key))}"
            if key in _RENAMED and _RENAMED[key] not in table and path[0] == "runtimes":
                self.lines.respell((*path, key), _RENAMED[key])
                self.warnings.append(f"{place}: layer '{layer}': '{key}' is deprecated; it is now '{_RENAMED[key]}'")
                current[_RENAMED[key]] = value
            elif key in _IGNORED:
                self.warnings.append(f"{place}: layer '{layer}': '{key}' is deprecated and ignored: {_IGNORED[key]}")
            else:
                current[key] = value
        return current

    def _check_top_level(self) -> None:
        """Let other tools have their tables in the file; what may be a misspelt array of layers is a fault."""
        known = (*SPECS, "tool")
        for key, value in self.document.items():
            if key in known:
                continue
            hint = _suggested_key(key, known)
            if isinstance(value, dict) and "did you mean" not in hint:
                line = self.draft.line_of((key,))
                self.warnings.append(f"{self.draft.source}:{line}: table '{key}' is not for venvstacks and is ignored")
            else:
                self._fault((key,), "unknown key", hint=hint)

    def _validate(self, model: type[_TableT], path: KeyPath, table: object, layer: str | None) -> _TableT | None:
        table = self._respelt(model, path, table, layer) if isinstance(table, dict) else table
        try:
            return model.model_validate(table)
        except ValidationError as error:
            details = error.errors()
            places = [detail["loc"] for detail in details]
            for detail in details:
                # an array is only too short because its wrong elements were left out
                inside = any(place[: len(detail["loc"])] == detail["loc"] != place for place in places)
                if not (detail["type"] == "too_short" and inside):
                    self._translate(model, path, detail, layer)
            return self._without_unknown(model, table, details)

    def _respelt(self, model: type[Table], path: KeyPath, table: dict[str, Any], layer: str | None) -> dict[str, Any]:
        """A table with keys as they are called here: each may be written with hyphens or with underscores."""
        known, found = _descriptions(model), dict[str, Any]()
        for key, value in table.items():
            other = key.replace("-", "_") if "-" in key else key.replace("_", "-")
            if key not in known and other in known and other in table:
                message = f"is another spelling of '{other}', which is here too"
                self._fault((*path, key), message, layer, hint="keep one of them")
            elif key in known or other not in known:
                found[key] = value
            else:
                self.lines.respell((*path, key), other)
                found[other] = value
        return found

    def _without_unknown(self, model: type[_TableT], table: object, details: list[Any]) -> _TableT | None:
        """A table whose only faults are unknown keys, without these, so that its other faults are found too."""
        if not isinstance(table, dict) or any(
            detail["type"] != "extra_forbidden" or len(detail["loc"]) > 1 for detail in details
        ):
            return None
        unknown = {detail["loc"][0] for detail in details}
        try:
            return model.model_validate({key: value for key, value in table.items() if key not in unknown})
        except ValidationError:  # a fault between keys: the misspelt one may be what is missing
            return None

    def _translate(self, model: type[Table], path: KeyPath, detail: Any, layer: str | None) -> None:  # noqa: ANN401
        location: KeyPath = tuple(part for part in detail["loc"] if part != "[key]")
        hint = _description(model, location)
        if detail["type"] == "extra_forbidden":
            table = _INNER.get(str(location[0]), model) if len(location) > 1 else model
            hint = _suggested_key(str(location[-1]), tuple(_descriptions(table)))
        elif detail["type"] == "value_error":
            hint = getattr(detail["ctx"]["error"], "hint", hint)
        self._fault((*path, *location), sentence(detail), layer, hint)


def _descriptions(model: type[Table]) -> dict[str, str | None]:
    """Descriptions of a table's keys, by their names in a specification."""
    return {info.alias or name: info.description for name, info in model.model_fields.items()}


def _description(model: type[Table], location: KeyPath) -> str | None:
    """The description of the key at a place in a table, or of the key around it; None for the table as a whole."""
    if not location:
        return None
    inner = _INNER.get(str(location[0]))
    within = _descriptions(inner).get(str(location[-1])) if inner else None
    return within or _descriptions(model).get(str(location[0]))


def _header(path: KeyPath) -> str:
    """How the table at `path` begins."""
    names = ".".join(part for part in path if isinstance(part, str))
    return f"write [[{names}]]" if isinstance(path[-1], int) else f"write [{names}]"


def _suggested_key(key: str, known: tuple[str, ...]) -> str:
    few = f"known keys are {', '.join(known)}"
    many = f"none of the {len(known)} known keys is similar; the reference of the specification describes them"
    return suggestion(key, known, otherwise=few if len(known) <= _FEW_KEYS else many)
