from __future__ import annotations

import json
from typing import Any

import pytest

from venvstacks.deployment.state import Generation
from venvstacks.errors import DamagedRecordError

LAYER: dict[str, Any] = {
    "id": "1", "layer": "app-frog", "target": "app-frog", "kind": "application", "python": "", "lock_version": 1,
    "archive": "", "files": "", "size": 0, "lower": {},
}  # fmt: skip
STATE: dict[str, Any] = {
    "format": 1, "number": 1, "previous": None, "created": "", "source": "", "platform": "",
    "applications": {"frog": "1"}, "instances": [LAYER], "needed_by": {"1": ["frog"]},
}  # fmt: skip


def test_a_whole_state_is_read() -> None:
    assert Generation.read(json.dumps(STATE).encode(), "state.json").applications == {"frog": "1"}


@pytest.mark.parametrize(
    "change",
    [
        {"applications": {"frog": "2"}},
        {"needed_by": {}},
        {"needed_by": {"1": [], "2": []}},
        {"instances": [LAYER | {"lower": {"py": "3"}}]},
        {"instances": []},
    ],
)
def test_a_state_that_names_what_it_does_not_list_is_damaged(change: dict[str, Any]) -> None:
    with pytest.raises(DamagedRecordError, match=r"state\.json is damaged: .*names instances that it does not list"):
        Generation.read(json.dumps(STATE | change).encode(), "state.json")


def test_a_state_that_lists_an_instance_twice_is_damaged() -> None:
    with pytest.raises(DamagedRecordError, match=r"state\.json is damaged: .*lists an instance twice"):
        Generation.read(json.dumps(STATE | {"instances": [LAYER, LAYER]}).encode(), "state.json")
