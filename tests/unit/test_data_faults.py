"""pydantic's errors as sentences."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from venvstacks.data_faults import first_fault


class _Leg(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    toes: int = 4
    side: Literal["left", "right"] = "left"


class _Frog(BaseModel):
    name: str
    legs: list[_Leg] = []

    @field_validator("name")
    @classmethod
    def _proper(cls, value: str) -> str:
        if not value:
            raise ValueError("a frog has a name")
        return value


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "name: this key is required"),
        ({"name": 3}, "name: must be a string"),
        ({"name": ""}, "name: a frog has a name"),
        ({"name": "x", "legs": {}}, "legs: must be an array"),
        ({"name": "x", "legs": [{}, {"toes": "4"}]}, "legs.1.toes: must be a whole number"),
        ({"name": "x", "legs": [{"side": "top"}]}, "legs.0.side: 'top' is not one of 'left' or 'right'"),
        ({"name": "x", "legs": [{"colour": "green"}]}, "legs.0.colour: unknown key"),
    ],
)
def test_the_first_fault_names_its_place_and_what_is_wrong(data: object, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _Frog.model_validate(data)
    assert first_fault(caught.value) == said


def test_a_fault_of_the_whole_has_no_place() -> None:
    with pytest.raises(ValidationError) as caught:
        _Frog.model_validate_json("{")
    assert first_fault(caught.value).startswith("invalid JSON: ")
