"""Values read from JSON, checked against a declared form; a fault is a sentence with its place in the data.

A form is a function that returns the value of a piece of JSON data, or raises `FormError`. Standard library only, for
every Python that deploys.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, Literal, NoReturn, TypeVar

T = TypeVar("T")


class FormError(ValueError):
    """Data that does not have its form.

    Attributes:
        reason: What is wrong, as a sentence without the place.
        place: Keys and indexes that lead to it; empty for the data as a whole.
        is_foreign: Whether it is an unknown key or version, such as another version of this program may write.
    """

    def __init__(self, reason: str, place: tuple[str, ...] = (), *, is_foreign: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place
        self.is_foreign = is_foreign

    def within(self, part: object) -> FormError:
        """The same fault, seen from the value that holds this one under a key or an index."""
        return FormError(self.reason, (str(part), *self.place), is_foreign=self.is_foreign)

    def __str__(self) -> str:
        return ": ".join(filter(None, (".".join(self.place), self.reason)))


def parse(data: bytes, form: Callable[[object], T]) -> T:
    """The value in a JSON text of UTF-8.

    Raises:
        FormError: It is no JSON, or does not have the form.
    """
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_refuse)
        if b"\\u" in data:
            json.dumps(value, ensure_ascii=False).encode()  # refuses halves of characters, which no name may have
    except (ValueError, RecursionError) as error:
        raise FormError(f"it is not valid JSON: {error}") from error
    return form(value)


def check_extent(text: bytes, most: int) -> None:
    """Refuse JSON with so many values that reading it would take gigabytes (a few bytes of text take dozens in memory).

    Raises:
        ValueError: There are more than `most` values.
    """
    if text.count(b",") > most:
        raise ValueError(f"it holds more than {most} values")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def text(value: object) -> str:
    """Any string."""
    if not isinstance(value, str):
        raise FormError("must be a string")
    return value


def matching(pattern: str, what: str) -> Callable[[object], str]:
    """A string that matches a regular expression as a whole.

    Args:
        pattern: The expression.
        what: What such a string is, for the message.
    """
    matches = re.compile(pattern).fullmatch

    def form(value: object) -> str:
        if not matches(text(value)):
            raise FormError(f"must be {what}")
        return value  # type: ignore[return-value] # `text` has checked it

    return form


digest = matching("[0-9a-f]{64}", "a SHA-256 in hexadecimal digits")
"""The hex digest of a SHA-256."""


def whole(least: int | None = None, most: int | None = None) -> Callable[[object], int]:
    """A whole number within limits."""

    def form(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise FormError("must be a whole number")
        if least is not None and value < least:
            raise FormError(f"must be at least {least}")
        if most is not None and value > most:
            raise FormError(f"must be at most {most}")
        return value

    return form


def one_of(*values: object) -> Callable[[object], Any]:
    """One of these strings or numbers."""

    def form(value: object) -> object:
        if value not in values or isinstance(value, (bool, float)):
            raise FormError(f"{value!r:.100} is not one of {', '.join(map(repr, values))}")
        return value

    return form


def version(value: object) -> int:
    """The version of a form: 1 so far."""
    if value is True or value != 1 or not isinstance(value, int):
        raise FormError(f"{value!r:.100} is not 1", is_foreign=True)
    return value


def moment(value: object) -> datetime:
    """A time with its zone, as ISO 8601 writes it."""
    try:
        found = datetime.fromisoformat(text(value).replace("Z", "+00:00"))  # noqa: FURB162 - 3.10 knows no Z
    except ValueError as error:
        raise FormError("must be a time") from error
    if found.tzinfo is None:
        raise FormError("must be a time with a zone")
    return found


def moment_text(value: datetime) -> str:
    """The text of a time: in UTC, with `Z` for the zone."""
    return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")  # noqa: UP017 - 3.10 lacks UTC


def optional(form: Callable[[object], T]) -> Callable[[object], T | None]:
    """A value of another form, or null."""
    return lambda value: None if value is None else form(value)


def array(form: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    """An array of values of one form."""

    def read(value: object) -> tuple[T, ...]:
        values = _array(value)
        try:
            return tuple([form(one) for one in values])
        except FormError:  # once more, to find out which
            return tuple(_part(number, form, one) for number, one in enumerate(values))

    return read


def row(*forms: Callable[[object], Any]) -> Callable[[object], tuple[Any, ...]]:
    """An array of as many values as there are forms."""

    def read(value: object) -> tuple[Any, ...]:
        values = _array(value)
        if len(values) != len(forms):
            raise FormError(f"must be an array of {len(forms)} values")
        return tuple(_part(number, form, values[number]) for number, form in enumerate(forms))

    return read


def mapping(form: Callable[[object], T], key: Callable[[str], Any] = text) -> Callable[[object], dict[Any, T]]:
    """A table with any keys, and values of one form."""
    return lambda value: {_part(name, key, name): _part(name, form, one) for name, one in _table(value).items()}


def number(name: object) -> int:
    """A key that is a whole number in decimal digits."""
    if not isinstance(name, str) or not re.fullmatch("[0-9]{1,18}", name):
        raise FormError("must be a whole number")
    return int(name)


def _part(part: object, form: Callable[[Any], T], value: object) -> T:
    """The value of a part of an array or a table."""
    try:
        return form(value)
    except FormError as error:
        raise error.within(part) from None


def _array(value: object) -> list[object]:
    if not isinstance(value, list):
        raise FormError("must be an array")
    return value


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise FormError("must be a table")
    return value


def table(
    fields: Mapping[str, Callable[[object], Any]], required: Iterable[str], *, ignore_unknown: bool = False
) -> Callable[[object], dict[str, Any]]:
    """A table with given keys.

    Args:
        fields: The form of each value by key.
        required: Keys that have to be there.
        ignore_unknown: Whether further keys are ignored instead of refused.
    """
    needed = tuple(required)

    def read(value: object) -> dict[str, Any]:
        given = _table(value)
        try:
            found = {name: form(given[name]) for name, form in fields.items() if name in given}
        except FormError:  # once more, to find out which
            found = {name: _part(name, form, given[name]) for name, form in fields.items() if name in given}
        for name in needed:
            if name not in found:
                raise FormError("this key is required", (name,))
        if not ignore_unknown and len(found) < len(given):
            raise FormError("unknown key", (min(given.keys() - fields.keys()),), is_foreign=True)
        return found

    return read


def record(make: type[T], *extra: Literal["versioned"], **fields: Callable[[object], Any]) -> Callable[[object], T]:
    """A table with the fields of a dataclass as keys; those without a default are required.

    Args:
        make: The dataclass; a `ValueError` that it raises is a fault of the table as a whole.
        extra: `versioned` where the table has the key `format`, too: the version of its form.
        fields: The form of each field.
    """
    missing = dataclasses.MISSING
    required = [
        one.name
        for one in dataclasses.fields(make)  # type: ignore[arg-type]
        if one.default is missing and one.default_factory is missing
    ]
    read = table({"format": version, **fields} if extra else fields, required)

    def form(value: object) -> T:
        found = read(value)
        found.pop("format", None)
        try:
            return make(**found)
        except FormError:
            raise
        except ValueError as error:
            raise FormError(str(error)) from error

    return form
