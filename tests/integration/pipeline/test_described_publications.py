"""`publish --sbom --provenance`: files that say what archives are made of, and a second build that confirms them."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.support.bill_validator import faults_of_bills, needs_validator
from tests.support.sample_stack import BUILT, Pond
from venvstacks.deployment.offers import OfferedFile
from venvstacks.deployment.steps.publication_source import FolderSource
from venvstacks.deployment.steps.signed_source import SignedSource, trusted_source
from venvstacks.digests import sha256_bytes, sha256_file
from venvstacks.errors import VenvstacksError

LOCAL = ("--jobs", "2")
MANIFEST = "_artifacts/__venvstacks__/venvstacks.json"


@pytest.fixture(scope="module")
def described(published_pond: Pond, tmp_path_factory: pytest.TempPathFactory) -> Pond:
    """The published stack with descriptions; only to be looked at."""
    base = tmp_path_factory.mktemp("described") / "pond"
    shutil.copytree(published_pond.base, base, symlinks=True)
    pond = Pond(base, published_pond.cache, published_pond.uv_cache)
    publish(pond, "--sbom", "--provenance", "--builder", "https://ci.example/frogs")
    return pond


def publish(pond: Pond, *arguments: str) -> str:
    done = pond.command("publish", "venvstacks.toml", *LOCAL, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr


def layers(pond: Pond) -> dict[str, dict[str, Any]]:
    manifest = json.loads((pond.base / MANIFEST).read_text("utf-8"))
    return {row["layer_name"]: row for group in manifest["layers"].values() for row in group}


def content(pond: Pond, layer: str, what: str) -> dict[str, Any]:
    """What a description of a layer says, which is the file that the manifest names."""
    named = layers(pond)[layer]["venvstacks"][what]
    data = (pond.base / "_artifacts" / named["name"]).read_bytes()
    assert (len(data), sha256_bytes(data)) == (named["size"], named["sha256"])
    return dict(json.loads(data))


def test_each_layer_has_a_valid_bill_and_applications_one_with_everything_below(
    described: Pond, tmp_path: Path
) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    for layer in BUILT:
        bill = content(described, layer, "bill")
        assert validator.validate_str(json.dumps(bill)) is None
        named = {part["name"] for part in bill["components"]}
        assert named >= ({"newt", "lily", "frog", "pond", "py"} if layer == "app-newt" else {layer})
    bill = tmp_path / "newt.json"
    assert described.command("sbom", "_artifacts", "--app", "newt", "-o", str(bill)).returncode == 0
    assert json.loads(bill.read_text("utf-8")) == content(described, "app-newt", "bill")


@needs_validator
def test_another_library_than_the_one_that_wrote_them_accepts_the_bills(described: Pond) -> None:
    named = [described.base / "_artifacts" / layers(described)[layer]["venvstacks"]["bill"]["name"] for layer in BUILT]
    assert faults_of_bills(*named) == []


def test_a_statement_names_the_archive_and_everything_that_it_was_made_from(described: Pond) -> None:
    statement = content(described, "app-newt", "provenance")
    (subject,) = statement["subject"]
    assert subject["digest"]["sha256"] == sha256_file(described.base / "_artifacts" / subject["name"])
    definition = statement["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["layer"]["requirements"] == ["newt", "lily"]
    found = {one["name"]: one for one in definition["resolvedDependencies"]}
    lock = described.base / "requirements/app-newt/pylock.app-newt.toml"
    assert found["pylock.app-newt.toml"]["digest"] == {"sha256": sha256_file(lock)}
    assert found["legs"]["digest"] == {"sha256": sha256_file(described.base / "support/legs.py")}
    assert set(found["hop"]["digest"]) == {"venvstacksTree"}
    assert {"framework-frog", "framework-lily", "py"} <= found.keys()
    wheels = [one for one in found.values() if one.get("uri", "").startswith("pkg:generic/newt@")]
    assert [len(one["digest"]["sha256"]) for one in wheels] == [64]
    python = {
        one["name"]: one
        for one in content(described, "py", "provenance")["predicate"]["buildDefinition"]["resolvedDependencies"]
    }
    assert python["cpython-3.11.7"]["annotations"]["provider"] == "host"
    assert statement["predicate"]["runDetails"]["builder"]["id"] == "https://ci.example/frogs"
    assert str(described.base) not in json.dumps(statement)


def test_the_next_run_has_nothing_to_do_and_a_second_one_writes_the_same(described: Pond) -> None:
    before = {place: place.read_bytes() for place in (described.base / "_artifacts").rglob("*") if place.is_file()}
    assert "nothing to do" in publish(described) or "up to date" in publish(described)
    publish(described, "--sbom", "--provenance", "--builder", "https://ci.example/frogs")
    after = {place: place.read_bytes() for place in (described.base / "_artifacts").rglob("*") if place.is_file()}
    assert after == before


def test_a_description_of_something_else_is_not_named_any_more(described: Pond, tmp_path: Path) -> None:
    base = tmp_path / "pond"
    shutil.copytree(described.base, base, symlinks=True)
    pond = Pond(base, described.cache, described.uv_cache)
    pond.edit("'plain'", "'plainer'", "launch/plain.py")
    done = pond.command("build", "venvstacks.toml", "--publish", *LOCAL, "--local-wheels", "wheels", "--no-index")
    assert done.returncode == 0, done.stderr
    kept = {name for name, row in layers(pond).items() if "bill" in row["venvstacks"]}
    assert kept == set(BUILT) - {"app-plain"}
    publish(pond, "--provenance")
    kept = {name for name, row in layers(pond).items() if "provenance" in row["venvstacks"]}
    assert kept == set(BUILT)


def test_verify_compares_a_statement_with_a_second_build(described: Pond, tmp_path: Path) -> None:
    base = tmp_path / "pond"
    shutil.copytree(described.base, base, symlinks=True, ignore=shutil.ignore_patterns("_build", "_export"))
    pond = Pond(base, described.cache, described.uv_cache)
    named = layers(pond)["app-plain"]["venvstacks"]["provenance"]["name"]
    wrong = (base / "_artifacts" / named).read_text("utf-8").replace('"requirements": []', '"requirements": ["evil"]')
    metadata = base / "_artifacts/__venvstacks__/env_metadata/app-plain.json"
    row = json.loads(metadata.read_text("utf-8"))
    row["venvstacks"]["provenance"] |= {"size": len(wrong), "sha256": sha256_bytes(wrong.encode())}
    metadata.write_text(json.dumps(row), "utf-8")
    (base / "_artifacts" / named).write_text(wrong, "utf-8")
    local = ("--local-wheels", "wheels", "--no-index", "--include", "py", "--include", "app-plain")
    done = pond.command("verify", "venvstacks.toml", *local)
    assert done.returncode == 6, done.stdout + done.stderr
    assert "py: same, provenance: same\n" in done.stdout
    assert "app-plain: same, provenance: different\n" in done.stdout
    assert (
        "provenance: externalParameters.layer.requirements: ['evil'] is stated, the second build has []" in done.stdout
    )


ALWAYS = 'sbom = true\nprovenance = true\nbuilder = "https://ci.example/pond"\n'


@pytest.fixture(scope="module")
def signed(published_pond: Pond, tmp_path_factory: pytest.TempPathFactory) -> Pond:
    """A publication that is described as its specification says, and signed; only to be looked at."""
    base = tmp_path_factory.mktemp("signed") / "pond"
    shutil.copytree(published_pond.base, base, symlinks=True)
    pond = Pond(base, published_pond.cache, published_pond.uv_cache)
    assert pond.command("keys", "init", "keys").returncode == 0
    pond.edit("[tool.venvstacks]\n", f"[tool.venvstacks]\n{ALWAYS}")
    publish(pond, "--sign", "keys")
    return pond


def test_the_specification_may_ask_for_descriptions_of_every_publication(signed: Pond, tmp_path: Path) -> None:
    statement = content(signed, "app-newt", "provenance")
    assert statement["predicate"]["runDetails"]["builder"]["id"] == "https://ci.example/pond"
    assert all({"bill", "provenance"} <= row["venvstacks"].keys() for row in layers(signed).values())
    shutil.copytree(signed.base, tmp_path / "pond", symlinks=True)
    pond = Pond(tmp_path / "pond", signed.cache, signed.uv_cache)
    pond.edit("'plain'", "'plainer'", "launch/plain.py")
    local = ("--local-wheels", "wheels", "--no-index")
    done = pond.command("build", "venvstacks.toml", "--publish", *LOCAL, *local)
    assert "bills of materials: 5, statements of provenance: 5" in done.stderr
    assert "bill" in layers(pond)["app-plain"]["venvstacks"]
    pond.edit("'plainer'", "'plainest'", "launch/plain.py")
    assert pond.command("build", "venvstacks.toml", *LOCAL, *local).returncode == 0
    assert "bills" not in publish(pond, "--no-sbom")
    assert {"bill", "provenance"} & layers(pond)["app-plain"]["venvstacks"].keys() == {"provenance"}


def description(pond: Pond) -> OfferedFile:
    named = layers(pond)["app-newt"]["venvstacks"]["bill"]
    return OfferedFile(named["name"], named["size"], named["sha256"])


def trusted(pond: Pond) -> SignedSource:
    root = str(pond.base / "keys/roots/1.root.json")
    source = trusted_source(FolderSource(pond.base / "_artifacts"), None, root, datetime.now(UTC))
    assert isinstance(source, SignedSource)
    return source


def test_descriptions_are_signed_with_the_publication(signed: Pond, tmp_path: Path) -> None:
    source = trusted(signed)
    for row in layers(signed).values():
        for what in ("bill", "provenance"):
            named = row["venvstacks"][what]
            assert source.files[named["name"]] == (named["size"], named["sha256"])
    place = source.obtain(description(signed), tmp_path).path
    assert json.loads(place.read_bytes()) == content(signed, "app-newt", "bill")
    deployed = signed.command(
        "deploy", "_artifacts", "--to", str(tmp_path / "there"), "--app", "newt", "--trust", "keys/roots/1.root.json"
    )
    assert deployed.returncode == 0, deployed.stderr


def test_changed_descriptions_of_a_signed_publication_are_refused(signed: Pond, tmp_path: Path) -> None:
    shutil.copytree(signed.base, tmp_path / "pond", symlinks=True, ignore=shutil.ignore_patterns("_build", "_export"))
    pond = Pond(tmp_path / "pond", signed.cache, signed.uv_cache)
    named = description(pond)
    place = pond.base / "_artifacts" / named.name
    changed = place.read_bytes().replace(b"frog", b"toad")
    place.write_bytes(changed)
    with pytest.raises(VenvstacksError, match="is not the file that the manifest lists: its SHA-256"):
        trusted(pond).obtain(named, tmp_path / "obtained")
    again = pond.command("sign", "_artifacts", "--keys", "keys")
    assert (again.returncode, "is not the file that the manifest lists" in again.stderr) == (6, True)
    manifest = pond.base / MANIFEST
    manifest.write_text(manifest.read_text("utf-8").replace(named.sha256, sha256_bytes(changed)), "utf-8")
    other = OfferedFile(named.name, named.size, sha256_bytes(changed))
    with pytest.raises(VenvstacksError, match="is not signed"):
        trusted(pond).obtain(other, tmp_path / "obtained")
    deploying = ("deploy", "_artifacts", "--to", str(tmp_path / "there"), "--trust", "keys/roots/1.root.json")
    shutil.rmtree(pond.base / "_artifacts/__venvstacks__/tuf", ignore_errors=False)
    refused = pond.command(*deploying)
    assert (refused.returncode, (tmp_path / "there/active.json").exists()) == (6, False), refused.stderr
