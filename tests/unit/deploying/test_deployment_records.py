from __future__ import annotations

import pytest

from tests.unit.deploying.offered import generation, layer, record_of
from venvstacks.deploying.binding import Inventory, bind
from venvstacks.deploying.state import Generation, InstanceRecord
from venvstacks.errors import DeployError


def test_records_come_back_as_they_were() -> None:
    (bound,) = bind([layer("py")], Inventory({}))
    record = record_of(bound)
    assert InstanceRecord.read(record.text().encode(), "there") == record
    state = generation(3, 2, {"py": bound.id}, [record.installed])
    assert Generation.read(state.text().encode(), "there") == state
    assert state.by_id[bound.id] == record.installed


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 2}', generation(1, None, {}, []).text()[:-3]])
def test_records_of_other_versions_and_damaged_ones(text: str) -> None:
    with pytest.raises(DeployError, match="there cannot be read: ") as caught:
        Generation.read(text.encode(), "there")
    assert caught.value.hint == "use the venvstacks that made this deployment, or deploy into a new folder"


def test_unknown_keys_are_of_another_version() -> None:
    text = generation(1, None, {}, []).text().replace('"number"', '"colour": "green",\n  "number"')
    with pytest.raises(DeployError, match="colour"):
        Generation.read(text.encode(), "there")
