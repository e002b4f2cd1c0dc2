from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from tests.support.looked_stacks import BIG, layer, package, small_stack, stack
from venvstacks.actions.publishing.package_listing import package_url
from venvstacks.insight.bill_of_materials import BillOfMaterials
from venvstacks.records.package_lists import BundledPart, LicenceFacts, ListedWheel

BUNDLED = (
    BundledPart(name="zlib", version="1.3", purl="pkg:generic/zlib@1.3", licence="Zlib"),
    BundledPart(name="odd", purl="no purl", licence="whatever it is"),
)


def bill() -> BillOfMaterials:
    big = package("big", "2.1", files=BIG)
    fancy = package(
        "fancy",
        "1.0+local",
        'big; python_version > "3"',
        bundled=BUNDLED,
        author='"Frog, A." <frog@example.org>',
        homepage="https://example.org",
        licence=LicenceFacts(text="Frog licence"),
    )
    found = stack(
        layer("py", package("pip", "25.0", purl="")),
        layer("framework-base", big, fancy, sizes=BIG, declared=("fancy",)),
        layer("app-desk", lower=("framework-base", "py")),
    )
    return BillOfMaterials(found, "app-desk", found.application_layers("desk"))


def test_the_bill_is_valid_and_always_the_same(check_golden: Callable[[str, str], None]) -> None:
    text = bill().text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert text == bill().text()
    check_golden("look/sbom.json", text)


def test_the_bill_says_what_is_in_what_and_who_needs_whom() -> None:
    data = json.loads(bill().text())
    parts: dict[str, Any] = {part["bom-ref"]: part for part in data["components"]}
    assert set(parts) == {
        "layer:py", "layer:framework-base", "layer:app-desk", "python:py", "py:pip@25.0",
        "framework-base:big@2.1", "framework-base:fancy@1.0+local",
    }  # fmt: skip
    needs = {one["ref"]: one.get("dependsOn", []) for one in data["dependencies"]}
    assert needs["framework-base:fancy@1.0+local"] == ["framework-base:big@2.1"]
    assert set(needs["layer:app-desk"]) == {"layer:framework-base", "layer:py"}
    assert parts["framework-base:fancy@1.0+local"]["licenses"] == [{"license": {"name": "Frog licence"}}]
    assert [one["name"] for one in parts["framework-base:fancy@1.0+local"]["components"]] == ["odd", "zlib"]
    assert [one["name"] for one in parts["framework-base:big@2.1"]["components"]] == ["libzoo-0a1b2c3d.so"]


def test_contents_give_the_serial_number() -> None:
    before = bill()
    changed = replace(before.stack.by_name["app-desk"], archive=None)
    other = BillOfMaterials(before.stack, "app-desk", (changed, *before.layers[1:]))
    assert json.loads(before.text())["serialNumber"] != json.loads(other.text())["serialNumber"]


def test_a_whole_stack_and_locks_alone_are_valid_too() -> None:
    for found in (
        small_stack(),
        stack(layer("py", package("frog"), files=(), archive=None, locked_at="", notes=("odd",))),
    ):
        text = BillOfMaterials(found, "all", found.layers).text()
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


@pytest.mark.parametrize(("name", "version"), [("frog-legs", "1.0"), ("torch", "2.8.0+cu128"), ("x", "1!2.0")])
def test_package_urls_are_those_of_the_library(name: str, version: str) -> None:
    assert PackageURL.from_string(package_url(name, version)) == PackageURL("pypi", None, name, version)


@pytest.mark.parametrize(
    "facts",
    [
        {"purl": "nothing"},
        {"purl": "pkg:"},
        {"homepage": "no url <> \x00 \u202e"},
        {"author": "<<>>@ <"},
        {"author": "@"},
        {"licence": LicenceFacts(expression="LicenseRef-Frog")},
        {"licence": LicenceFacts(expression="MIT AND")},
        {"licence": LicenceFacts(text="<b>\x01")},
        {"wheel": ListedWheel(file="x.whl", sha256="zz", url="http://[::1")},
        {"bundled": (BundledPart(name="x", purl="pkg:%zz", licence="(("),)},
    ],
    ids=repr,
)
def test_whatever_strangers_write_the_bill_is_valid(facts: dict[str, Any]) -> None:
    found = stack(layer("py", package("frog", "1 <0>", **facts), locked_at="yesterday", python="x@y@z"))
    text = BillOfMaterials(found, "py", found.layers).text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_times_without_a_zone_are_utc() -> None:
    found = stack(layer("py", locked_at="2026-01-02T03:04:05"))
    assert json.loads(BillOfMaterials(found, "py", found.layers).text())["metadata"]["timestamp"].startswith(
        "2026-01-02T03:04:05"
    )
