"""Faults in data, as pydantic reports them, in sentences for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

_TYPES = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "an array",
    "model_type": "a table",
    "string_type": "a string",
    "tuple_type": "an array",
}
_SENTENCES = {
    "extra_forbidden": "unknown key",
    "missing": "this key is required",
}


def sentence(detail: Mapping[str, Any]) -> str:
    """One element of `ValidationError.errors()` as a sentence without the place: what is wrong."""
    kind = detail["type"]
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}"
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "literal_error":
        return f"{detail['input']!r} is not one of {detail['ctx']['expected']}"
    return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}"


def place_of(detail: Mapping[str, Any]) -> str:
    """Where in the data a fault is: keys and indexes joined with dots; empty for the data as a whole."""
    return ".".join(str(part) for part in detail["loc"])


def first_fault(error: ValidationError) -> str:
    """The first fault as `place: what is wrong`, in one line; without a place where it is about the data as a whole."""
    detail = error.errors()[0]
    return ": ".join(filter(None, (place_of(detail), sentence(detail))))
