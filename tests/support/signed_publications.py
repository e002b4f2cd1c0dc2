"""A publisher with keys, and two signed publications of one tiny application, made once and copied for each test."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.support.published_layers import application, publish, runtime
from venvstacks.trust.key_folder import KeyFolder, read_key_folder
from venvstacks.trust.publication_signing import SignedPublication, sign_publication
from venvstacks.trust.root_rotation import NewKeys, make_keys

TUF = "__venvstacks__/tuf"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Publisher:
    """A publisher.

    Attributes:
        keys: Folder of its keys.
        old: Its release 2.4.0, signed.
        new: Its release 2.4.1, signed next.
        fingerprint: Of its first root.
    """

    keys: Path
    old: Path
    new: Path
    fingerprint: str

    def loaded(self) -> KeyFolder:
        return read_key_folder(self.keys)


def sign(folder: Path, keys: Path, when: datetime | None = None, number: int | None = None) -> SignedPublication:
    return sign_publication(folder, read_key_folder(keys), when or now(), number)


def make_publisher(base: Path, wanted: NewKeys) -> Publisher:
    """Keys, and two publications in one folder after each other, as a served folder holds them."""
    root = make_keys(base / "keys", wanted, now())
    served = base / "served"
    publish(served, (runtime(), application("frog", text="old")), release="2.4.0")
    sign(served, base / "keys")
    shutil.copytree(served, base / "old")
    publish(served, (runtime(), application("frog", text="new")), release="2.4.1")
    sign(served, base / "keys")
    return Publisher(base / "keys", base / "old", served, root.fingerprint)


def copied(publisher: Publisher, base: Path) -> Publisher:
    """A publisher of a test's own, with the same keys and publications."""
    for name, folder in (("keys", publisher.keys), ("old", publisher.old), ("new", publisher.new)):
        shutil.copytree(folder, base / name, ignore=shutil.ignore_patterns(".trees"))
    return Publisher(base / "keys", base / "old", base / "new", publisher.fingerprint)
