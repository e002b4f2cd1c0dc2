"""The attacks that The Update Framework's specification lists, by a server on loopback that lies.

Each is refused with one sentence, nothing is installed, and what was installed stays as it was.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.folder_server import serving_folder
from tests.support.installed_applications import printed
from tests.support.loopback_server import serving
from tests.support.signed_publications import TUF, Publisher, now, sign
from venvstacks.api import deployments as deployment
from venvstacks.deployment.steps.publication_source import WebSource
from venvstacks.deployment.steps.signed_source import SignedSource
from venvstacks.errors import DeployError, TransferError, TrustError
from venvstacks.tools.transfer import Downloads
from venvstacks.tools.web_answer import SpeedLimit
from venvstacks.trust.root_rotation import NewKeys, make_keys
from venvstacks.trust.signature_verification import new_record, verify
from venvstacks.trust.trust_record import TrustRecord

QUICK = deployment.DeployOptions(retry_pauses=())
Attack = Callable[[Publisher, Path], None]


def replace_metadata(folder: Path, other: Path) -> None:
    shutil.rmtree(folder / TUF)
    shutil.copytree(other / TUF, folder / TUF)


def strangers(publisher: Publisher, scratch: Path) -> None:
    """Arbitrary software: everything is signed, by others, with higher versions."""
    shutil.rmtree(publisher.new / TUF)
    make_keys(scratch / "others", NewKeys("Pond Ltd"), now())
    sign(publisher.new, scratch / "others", number=9)


def other_archive(publisher: Publisher, _: Path) -> None:
    """Arbitrary software: an archive with other bytes, under a signed name."""
    place = publisher.new / "app-frog.tar.zst"
    place.write_bytes(bytes(len(place.read_bytes())))


def other_manifest(publisher: Publisher, _: Path) -> None:
    """Extraneous dependencies: a manifest that nobody signed lists a further layer for the application."""
    for place in (*publisher.new.glob(f"{TUF}/*.venvstacks.json"), publisher.new / "__venvstacks__/venvstacks.json"):
        data = json.loads(place.read_bytes())
        data["layers"]["runtimes"].append({**data["layers"]["runtimes"][0], "layer_name": "evil"})
        place.write_text(json.dumps(data), "utf-8")


def endless_timestamp(publisher: Publisher, _: Path) -> None:
    (publisher.new / TUF / "timestamp.json").write_bytes(b" " * 20_000)


def endless_root(publisher: Publisher, _: Path) -> None:
    (publisher.new / TUF / "2.root.json").write_bytes(b" " * 600_000)


def endless_snapshot(publisher: Publisher, _: Path) -> None:
    with (publisher.new / TUF / "2.snapshot.json").open("ab") as stream:
        stream.write(b" " * 2_100_000)


def endless_targets(publisher: Publisher, _: Path) -> None:
    with (publisher.new / TUF / "2.targets.json").open("ab") as stream:
        stream.write(b" " * 200_000)


def freeze(publisher: Publisher, _: Path) -> None:
    """Indefinite freeze: the time stamp is genuine, and too old."""
    shutil.rmtree(publisher.new / TUF)
    sign(publisher.new, publisher.keys, now() - timedelta(days=91), number=3)


def nothing_signed(publisher: Publisher, _: Path) -> None:
    """Malicious mirror: it withholds the metadata, so that the deployment might do without."""
    shutil.rmtree(publisher.new / TUF)


def old_snapshot(publisher: Publisher, _: Path) -> None:
    """Mix-and-match: the new time stamp with the snapshot before it."""
    shutil.copy(publisher.old / TUF / "1.snapshot.json", publisher.new / TUF / "2.snapshot.json")


def old_targets(publisher: Publisher, _: Path) -> None:
    """Mix-and-match: the new snapshot with the list of files before it."""
    shutil.copy(publisher.old / TUF / "1.targets.json", publisher.new / TUF / "2.targets.json")


def one_root_key(publisher: Publisher, _: Path) -> None:
    """Key compromise: one of the root keys, where two have to sign, names new keys for everything."""
    from tuf.api.metadata import Metadata  # noqa: PLC0415

    keys = publisher.loaded()
    root = Metadata.from_bytes(keys.root.to_bytes())
    root.signed.version = 2
    root.signatures.clear()
    root.sign(keys.signers("root")[0], append=True)
    (publisher.new / TUF / "2.root.json").write_bytes(root.to_bytes())


def one_signature_twice(publisher: Publisher, scratch: Path) -> None:
    """Key compromise: the signature of one root key is there twice, where two keys have to sign."""
    one_root_key(publisher, scratch)
    place = publisher.new / TUF / "2.root.json"
    data = json.loads(place.read_bytes())
    data["signatures"] *= 2
    place.write_text(json.dumps(data), "utf-8")


def online_key(publisher: Publisher, scratch: Path) -> None:
    """Key compromise: the online key makes a snapshot current whose list of files another key has signed."""
    shutil.rmtree(publisher.new / TUF)
    make_keys(scratch / "others", NewKeys(), now())
    mixed = json.loads((scratch / "others/keys.json").read_text("utf-8"))
    sign(publisher.new, scratch / "others", number=9)
    stolen = publisher.loaded()
    from tuf.api.metadata import Metadata, MetaFile  # noqa: PLC0415

    assert mixed["keys"]
    folder = publisher.new / TUF
    for name in ("9.snapshot.json", "timestamp.json"):
        document = Metadata.from_bytes((folder / name).read_bytes())
        if name == "timestamp.json":
            document.signed.snapshot_meta = MetaFile(9)
        document.signatures.clear()
        document.sign(stolen.signers("timestamp")[0], append=True)
        (folder / name).write_bytes(document.to_bytes())
    shutil.copy(publisher.old / TUF / "1.root.json", folder / "1.root.json")


def damaged(content: bytes, name: str = "timestamp.json") -> Attack:
    def attack(publisher: Publisher, _: Path) -> None:
        (publisher.new / TUF / name).write_bytes(content)

    return attack


ATTACKS: dict[str, tuple[Attack, str]] = {
    "arbitrary software: strangers": (strangers, "strangers"),
    "extraneous dependencies": (other_manifest, "mixed"),
    "endless data: time stamp": (endless_timestamp, "endless"),
    "endless data: root": (endless_root, "endless"),
    "endless data: snapshot": (endless_snapshot, "endless"),
    "endless data: list of files": (endless_targets, "endless"),
    "indefinite freeze": (freeze, "expired"),
    "malicious mirror: nothing signed": (nothing_signed, "unsigned"),
    "mix-and-match: snapshot": (old_snapshot, "mixed"),
    "mix-and-match: list of files": (old_targets, "mixed"),
    "key compromise: one root key of two": (one_root_key, "strangers"),
    "key compromise: one signature twice": (one_signature_twice, "damaged"),
    "key compromise: online key": (online_key, "strangers"),
    "damaged: no metadata": (damaged(b"{}"), "damaged"),
    "damaged: no JSON": (damaged(b"\xff\x00"), "damaged"),
    "damaged: nested": (damaged(b"[" * 16_000), "damaged"),
    "damaged: root": (damaged(b"{}", "2.root.json"), "damaged"),
    "damaged: snapshot": (damaged(b"{}", "2.snapshot.json"), "mixed"),
    "damaged: another role": (damaged(b'{"signatures": [], "signed": {"_type": "root"}}'), "damaged"),
}


def state_of(folder: Path) -> object:
    """What is installed, every file, and whom the deployment trusts."""
    files = [place for place in sorted(folder.rglob("*")) if place.name != ".lock"]
    return deployment.status(folder), files, (folder / "trust.json").read_bytes()


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_are_refused_and_change_nothing(
    attack: str, publisher: Publisher, installed: Path, tmp_path: Path
) -> None:
    prepare, kind = ATTACKS[attack]
    prepare(publisher, tmp_path)
    before = state_of(installed)
    with serving_folder(publisher.new) as web, pytest.raises(TrustError) as caught:
        deployment.deploy(web.url, installed, options=QUICK)
    assert caught.value.kind == kind
    assert caught.value.message.startswith(web.url)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert state_of(installed) == before
    assert printed(installed, "frog") == "old 1"


def test_an_archive_with_other_bytes_is_refused(publisher: Publisher, installed: Path, tmp_path: Path) -> None:
    other_archive(publisher, tmp_path)
    with serving_folder(publisher.new) as web, pytest.raises(DeployError, match="not the file that was expected"):
        deployment.deploy(web.url, installed, options=QUICK)
    assert deployment.status(installed).generation.number == 1


def test_a_rollback_is_refused(publisher: Publisher, installed: Path) -> None:
    assert deployment.deploy(str(publisher.new), installed).changed
    with serving_folder(publisher.old) as web, pytest.raises(TrustError) as caught:
        deployment.deploy(web.url, installed, options=QUICK, allow_downgrade=True)
    assert caught.value.kind == "rollback"
    assert deployment.status(installed).generation.number == 2


def test_a_stolen_online_key_does_not_bring_an_older_list_of_files_back(publisher: Publisher, installed: Path) -> None:
    """Rollback and key compromise: all signatures are right, and versions of time stamp and snapshot rise."""
    from tuf.api.metadata import Metadata, MetaFile  # noqa: PLC0415

    deployment.deploy(str(publisher.new), installed)
    signer = publisher.loaded().signers("timestamp")[0]
    snapshot = Metadata.from_bytes((publisher.new / TUF / "2.snapshot.json").read_bytes())
    snapshot.signed.meta["targets.json"] = MetaFile(1)
    timestamp = Metadata.from_bytes((publisher.new / TUF / "timestamp.json").read_bytes())
    timestamp.signed.snapshot_meta = MetaFile(3)
    for document, name in ((snapshot, "3.snapshot.json"), (timestamp, "timestamp.json")):
        document.signed.version = 3
        document.sign(signer)
        (publisher.old / TUF / name).write_bytes(document.to_bytes())
    with pytest.raises(TrustError) as caught:
        deployment.deploy(str(publisher.old), installed, allow_downgrade=True)
    assert caught.value.kind == "rollback"
    assert printed(installed, "frog") == "new 1"


def test_an_honest_update_follows(publisher: Publisher, installed: Path) -> None:
    with serving_folder(publisher.new) as web:
        found = deployment.check(web.url, installed, options=QUICK)
        assert found.is_newer
        assert found.signer == f"Pond Ltd (root 1, {publisher.fingerprint})"
        done = deployment.deploy(web.url, installed, options=QUICK)
        assert (done.changed, done.newly_trusted, done.generation.releases) == (True, False, {"frog": "2.4.1"})
        web.asked.clear()
        assert not deployment.check(web.url, installed, options=QUICK).changed
    requested = [path.rpartition("/")[2] for path, _ in web.asked]
    assert requested[:2] == ["2.root.json", "timestamp.json"]
    assert len(requested) == 3, "and the manifest"


def test_another_publication_of_the_same_version(publisher: Publisher, installed: Path) -> None:
    """No attack, but signing in a new folder without a number: the sentence says what the publisher has to do."""
    shutil.rmtree(publisher.new / TUF)
    sign(publisher.new, publisher.keys)
    with pytest.raises(TrustError, match="another publication than the one of that version") as caught:
        deployment.deploy(str(publisher.new), installed)
    assert "--number N" in (caught.value.hint or "")
    sign(publisher.new, publisher.keys, number=2)
    assert deployment.deploy(str(publisher.new), installed).changed


@pytest.mark.parametrize(
    ("offered", "says"),
    [
        ('{"signed": {"version": 1}, "signatures": []}', "another publication than the one of that version"),
        ('{"signed": {"version": 2}}', "does not have the venvstacks.json that was signed"),
        ("[" * 100_000, "does not have the venvstacks.json that was signed"),
        ("", "does not have the venvstacks.json that was signed"),
    ],
)
def test_files_that_changed_while_they_are_read(offered: str, says: str) -> None:
    """A newer publication is no publication of the same version."""

    class Folder:
        label = "here"

        def read_optional(self, path: str) -> bytes | None:
            return offered.encode() if path.endswith("/timestamp.json") else None

    record = TrustRecord("0" * 64, "first use", now(), now(), timestamp='{"signed": {"version": 1}}')
    source = SignedSource(cast("Any", Folder()), {"venvstacks.json": (1, "a" * 64)}, record)
    with pytest.raises(TrustError, match=says):
        source.read_optional("venvstacks.json")


def test_fast_forward_ends_with_another_online_key(publisher: Publisher, installed: Path) -> None:
    """Who has had the online key can raise versions as far as they go; new keys make lower ones count again."""
    from venvstacks.trust.root_rotation import rotate  # noqa: PLC0415

    sign(publisher.new, publisher.keys, number=2**31)
    deployment.check(str(publisher.new), installed)
    deployment.deploy(str(publisher.new), installed)
    rotate(publisher.loaded(), "online", (), now())
    rotate(publisher.loaded(), "targets", (), now())
    shutil.rmtree(publisher.new / TUF)
    sign(publisher.new, publisher.keys, number=3)
    done = deployment.deploy(str(publisher.new), installed)
    trust = deployment.status(installed).trust
    assert trust is not None
    assert (done.changed, trust.version, trust.root_version) == (False, 3, 3)


def roll_back_and_be_refused(publisher: Publisher, installed: Path) -> None:
    """Go back to the older release, and be refused it as a new publication with metadata that was reset."""
    deployment.rollback(installed)
    shutil.rmtree(publisher.old / TUF)
    sign(publisher.old, publisher.keys, number=50)
    with pytest.raises(DeployError, match="older release") as caught:
        deployment.deploy(str(publisher.old), installed)
    assert caught.value.details == ("frog: 2.4.0, and 2.4.1 was installed before",)


def test_a_lower_release_is_refused_even_where_the_metadata_was_reset(publisher: Publisher, installed: Path) -> None:
    """After `rollback` on the machine, and with new keys, the newest release that was ever installed still counts."""
    deployment.deploy(str(publisher.new), installed)
    roll_back_and_be_refused(publisher, installed)
    assert deployment.deploy(str(publisher.old), installed, allow_downgrade=True).generation.number == 1


def test_what_was_prepared_raises_the_newest_release_when_it_becomes_current(
    publisher: Publisher, installed: Path
) -> None:
    deployment.deploy(str(publisher.new), installed, later=True)
    assert deployment.activate(installed) is not None
    roll_back_and_be_refused(publisher, installed)


def strange_key(publisher: Publisher, kind: str) -> None:
    """A root that the publisher has signed names a key for the time stamps that is none of this type."""
    from securesystemslib.signer import SSlibKey  # noqa: PLC0415
    from tuf.api.metadata import Metadata  # noqa: PLC0415

    keys = publisher.loaded()
    root = Metadata.from_bytes(keys.root.to_bytes())
    root.signed.version = 2
    (old,) = root.signed.roles["timestamp"].keyids
    root.signed.revoke_key(old, "timestamp")
    root.signed.add_key(SSlibKey("f" * 64, kind, kind, {"public": "frog"}), "timestamp")
    root.signatures.clear()
    for signer in keys.signers("root"):
        root.sign(signer, append=True)
    (publisher.new / TUF / "2.root.json").write_bytes(root.to_bytes())


@pytest.mark.parametrize("kind", ["quantum", "ed25519", "rsa"])
def test_keys_of_a_wrong_type_are_refused(kind: str, publisher: Publisher, installed: Path) -> None:
    strange_key(publisher, kind)
    with serving_folder(publisher.new) as web, pytest.raises(TrustError) as caught:
        deployment.deploy(web.url, installed, options=QUICK)
    assert caught.value.kind in {"strangers", "damaged"}
    assert caught.value.message.startswith(web.url)
    assert deployment.status(installed).generation.number == 1


def test_a_server_that_sends_byte_after_byte_is_given_up(publisher: Publisher) -> None:
    """Slow retrieval: metadata has the same lower limit of speed as every transfer."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        if "root" in request.path:
            request.send_error(404)
            return
        request.send_response(200)
        request.end_headers()
        for _ in range(100):
            request.wfile.write(b" ")
            request.wfile.flush()
            time.sleep(0.05)

    record = new_record((publisher.new / TUF / "1.root.json").read_bytes(), "here", now())
    limit = SpeedLimit(1000, 0.4)
    with serving(answer) as url, Downloads({}, pauses=(), limit=limit) as downloads:
        source = WebSource(url, downloads)
        with pytest.raises(TransferError, match="bytes came in"):
            verify(source.read_optional, source.label, record, now())
