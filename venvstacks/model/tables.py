"""The base of all tables of a specification."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict


class RefusedValueError(ValueError):
    """A value that a field refuses; `hint` names valid ones where the field's description does not."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Table(BaseModel):
    """A table of the specification: unknown keys are faults, values are taken as they are written."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True, strict=True)


def _list_to_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


_T = TypeVar("_T")
Listing = Annotated[tuple[_T, ...], BeforeValidator(_list_to_tuple)]


def distinct(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Refuse a list that names something twice.

    Raises:
        RefusedValueError: It names something twice.
    """
    repeated = next((value for place, value in enumerate(values or ()) if value in (values or ())[:place]), None)
    if repeated is not None:
        raise RefusedValueError(f"'{repeated}' is named twice", "once is enough")
    return values
