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


@pytest.mark.parametrize("releases", ['{"frog": "latest"}', '{"frog": "2.4.1"}', '{"py": 1}'])
def test_releases_of_nothing_and_what_is_no_version(releases: str) -> None:
    (bound,) = bind([layer("py")], Inventory({}))
    text = generation(1, None, {"py": bound.id}, [record_of(bound).installed]).text()
    with pytest.raises(DamagedRecordError, match=r"releases|frog"):
        Generation.read(text.replace('"releases": {}', f'"releases": {releases}').encode(), "there")


@pytest.mark.parametrize(("old", "new"), [('"format": 1', '"format": 2'), ('"number"', '"colour": "green", "number"')])
def test_records_of_other_versions(old: str, new: str) -> None:
    text = generation(1, None, {}, []).text().replace(old, new)
    with pytest.raises(DeployError, match=r"^there was written by another version of venvstacks") as caught:
        Generation.read(text.encode(), "there")
    assert not isinstance(caught.value, DamagedRecordError)
    assert caught.value.hint == "use the venvstacks that made this deployment, or deploy into a new folder"
