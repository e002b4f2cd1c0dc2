from __future__ import annotations

import pytest

from tests.support.offered_layers import generation, layer, record_of
from venvstacks.deployment.binding import Inventory, bind
from venvstacks.deployment.state import Generation, InstanceRecord
from venvstacks.errors import DamagedRecordError, DeployError


def test_records_come_back_as_they_were() -> None:
    (bound,) = bind([layer("py")], Inventory({}))
    record = record_of(bound)
    assert InstanceRecord.read(record.text().encode(), "there") == record
    state = generation(3, 2, {"py": bound.id}, [record.installed])
    assert Generation.read(state.text().encode(), "there") == state
    assert state.by_id[bound.id] == record.installed


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "\0", "frog", '{"format": 1}', generation(1, None, {}, []).text()[:-3]]
)
def test_damaged_records(text: str) -> None:
    with pytest.raises(DamagedRecordError, match=r"^there is damaged: [^:]"):
        Generation.read(text.encode(), "there")


@pytest.mark.parametrize(("old", "new"), [('"format": 1', '"format": 2'), ('"number"', '"colour": "green", "number"')])
def test_records_of_other_versions(old: str, new: str) -> None:
    text = generation(1, None, {}, []).text().replace(old, new)
    with pytest.raises(DeployError, match=r"^there was written by another version of venvstacks") as caught:
        Generation.read(text.encode(), "there")
    assert not isinstance(caught.value, DamagedRecordError)
    assert caught.value.hint == "use the venvstacks that made this deployment, or deploy into a new folder"
