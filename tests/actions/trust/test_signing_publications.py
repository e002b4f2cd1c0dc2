"""Keys of a publisher, and what signing writes."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, CryptoSigner, Key, Signature, SSlibKey

from tests.support.signed_publications import TUF, Publisher, now, sign
from venvstacks.api import deployments as deployment
from venvstacks.api import signing
from venvstacks.errors import TrustError, UsageError
from venvstacks.trust.key_folder import read_key_folder
from venvstacks.trust.root_rotation import KeyElsewhere, NewKeys, make_keys, rotate
from venvstacks.trust.signed_roles import Holder


def listed(folder: Path) -> list[str]:
    return sorted(place.name for place in (folder / TUF).iterdir() if "venvstacks" not in place.name)


def test_every_published_file_is_signed_and_nothing_else(publisher: Publisher) -> None:
    (publisher.new / "notes.txt").write_text("not named by a manifest")
    (publisher.new / "app-frog.tar.zst").unlink()  # it may have been moved: the manifest knows its digest
    done = sign(publisher.new, publisher.keys)
    targets = json.loads((publisher.new / TUF / "2.targets.json").read_text("utf-8"))["signed"]["targets"]
    assert sorted(targets) == [
        "__venvstacks__/venvstacks.json", "app-frog.tar.zst", "app-frog.tar.zst.files.json.gz", "py.tar.zst",
        "py.tar.zst.files.json.gz",
    ]  # fmt: skip
    assert (done.files, done.version, done.renewed) == (5, 2, True)


def test_signing_again_renews_the_time_stamp_with_the_online_key_alone(publisher: Publisher) -> None:
    for name in ("root-1.pem", "root-2.pem", "root-3.pem", "targets-1.pem"):
        (publisher.keys / name).unlink()
    before = {name: (publisher.new / TUF / name).read_bytes() for name in listed(publisher.new)}
    done = sign(publisher.new, publisher.keys, now() + timedelta(days=30))
    after = {name: (publisher.new / TUF / name).read_bytes() for name in listed(publisher.new)}
    assert done.renewed
    assert {name for name in after if before.get(name) != after[name]} == {"timestamp.json"}
    with pytest.raises(TrustError, match="1 of the keys of role 'targets' have to sign, and 0 are at hand"):
        sign(publisher.new, publisher.keys, now() + timedelta(days=700))


def test_the_same_files_and_time_give_the_same_bytes(publisher: Publisher, tmp_path: Path) -> None:
    when, contents = now(), []
    for name in ("a", "b"):
        shutil.copytree(publisher.new, tmp_path / name, ignore=shutil.ignore_patterns("tuf"))
        sign(tmp_path / name, publisher.keys, when)
        contents.append({place: (tmp_path / name / TUF / place).read_bytes() for place in listed(tmp_path / name)})
    assert contents[0] == contents[1]


def test_old_metadata_goes_and_roots_stay(publisher: Publisher) -> None:
    manifest = publisher.new / "__venvstacks__/venvstacks.json"
    for number in range(12):
        manifest.write_bytes(manifest.read_bytes() + b"\n")
        rotate(publisher.loaded(), "online", (), now()) if not number else None
        sign(publisher.new, publisher.keys)
    names = listed(publisher.new)
    assert {"1.root.json", "2.root.json", "14.targets.json", "5.targets.json", "14.snapshot.json"} <= set(names)
    assert not {"1.targets.json", "4.targets.json", "4.snapshot.json"} & set(names)
    assert len([*(publisher.new / TUF).glob("*.venvstacks.json")]) == 10


@pytest.mark.parametrize("what", ["archive", "list", "manifest", "nothing"])
def test_what_is_not_as_the_manifest_says_is_not_signed(what: str, publisher: Publisher, tmp_path: Path) -> None:
    files = {"archive": "py.tar.zst", "list": "py.tar.zst.files.json.gz", "manifest": "__venvstacks__/venvstacks.json"}
    if what == "nothing":
        with pytest.raises(UsageError, match="holds no publication"):
            sign(tmp_path / "keys", publisher.keys)
        return
    before = listed(publisher.new)
    (publisher.new / files[what]).write_bytes(b"other")
    with pytest.raises(TrustError, match=r"is not the file that the manifest lists|is not a manifest"):
        sign(publisher.new, publisher.keys)
    assert listed(publisher.new) == before


def test_private_keys_are_for_their_owner_alone(publisher: Publisher) -> None:
    keys = [*publisher.keys.glob("*.pem")]
    assert len(keys) == 5
    assert {stat.S_IMODE(place.stat().st_mode) for place in keys} == {0o600}
    with pytest.raises(UsageError, match="is not empty"):
        signing.init_keys(publisher.keys)


def test_a_key_of_another_kind_or_for_another_place_is_named(publisher: Publisher, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as forms  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa  # noqa: PLC0415

    place = publisher.keys / "online-1.pem"
    mine = forms.load_pem_private_key(place.read_bytes(), None)
    plain, locked = forms.NoEncryption(), forms.BestAvailableEncryption(b"frog")
    pem, pkcs8 = forms.Encoding.PEM, forms.PrivateFormat.PKCS8
    cases = {
        "is encrypted": mine.private_bytes(pem, pkcs8, locked),
        "is not a private key in PEM format": b"frog",
        "is not the private key that belongs to ed25519 key": ed25519.Ed25519PrivateKey.generate().private_bytes(
            pem, pkcs8, plain
        ),
        "not the private key that belongs to": rsa.generate_private_key(65537, 2048).private_bytes(pem, pkcs8, plain),
    }
    for says, content in cases.items():
        place.write_bytes(content)
        with pytest.raises(TrustError, match=says) as caught:
            sign(publisher.new, publisher.keys)
        assert str(place) in caught.value.message
        assert "frog" not in str(caught.value)
    place.unlink()
    (tmp_path / "online-1.pem").write_bytes(mine.private_bytes(pem, pkcs8, plain))
    assert signing.sign(publisher.new, publisher.keys, [tmp_path]).renewed, "from another folder, as a drive is"


def test_keys_elsewhere_are_used_by_their_uri(publisher: Publisher) -> None:
    place = publisher.keys / "keys.json"
    text = place.read_text("utf-8")
    place.write_text(text.replace("file2:online-1.pem", "frog:nothing"), "utf-8")
    with pytest.raises(TrustError, match="the key at frog: cannot be used"):
        sign(publisher.new, publisher.keys)


def test_fewer_root_keys_than_have_to_sign_change_nothing(publisher: Publisher) -> None:
    for name in ("root-1.pem", "root-2.pem"):
        (publisher.keys / name).unlink()
    before = sorted(publisher.keys.rglob("*"))
    with pytest.raises(TrustError, match="2 of the keys of role 'root' have to sign, and 1 are at hand"):
        signing.rotate_keys(publisher.keys, "targets")
    assert sorted(publisher.keys.rglob("*")) == before


def test_a_named_key_is_retired(publisher: Publisher) -> None:
    done = signing.rotate_keys(publisher.keys, "root", ["root-2.pem"])
    assert [place.name for place in done.made] == ["root-4.pem"]
    keys = read_key_folder(publisher.keys)
    names = {keys.settings.keys[id_] for id_ in keys.root.signed.roles["root"].keyids}
    assert names == {"file2:root-1.pem", "file2:root-3.pem", "file2:root-4.pem"}
    with pytest.raises(UsageError, match=r"'root-2\.pem' is no key of 'root'"):
        signing.rotate_keys(publisher.keys, "root", ["root-2.pem"])
    assert signing.rotate_keys(publisher.keys).version == 3


def made_elsewhere(folder: Path, private: CertificateIssuerPrivateKeyTypes) -> KeyElsewhere:
    """A key pair that another tool has made, next to the keys of a publisher."""
    pem = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "other.pem").write_bytes(private.private_bytes(*pem))
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "public.pem").write_bytes(public)
    return KeyElsewhere(folder / "public.pem", "file2:other.pem")


@pytest.mark.parametrize("holder", ["root", "targets", "online"])
@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_keys_that_exist_already_sign(publisher: Publisher, tmp_path: Path, holder: Holder, kind: str) -> None:
    private: CertificateIssuerPrivateKeyTypes = ed25519.Ed25519PrivateKey.generate()
    if kind != "ed25519":
        is_rsa = kind == "rsa"
        private = rsa.generate_private_key(65537, 2048) if is_rsa else ec.generate_private_key(ec.SECP256R1())
    elsewhere = made_elsewhere(publisher.keys, private)
    done = signing.rotate_keys(publisher.keys, holder, elsewhere=elsewhere)
    assert (done.made, len(done.retired)) == ((), 1)
    shutil.rmtree(publisher.new / TUF)
    sign(publisher.new, publisher.keys)
    deployment.deploy(str(publisher.new), tmp_path / "d", trusted=publisher.fingerprint)
    again = signing.rotate_keys(publisher.keys, holder, ["other.pem"])
    assert [place.name for place in again.made] != []


def test_devices_are_asked_and_may_refuse(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for a hardware module, where the library looks for those; tried by hand with SoftHSM, too."""
    private = ed25519.Ed25519PrivateKey.generate()
    elsewhere = replace(made_elsewhere(publisher.keys, private), uri="frog:7?label=pond")

    class Device(CryptoSigner):
        pin = ""

        @classmethod
        def from_priv_key_uri(cls, uri: str, public: Key, ask: Callable[[str], str] | None = None) -> Device:
            assert (uri, ask is not None) == ("frog:7?label=pond", True)
            assert isinstance(public, SSlibKey)
            device = cls(private, public)
            device.pin = ask("pin") if ask else ""
            return device

        def sign(self, payload: bytes) -> Signature:
            if self.pin != "1234":
                raise KeyError
            return super().sign(payload)

    monkeypatch.setitem(SIGNER_FOR_URI_SCHEME, "frog", Device)
    with pytest.raises(TrustError, match=r"the private key frog:.* does not sign for .*: KeyError"):
        signing.rotate_keys(publisher.keys, "targets", elsewhere=elsewhere, ask=lambda _: "9")
    assert signing.rotate_keys(publisher.keys, "targets", elsewhere=elsewhere, ask=lambda _: "1234").version == 2
    shutil.rmtree(publisher.new / TUF)
    with pytest.raises(UsageError, match="is a key of 'targets' already"):
        signing.rotate_keys(publisher.keys, "targets", elsewhere=elsewhere, ask=lambda _: "1234")
    with pytest.raises(TrustError, match=r"key [0-9a-f]{12} does not sign: KeyError"):
        signing.sign(publisher.new, publisher.keys, ask=lambda _: "9")
    signing.sign(publisher.new, publisher.keys, ask=lambda _: "1234")
    assert signing.rotate_keys(publisher.keys, "targets", ["frog:7?label=pond"]).version == 3


def test_a_root_key_that_does_not_sign_changes_nothing(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new key's file is made before the others sign, and goes again."""

    def refuse(*_: object) -> Signature:
        raise KeyError

    before = {place: place.read_bytes() for place in publisher.keys.rglob("*") if place.is_file()}
    monkeypatch.setattr(CryptoSigner, "sign", refuse)
    with pytest.raises(TrustError, match=r"key [0-9a-f]{12} does not sign: KeyError"):
        signing.rotate_keys(publisher.keys, "targets")
    assert {place: place.read_bytes() for place in publisher.keys.rglob("*") if place.is_file()} == before


def test_a_key_that_does_not_belong_to_its_public_half_changes_nothing(publisher: Publisher) -> None:
    elsewhere = made_elsewhere(publisher.keys, ec.generate_private_key(ec.SECP256R1()))
    before = {place: place.read_bytes() for place in publisher.keys.rglob("*") if place.is_file()}
    attempts = [
        (replace(elsewhere, uri="file2:targets-1.pem"), "is not the private key that belongs to"),
        (replace(elsewhere, uri="file2:none.pem"), "the private key none.pem is not at hand"),
        (replace(elsewhere, uri="frog:1"), "the key at frog: cannot be used"),
        (replace(elsewhere, public=publisher.keys / "keys.json"), "is not a public key that can be used"),
        (replace(elsewhere, public=publisher.keys / "none.pem"), "cannot be read: No such file"),
    ]
    for wrong, message in attempts:
        with pytest.raises(TrustError, match=message):
            signing.rotate_keys(publisher.keys, "targets", elsewhere=wrong)
    assert {place: place.read_bytes() for place in publisher.keys.rglob("*") if place.is_file()} == before


@pytest.mark.parametrize(
    "wanted",
    [
        NewKeys(counts={"root": 0}),
        NewKeys(thresholds={"root": 2}),
        NewKeys(days={"frog": 3}),
        NewKeys(days={"root": 0}),
    ],
)
def test_numbers_that_make_no_sense(wanted: NewKeys, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        make_keys(tmp_path / "keys", wanted, now())
    assert not (tmp_path / "keys").exists()


def test_a_folder_without_keys_and_damaged_ones(tmp_path: Path, publisher: Publisher) -> None:
    with pytest.raises(UsageError, match="holds no keys"):
        signing.sign(publisher.new, tmp_path / "none")
    (publisher.keys / "keys.json").write_text("{}frog")
    with pytest.raises(TrustError, match=r"keys\.json is damaged"):
        sign(publisher.new, publisher.keys)
