"""Names of releases: checked, normalised, and derived from the times of locks."""

from __future__ import annotations

import json

import pytest
from packaging.version import Version

from tests.unit.records.test_published_records import metadata
from venvstacks.records.releases import checked_release, derived_release
from venvstacks.records.stack_manifest import StackManifest, manifest_text


@pytest.mark.parametrize(
    ("text", "release"), [("2.4.1", "2.4.1"), ("v2.4-rc1", "2.4rc1"), ("2026.11.28", "2026.11.28"), ("1!2.0", "1!2.0")]
)
def test_releases_are_normalised(text: str, release: str) -> None:
    assert checked_release(text) == release


@pytest.mark.parametrize("text", ["", "latest", "2.4.1+local", "2..4", "2.4\n3"])
def test_what_has_no_order_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"local part|PEP 440"):
        checked_release(text)


def test_a_derived_release_is_the_latest_time_of_a_lock_in_utc() -> None:
    found = derived_release(["2026-11-28T12:00:00+00:00", "2026-11-28T13:30:00+02:00", "not a time", ""])
    assert found == "0.dev20261128120000"
    assert Version(found) < Version("0.0.0")
    assert derived_release(["2026-11-28T12:00:00Z"]) == found
    assert derived_release(["2026-11-28T12:00:00"]) == found
    assert derived_release(["never"]) is None


def test_the_manifest_has_the_release_that_was_chosen_or_derived() -> None:
    layers = [metadata("a"), metadata("b").model_copy(update={"locked_at": "2031-01-02T03:04:05+00:00"})]
    text = manifest_text(layers)
    assert manifest_text(layers) == text
    assert json.loads(text)["venvstacks"] == {"release": "0.dev20310102030405"}
    assert StackManifest.parse(text.encode()).product.release == "0.dev20310102030405"
    assert json.loads(manifest_text(layers, "2.4.1"))["venvstacks"] == {"release": "2.4.1"}


def test_manifests_without_a_release_are_read_and_wrong_ones_are_not() -> None:
    assert StackManifest.parse(b'{"layers": {}}').product.release is None
    assert StackManifest.parse(b'{"layers": {}, "venvstacks": {"later": 1}}').product.release is None
    for wrong in ('"latest"', "7", '"1+x"', f'"{"1" * 300}"'):
        with pytest.raises(ValueError, match="release"):
            StackManifest.parse(b'{"layers": {}, "venvstacks": {"release": %s}}' % wrong.encode())
