from __future__ import annotations

from typing import Any

import pytest

from tests.support.looked_stacks import layer, package, stack
from venvstacks.insight.advisories import match_advisories, parse_advisories


def record(*events: dict[str, str], versions: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    affected = {
        "package": {"ecosystem": more.pop("ecosystem", "PyPI"), "name": more.pop("name", "Frog_Legs")},
        "ranges": [{"type": more.pop("type", "ECOSYSTEM"), "events": list(events)}],
        "versions": list(versions),
    }
    return {"id": "GHSA-1", "aliases": ["CVE-2026-1"], "summary": "jumps", "affected": [affected], **more}


def found(
    version: str, *records: dict[str, Any], ignored: tuple[str, ...] = (), by_name: bool = False, **facts: Any
) -> list[tuple[str, tuple[str, ...]]]:
    contents = stack(layer("py", package("frog-legs", version, **facts)))
    matched = match_advisories(contents, parse_advisories(list(records)), ignored, by_name=by_name)
    return [(one.advisory.id, one.fixed) for one in matched]


@pytest.mark.parametrize(
    ("version", "is_affected"),
    [
        ("0.9", False),
        ("1.0", True),
        ("1.5.post1", True),
        ("2.0rc1", True),
        ("2.0", False),
        ("3.0", True),
        ("3.1", False),
    ],
)
def test_ranges_of_versions(version: str, is_affected: int) -> None:
    events = ({"fixed": "2.0"}, {"introduced": "1.0"}, {"introduced": "3.0"}, {"last_affected": "3.0"})
    assert len(found(version, record(*events))) == is_affected


def test_versions_are_listed_in_any_spelling() -> None:
    assert found("1.0.0", record(versions=("1.0",)))
    assert found("1.0+local", record(versions=("1.0+local",)))
    assert not found("1.1", record(versions=("1.0",)))


def test_everything_before_a_fix() -> None:
    assert found("0.1.dev1", record({"introduced": "0"}, {"fixed": "1.0"}, {"fixed": "0.0.1"})) == []
    assert found("0.1", record({"introduced": "0"}, {"fixed": "2.0"})) == [("GHSA-1", ("2.0",))]


@pytest.mark.parametrize(
    "other",
    [
        {"ecosystem": "npm"},
        {"name": "frog"},
        {"withdrawn": "2026-01-01T00:00:00Z"},
        {"type": "GIT"},
    ],
)
def test_what_is_about_something_else_counts_for_nothing(other: dict[str, str]) -> None:
    assert found("1.0", record({"introduced": "0"}, **other)) == []


def test_own_packages_are_not_those_of_an_index() -> None:
    assert found("1.0", record({"introduced": "0"}), purl="pkg:generic/frog-legs@1.0") == []
    assert found("1.0", record({"introduced": "0"}), purl="") != []
    assert found("1.0", record({"introduced": "0"}), purl="pkg:generic/frog-legs@1.0", by_name=True) != []


def test_ignored_advisories_and_doubles() -> None:
    assert found("1.0", record({"introduced": "0"}), ignored=("cve-2026-1",)) == []
    assert len(found("1.0", record({"introduced": "0"}), record({"introduced": "0"}))) == 1


@pytest.mark.parametrize("data", [1, "x", [1], [{}], {"vulns": 1}, [{"id": "x", "affected": 7}]])
def test_what_is_no_advisory_is_refused(data: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the sentences are pydantic's
        list(parse_advisories(data))


def test_records_come_alone_in_lists_and_in_answers() -> None:
    one = record({"introduced": "0"})
    assert len(list(parse_advisories(one))) == len(list(parse_advisories({"vulns": [one]}))) == 1
