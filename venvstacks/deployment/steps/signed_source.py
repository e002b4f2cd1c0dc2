"""A signed source: every file that is read from it is one that the verified metadata names."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from venvstacks.deployment.offers import OfferedFile, OfferedLayer
from venvstacks.deployment.release_steps import ReleaseStep, raised_floor
from venvstacks.deployment.steps.place import Place
from venvstacks.deployment.steps.publication_source import Obtained, Source
from venvstacks.digests import sha256_bytes
from venvstacks.errors import TrustError, UsageError
from venvstacks.model.conventions import METADATA_DIR
from venvstacks.tools.files import read_regular, write_atomically
from venvstacks.trust.signed_roles import TRUST_FOLDER
from venvstacks.trust.trust_record import TrustRecord
from venvstacks.trust.tuf_library import require_tuf

_FINGERPRINT_LENGTH = 64


@dataclass(frozen=True)
class SignedSource:
    """A source of which only signed files are used.

    Attributes:
        inner: The source itself.
        files: Size and SHA-256 of every signed file, by its path.
        record: What the deployment has to keep.
    """

    inner: Source
    files: dict[str, tuple[int, str]]
    record: TrustRecord

    @property
    def label(self) -> str:
        """See `Source`."""
        return self.inner.label

    def available(self, layers: Iterable[OfferedLayer]) -> tuple[OfferedLayer, ...]:
        """See `Source`."""
        return self.inner.available(layers)

    def read_optional(self, path: str, limit: int = 0) -> bytes | None:  # noqa: ARG002 - the size is signed
        """A signed manifest: its copy, which stays while a newer one is being published, or else the file itself."""
        if path not in self.files:
            return None
        size, sha256 = self.files[path]
        copy = f"{METADATA_DIR}/{TRUST_FOLDER}/{sha256}.{path.rpartition('/')[2]}"
        for place in (copy, path):
            content = self.inner.read_optional(place)
            if content is not None and (len(content), sha256_bytes(content)) == (size, sha256):
                return content
        if self._repeats_a_number():
            raise TrustError(
                f"{self.label} is another publication than the one of that version which this deployment has seen",
                kind="mixed",
                hint="the publisher has to sign it again with a higher number: `venvstacks sign --number N`",
            )
        raise TrustError(
            f"{self.label} does not have the {path} that was signed",
            kind="mixed",
            hint="try again later: it may be being copied; nothing was changed",
        )

    def _repeats_a_number(self) -> bool:
        """Whether the source's time stamp is not the one that was verified, although it has the same version."""
        read = self.inner.read_optional(f"{METADATA_DIR}/{TRUST_FOLDER}/timestamp.json")
        offered, verified = (read or b"").decode("utf-8", "replace"), self.record.timestamp
        return offered != verified and _version(offered) == _version(verified) is not None

    def read(self, file: OfferedFile) -> bytes:
        """See `Source`."""
        return self.inner.read(self._signed(file))

    def obtain(self, file: OfferedFile, folder: Path) -> Obtained:
        """See `Source`."""
        return self.inner.obtain(self._signed(file), folder)

    def space_needed(self, file: OfferedFile, folder: Path) -> int:
        """See `Source`."""
        return self.inner.space_needed(file, folder)

    def bytes_to_fetch(self, file: OfferedFile, folder: Path) -> int:
        """See `Source`."""
        return self.inner.bytes_to_fetch(file, folder)

    def _signed(self, file: OfferedFile) -> OfferedFile:
        """The file, if it is signed.

        Raises:
            TrustError: It is not, or with other content.
        """
        if self.files.get(file.name) != (file.size, file.sha256):
            raise TrustError(f"{file.name} of {self.label} is not signed", kind="mixed", hint="ask the publisher")
        return file


def read_trust(place: Place) -> TrustRecord | None:
    """Whom a deployment trusts; None if it does not follow signed publications.

    Raises:
        TrustError: The record is damaged or cannot be read.
    """
    try:
        return TrustRecord.read(read_regular(place.trust), str(place.trust))
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None
    except OSError as error:
        raise TrustError(f"{place.trust} cannot be read: {error.strerror or error}") from error


def write_trust(place: Place, record: TrustRecord) -> None:
    """Keep what a deployment trusts and has seen.

    Raises:
        OSError: It cannot be written.
    """
    write_atomically(place.trust, record.text())


def keep_floor(place: Place, releases: Iterable[ReleaseStep]) -> None:
    """Record the releases that are current now, if the deployment trusts somebody: older ones are refused from now on.

    Raises:
        TrustError: The record is damaged or cannot be read.
        OSError: It cannot be written.
    """
    record = read_trust(place)
    if record is not None:
        floor = raised_floor(record.releases, releases)
        if floor != record.releases:
            write_trust(place, replace(record, releases=floor))


def trusted_source(source: Source, record: TrustRecord | None, trusted: str | None, now: datetime) -> Source:
    """The source as far as it is signed, where the deployment, the user or the source itself asks for that.

    Args:
        source: The source.
        record: Whom the deployment trusts already.
        trusted: A file with root metadata, or the fingerprint of the source's first; None if the user named none.
        now: The present time.

    Raises:
        TrustError: It is not signed as it has to be.
        UsageError: The packages that verify are missing, or `trusted` is neither.
    """
    from venvstacks.trust import signature_verification as verification  # noqa: PLC0415 - needed below only where something is signed

    if trusted is None and record is None:
        root = verification.first_root(source.read_optional)
        if root is None:
            return source
        require_tuf()
        record = verification.new_record(root, source.label, now)
    else:
        require_tuf()
        record = _chosen_record(source, record, trusted, now)
    verified = verification.verify(source.read_optional, source.label, record, now)
    files = {name: (one.size, one.sha256) for name, one in verified.files.items()}
    return SignedSource(source, files, verified.record)


def _chosen_record(source: Source, record: TrustRecord | None, trusted: str | None, now: datetime) -> TrustRecord:
    """The record to verify with; a root that the user names again keeps what was seen, but not the time."""
    from venvstacks.trust import signature_verification as verification  # noqa: PLC0415

    if trusted is None:
        assert record is not None  # noqa: S101 - the caller has one of both
        return record
    if len(trusted) == _FINGERPRINT_LENGTH and set(trusted) <= set("0123456789abcdef"):
        root = verification.first_root(source.read_optional)
        if root is None:
            raise TrustError(f"{source.label} is not signed", kind="unsigned", hint="check the URL")
        chosen = verification.new_record(root, source.label, now)
        if chosen.fingerprint != trusted:
            raise TrustError(
                f"the root of {source.label} has the fingerprint {chosen.fingerprint}, not {trusted}",
                kind="root",
                hint="ask the publisher for the fingerprint; nothing was changed",
            )
    else:
        chosen = verification.new_record(_read_root(Path(trusted), verification.ROOT_LIMIT), trusted, now)
    if record is not None and record.fingerprint == chosen.fingerprint:
        return replace(record, verified=now)
    return chosen


def _read_root(place: Path, limit: int) -> bytes:
    try:
        content = read_regular(place)
    except OSError as error:
        raise UsageError(
            f"{place} cannot be read: {error.strerror or error}",
            hint="name a root.json file, or a fingerprint of 64 hexadecimal digits",
        ) from error
    return content[:limit]


def _version(metadata: str) -> object:
    """The version that a document of The Update Framework names; None where it cannot be read."""
    with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
        return json.loads(metadata)["signed"]["version"]
    return None
