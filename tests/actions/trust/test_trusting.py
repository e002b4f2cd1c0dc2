"""Whom a deployment trusts: from its first use on, by a root that is named, and after root metadata was renewed."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.published_layers import application, publish, runtime
from tests.support.signed_publications import TUF, Publisher, now, sign
from venvstacks.api import deployments as deployment
from venvstacks.errors import DeployError, TrustError, UsageError
from venvstacks.trust.root_rotation import NewKeys, make_keys, rotate


def test_the_first_use_pins_the_root_and_says_so(publisher: Publisher, tmp_path: Path) -> None:
    done = deployment.deploy(str(publisher.old), tmp_path / "d")
    assert (done.signer, done.newly_trusted) == (f"Pond Ltd (root 1, {publisher.fingerprint})", True)
    assert not deployment.deploy(str(publisher.old), tmp_path / "d").newly_trusted
    trust = deployment.status(tmp_path / "d").trust
    assert trust is not None
    assert (trust.fingerprint, trust.publisher, trust.releases) == (
        publisher.fingerprint, "Pond Ltd", {"frog": "2.4.0"},
    )  # fmt: skip
    assert timedelta(days=89) < trust.valid_until - now() < timedelta(days=91)


def test_a_deployment_that_trusts_nobody_does_from_its_first_signed_source_on(
    publisher: Publisher, tmp_path: Path
) -> None:
    unsigned = tmp_path / "unsigned"
    shutil.copytree(publisher.old, unsigned)
    shutil.rmtree(unsigned / TUF)
    done = deployment.deploy(str(unsigned), tmp_path / "d")
    assert (done.signer, deployment.status(tmp_path / "d").trust) == (None, None)
    assert deployment.deploy(str(publisher.old), tmp_path / "d").newly_trusted
    with pytest.raises(TrustError) as caught:
        deployment.deploy(str(unsigned), tmp_path / "d")
    assert caught.value.kind == "unsigned"


def test_a_first_use_that_is_refused_pins_nothing(
    publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody was shown whom the deployment would have trusted."""
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=1 << 40, free=0))
        with pytest.raises(DeployError, match="MiB are needed"):
            deployment.deploy(str(publisher.old), tmp_path / "d")
    assert not (tmp_path / "d").exists()
    assert deployment.deploy(str(publisher.old), tmp_path / "d").newly_trusted


@pytest.mark.parametrize("how", ["file", "fingerprint"])
def test_a_named_root_has_to_be_the_source_s(how: str, publisher: Publisher, tmp_path: Path) -> None:
    other = make_keys(tmp_path / "others", NewKeys(), now())
    named = str(other.place) if how == "file" else other.fingerprint
    with pytest.raises(TrustError) as caught:
        deployment.deploy(str(publisher.old), tmp_path / "d", trusted=named)
    assert caught.value.kind == ("strangers" if how == "file" else "root")
    assert not (tmp_path / "d").exists()
    right = str(publisher.keys / "roots/1.root.json") if how == "file" else publisher.fingerprint
    assert deployment.deploy(str(publisher.old), tmp_path / "d", trusted=right).newly_trusted


@pytest.mark.parametrize("named", ["no-such-file.json", "."])
def test_what_is_no_root_is_wrong_usage(named: str, publisher: Publisher, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        deployment.deploy(str(publisher.old), tmp_path / "d", trusted=str(tmp_path / named))


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"signatures": [], "signed": {"_type": "timestamp"}}'])
def test_a_file_that_is_no_root_is_named(content: bytes, publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "root.json").write_bytes(content)
    with pytest.raises(TrustError, match=r"root\.json has damaged signed metadata"):
        deployment.deploy(str(publisher.old), tmp_path / "d", trusted=str(tmp_path / "root.json"))


def test_a_source_that_is_named_with_a_root_has_to_be_signed(publisher: Publisher, tmp_path: Path) -> None:
    shutil.rmtree(publisher.old / TUF)
    for named in (str(publisher.keys / "roots/1.root.json"), publisher.fingerprint):
        with pytest.raises(TrustError) as caught:
            deployment.deploy(str(publisher.old), tmp_path / "d", trusted=named)
        assert caught.value.kind == "unsigned"
    assert not (tmp_path / "d").exists()


def test_roots_are_followed_one_by_one(publisher: Publisher, installed: Path) -> None:
    """Each version is signed by those whom the version before trusts; all keys are others in the end."""
    for _ in range(3):
        rotate(publisher.loaded(), "root", (), now())
    rotate(publisher.loaded(), "targets", (), now())
    rotate(publisher.loaded(), "online", (), now())
    sign(publisher.new, publisher.keys)
    deployment.deploy(str(publisher.new), installed)
    trust = deployment.status(installed).trust
    assert trust is not None
    assert (trust.root_version, trust.fingerprint) == (6, publisher.fingerprint)
    (publisher.new / TUF / "6.root.json").unlink()
    assert not deployment.deploy(str(publisher.new), installed).changed, "what was seen counts without the server"


def test_a_retired_key_is_not_trusted_after_a_refused_update_either(publisher: Publisher, installed: Path) -> None:
    """The new root counts from the moment it was seen, although nothing could be installed with it."""
    compromised = publisher.keys.with_name("compromised")
    shutil.copytree(publisher.keys, compromised)
    genuine = publisher.new.with_name("genuine")
    shutil.copytree(publisher.new, genuine)
    rotate(publisher.loaded(), "online", (), now())
    shutil.rmtree(publisher.new / TUF)
    sign(publisher.new, publisher.keys, now() - timedelta(days=91), number=3)
    with pytest.raises(TrustError) as caught:
        deployment.deploy(str(publisher.new), installed)
    assert caught.value.kind == "expired"
    sign(genuine, compromised)
    with pytest.raises(TrustError) as caught:
        deployment.deploy(str(genuine), installed)
    assert caught.value.kind == "strangers"


def test_a_clock_that_was_set_back_is_noticed(publisher: Publisher, installed: Path) -> None:
    place = installed / "trust.json"
    data = json.loads(place.read_text("utf-8"))
    data["verified"] = (now() + timedelta(days=2)).isoformat()
    place.write_text(json.dumps(data), "utf-8")
    with pytest.raises(TrustError, match="the clock of this machine shows") as caught:
        deployment.deploy(str(publisher.new), installed)
    assert caught.value.kind == "clock"
    assert deployment.deploy(str(publisher.new), installed, trusted=publisher.fingerprint).changed


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2}', "\0"])
def test_a_damaged_record_does_not_make_unsigned_sources_welcome(
    text: str, publisher: Publisher, installed: Path
) -> None:
    (installed / "trust.json").write_text(text)
    shutil.rmtree(publisher.new / TUF)
    for attempt in (deployment.deploy, deployment.check):
        with pytest.raises(TrustError, match=r"trust\.json is damaged"):
            attempt(str(publisher.new), installed)


def test_a_manifest_that_is_being_replaced_is_read_as_it_was_signed(publisher: Publisher, installed: Path) -> None:
    """Between `publish` and `sign`, readers get what was signed last."""
    publish(publisher.new, (runtime(), application("frog", text="newer")), release="2.4.2")
    found = deployment.check(str(publisher.new), installed)
    assert [step.text for step in found.releases] == ["2.4.0 -> 2.4.1"]


def test_without_the_library_a_signed_source_is_not_trusted(
    publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tuf.api.metadata", None)
    with pytest.raises(UsageError) as caught:
        deployment.deploy(str(publisher.old), tmp_path / "d")
    assert caught.value.hint == "pip install 'venvstacks[sign]'"
