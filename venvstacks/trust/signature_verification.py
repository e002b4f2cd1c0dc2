"""Verification of a signed publication, by the client of The Update Framework over a transfer of our own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from venvstacks.digests import sha256_bytes
from venvstacks.errors import TransferError, TrustError
from venvstacks.model.conventions import METADATA_DIR
from venvstacks.trust.refusals import refusing, too_large
from venvstacks.trust.root_metadata import parse_root
from venvstacks.trust.signed_roles import TRUST_FOLDER
from venvstacks.trust.trust_record import TrustRecord
from venvstacks.trust.tuf_library import load_tuf_client

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata, Targets
    from tuf.ngclient import FetcherInterface

Read = Callable[[str, int], Optional[bytes]]  # noqa: UP045 - Python 3.9
"""Reads a file below the source, of a number of bytes at most; None if there is none."""

ROOT_LIMIT = 512_000
_TARGETS_LIMIT = 32 << 20
_SETBACK = timedelta(hours=1)  # how far a clock may be behind the last verification, as after a correction by NTP
_BASE = "trust://"  # the library makes URLs; only what follows is used


@dataclass(frozen=True)
class SignedFile:
    """A file of a signed publication.

    Attributes:
        size: Bytes.
        sha256: Hex digest.
    """

    size: int
    sha256: str


@dataclass(frozen=True)
class Verified:
    """A verified publication.

    Attributes:
        files: Every signed file by its path below the source.
        record: What the deployment has to keep.
    """

    files: Mapping[str, SignedFile]
    record: TrustRecord


def first_root(read: Read) -> bytes | None:
    """The first root metadata of a source, which a first use pins; None where a source is not signed.

    Raises:
        TransferError: It cannot be fetched, for another reason than that it is missing.
    """
    try:
        return read(f"{METADATA_DIR}/{TRUST_FOLDER}/1.root.json", ROOT_LIMIT)
    except TransferError as error:
        if error.kind == "forbidden":  # how S3 answers for a missing file where the folder may not be listed
            return None
        raise


def new_record(root: bytes, source: str, now: datetime) -> TrustRecord:
    """The record of a deployment that begins to trust a root.

    Raises:
        TrustError: It is no root metadata.
    """
    fingerprint = sha256_bytes(parse_root(root, source).signed_bytes)
    return TrustRecord(fingerprint=fingerprint, pinned=root.decode(), verified=now, valid_until=now)


def check_clock(record: TrustRecord, now: datetime) -> None:
    """Refuse to verify with a clock that was set back: expired signatures would be accepted.

    Raises:
        TrustError: The clock is behind the last verification.
    """
    if now < record.verified - _SETBACK:
        raise TrustError(
            f"the clock of this machine shows {now:%Y-%m-%d %H:%M} UTC, and this deployment was verified at "
            f"{record.verified:%Y-%m-%d %H:%M} UTC",
            kind="clock",
            hint="correct the clock; if it was wrong then, name the publisher's root with --trust again",
        )


def verify(read: Read, source: str, record: TrustRecord, now: datetime) -> Verified:
    """Verify what a source offers now, by all rules for clients of The Update Framework.

    Args:
        read: Reads from the source.
        source: Folder or URL, for messages.
        record: What the deployment trusts, and has seen.
        now: The present time, which is compared with the last verification; the library asks the clock itself.

    Raises:
        TrustError: It is not signed as it has to be.
        TransferError: It cannot be read.
    """
    check_clock(record, now)
    load_tuf_client()
    from tuf.ngclient import Updater, UpdaterConfig  # noqa: PLC0415 - slow to load, and only for signed ones

    config = UpdaterConfig(targets_max_length=_TARGETS_LIMIT, prefix_targets_with_hash=False)
    with tempfile.TemporaryDirectory(prefix="venvstacks-trust-") as name:
        folder = Path(name)
        try:
            with refusing(source):
                _unpack(record, folder)
                updater = Updater(name, _BASE, fetcher=_fetcher(read), config=config, bootstrap=record.pinned.encode())
                updater.refresh()
                return _collect(folder, source, record, now)
        except TrustError as error:
            error.roots = {version: data.decode() for version, data in _later_roots(folder, source)}
            raise


def _unpack(record: TrustRecord, folder: Path) -> None:
    """Write what a deployment has seen to where the library looks for it."""
    (folder / "root_history").mkdir()
    for version, text in record.roots.items():
        (folder / "root_history" / f"{version}.root.json").write_text(text, encoding="utf-8")
    for role in ("timestamp", "snapshot", "targets"):
        if text := getattr(record, role):
            (folder / f"{role}.json").write_text(text, encoding="utf-8")


def _collect(folder: Path, source: str, record: TrustRecord, now: datetime) -> Verified:
    from tuf.api.metadata import Metadata, Snapshot, Timestamp  # noqa: PLC0415

    texts = {role: (folder / f"{role}.json").read_bytes() for role in ("timestamp", "snapshot", "targets")}
    roots = dict(_later_roots(folder, source))
    newest = parse_root(roots[max(roots)] if roots else record.pinned.encode(), source).signed
    targets: Metadata[Targets] = Metadata.from_bytes(texts["targets"])
    timestamp: Metadata[Timestamp] = Metadata.from_bytes(texts["timestamp"])
    snapshot: Metadata[Snapshot] = Metadata.from_bytes(texts["snapshot"])
    publisher = newest.unrecognized_fields.get(PUBLISHER_FIELD)
    timestamp_text, snapshot_text, targets_text = (text.decode() for text in texts.values())
    seen = replace(
        record,
        timestamp=timestamp_text,
        snapshot=snapshot_text,
        targets=targets_text,
        roots={version: text.decode() for version, text in roots.items()},
        publisher=publisher[:200] if isinstance(publisher, str) else None,
        root_version=newest.version,
        version=targets.signed.version,
        verified=max(now, record.verified),
        valid_until=min(newest.expires, timestamp.signed.expires, snapshot.signed.expires, targets.signed.expires),
    )
    files = {
        name: SignedFile(info.length, info.hashes["sha256"])
        for name, info in targets.signed.targets.items()
        if "sha256" in info.hashes
    }
    return Verified(files, seen)


PUBLISHER_FIELD = "x-venvstacks-publisher"
"""Field of root metadata with the name of the publisher."""


def _later_roots(folder: Path, source: str) -> Iterator[tuple[int, bytes]]:
    """The verified root metadata after the pinned one, by version; the library has verified all up to its link."""
    if not (folder / "root.json").exists():  # not even the pinned one could be used
        return
    newest = parse_root((folder / "root.json").read_bytes(), source).signed.version
    for place in (folder / "root_history").iterdir():
        version = int(place.name.partition(".")[0])
        if version <= newest:
            yield version, place.read_bytes()


def _fetcher(read: Read) -> FetcherInterface:
    from tuf.api.exceptions import DownloadHTTPError, DownloadLengthMismatchError  # noqa: PLC0415
    from tuf.ngclient import FetcherInterface  # noqa: PLC0415

    class Fetcher(FetcherInterface):
        """Hands requests for metadata to the transfer, with the bounds of the library."""

        def _fetch(self, url: str) -> Iterator[bytes]:
            raise NotImplementedError(url)  # only metadata is fetched, as a whole

        def download_bytes(self, url: str, max_length: int) -> bytes:
            path = f"{METADATA_DIR}/{TRUST_FOLDER}/{url.removeprefix(_BASE).lstrip('/')}"
            try:
                content = read(path, max_length)
            except TransferError as error:
                if too_large(error):
                    raise DownloadLengthMismatchError(error.message) from error
                if error.kind == "forbidden":
                    raise DownloadHTTPError(error.message, 403) from error
                raise
            if content is None:
                raise DownloadHTTPError(f"there is no {path}", 404)
            return content

    return Fetcher()
