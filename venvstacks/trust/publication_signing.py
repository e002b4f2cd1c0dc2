"""Signing of a publication: every file that its manifests name, in metadata that deployments verify.

    <publication>/__venvstacks__/tuf/N.root.json, N.targets.json, N.snapshot.json, timestamp.json
    <publication>/__venvstacks__/tuf/<sha256>.<manifest>    copies of signed manifests, for readers of earlier ones

What did not change is not signed again: only the time stamp is, for which the online key suffices.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venvstacks.digests import sha256_bytes, sha256_file
from venvstacks.errors import TrustError, UsageError
from venvstacks.model.conventions import METADATA_DIR
from venvstacks.records.published_metadata import FileReference
from venvstacks.records.stack_manifest import StackManifest
from venvstacks.tools.files import write_atomically, write_if_changed
from venvstacks.trust.key_folder import KeyFolder, add_signature
from venvstacks.trust.refusals import refusing
from venvstacks.trust.signature_verification import SignedFile
from venvstacks.trust.signed_roles import TRUST_FOLDER

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata, MetaFile, Root, Signed

_KEPT_VERSIONS = 10  # of lists of files and snapshots, for readers that have begun with an earlier time stamp


@dataclass(frozen=True)
class SignedPublication:
    """A signed publication.

    Attributes:
        files: How many files are signed.
        version: Version of the list of files.
        renewed: Whether only signatures were renewed, because the files are the ones that were signed before.
        valid_until: When the first of the signatures expires.
    """

    files: int
    version: int
    renewed: bool
    valid_until: datetime


def sign_publication(folder: Path, keys: KeyFolder, now: datetime, number: int | None = None) -> SignedPublication:
    """Sign a publication, or renew its signatures.

    Args:
        folder: The publication.
        keys: The publisher's keys.
        now: The present time.
        number: Version of the new metadata; None for the one after the version that is there.

    Raises:
        UsageError: It is no publication.
        TrustError: Its files are not those of its manifests, or too few keys are at hand.
    """
    try:
        files, manifests = _listed(folder)
        writer = _Writer(folder / METADATA_DIR / TRUST_FOLDER, keys, keys.root, now, number or 0)
        return writer.write(files, manifests)
    except OSError as error:
        raise TrustError(f"{error.filename or folder}: {error.strerror or error}") from error


def _listed(folder: Path) -> tuple[dict[str, SignedFile], dict[str, bytes]]:
    """All files to sign, by path, and the manifests among them with their content."""
    metadata = folder / METADATA_DIR
    places = sorted(metadata.glob("venvstacks*.json"))
    if not places:
        raise UsageError(f"{folder} holds no publication", hint="name the folder that `venvstacks publish` has written")
    files: dict[str, SignedFile] = {}
    manifests: dict[str, bytes] = {}
    for place in places:
        content = place.read_bytes()
        manifests[f"{METADATA_DIR}/{place.name}"] = content
        try:
            entries = StackManifest.parse(content).entries
        except ValueError as error:
            raise TrustError(f"{place} is not a manifest: {error}", hint="publish again") from error
        for file in (file for entry in entries for file in entry.published_files):
            files[file.name] = _compared(folder, file)
    others = (*places, *sorted((metadata / "env_metadata").glob("*.json")))
    files |= {place.relative_to(folder).as_posix(): _described(place) for place in others}
    return dict(sorted(files.items())), manifests


def _compared(folder: Path, file: FileReference) -> SignedFile:
    """A file as the manifest lists it; if it is there, it has to be that file. Archives may have been moved."""
    place = folder / file.name
    listed = SignedFile(file.size, file.sha256)
    if place.parent != folder or (place.exists() and _described(place) != listed):
        raise TrustError(
            f"{place} is not the file that the manifest lists", kind="mixed", hint="publish again with --force"
        )
    return listed


def _described(place: Path) -> SignedFile:
    return SignedFile(place.stat().st_size, sha256_file(place))


@dataclass(frozen=True)
class _Document:
    """Signed metadata of one role.

    Attributes:
        signed: Its content.
        data: As it is written.
        kept: Whether it was there before.
    """

    signed: Signed
    data: bytes
    kept: bool = False

    @property
    def described(self) -> MetaFile:
        """How the metadata of the next role names it."""
        from tuf.api.metadata import MetaFile  # noqa: PLC0415 - only who signs needs it

        return MetaFile(self.signed.version, len(self.data), {"sha256": sha256_bytes(self.data)})


@dataclass(frozen=True)
class _Writer:
    """Writes the metadata of one publication.

    Attributes:
        folder: Where it is written.
        keys: The publisher's keys.
        root: The newest root metadata.
        now: The present time.
        number: The least version of new metadata.
    """

    folder: Path
    keys: KeyFolder
    root: Metadata[Root]
    now: datetime
    number: int

    def write(self, files: Mapping[str, SignedFile], manifests: Mapping[str, bytes]) -> SignedPublication:
        """Write what changed; the time stamp last, which makes the rest current."""
        from tuf.api.metadata import Snapshot, TargetFile, Targets, Timestamp  # noqa: PLC0415

        if self.root.signed.expires <= self.now:
            hint = "renew it with `venvstacks keys renew`"
            raise TrustError("the root metadata of these keys has expired", kind="expired", hint=hint)
        listed = {name: TargetFile(one.size, {"sha256": one.sha256}, name) for name, one in files.items()}
        targets = self._document("targets", {"targets": listed}, lambda v, end: Targets(v, None, end, listed))
        meta = {"targets.json": targets.described}
        snapshot = self._document("snapshot", {"meta": meta}, lambda v, end: Snapshot(v, None, end, meta))
        described = snapshot.described
        timestamp = self._document("timestamp", None, lambda v, end: Timestamp(v, None, end, described))
        for version, data in sorted(self.keys.roots.items()):
            write_if_changed(self.folder / f"{version}.root.json", data.decode())
        for name, content in manifests.items():
            write_if_changed(self.folder / manifest_copy(name, sha256_bytes(content)), content.decode())
        for role, document in (("targets", targets), ("snapshot", snapshot)):
            write_if_changed(self.folder / f"{document.signed.version}.{role}.json", document.data.decode())
        write_atomically(self.folder / "timestamp.json", timestamp.data.decode())
        self._remove_old(targets.signed.version, snapshot.signed.version)
        ends = (self.root.signed.expires, *(one.signed.expires for one in (targets, snapshot, timestamp)))
        return SignedPublication(len(files), targets.signed.version, targets.kept, min(ends))

    def _document(
        self, role: str, same: Mapping[str, object] | None, make: Callable[[int, datetime], Signed]
    ) -> _Document:
        """The metadata of a role: the newest on disk if it says the same and is valid for long enough, or else new.

        What has a lower version than the number that was asked for is replaced: deployments may have seen another
        publication of that version.
        """
        from tuf.api.metadata import Metadata  # noqa: PLC0415

        version, data = self._newest(role)
        newest = data if version >= self.number else None
        if newest is not None and same is not None and (kept := self._kept(role, newest, same)):
            return _Document(kept, newest, kept=True)
        end = self.now.replace(microsecond=0) + timedelta(days=self.keys.settings.days[role])
        metadata: Metadata[Any] = Metadata(make(max(version + 1, self.number), end))
        for signer in self.keys.signers(role, self.root):
            add_signature(metadata, signer)
        return _Document(metadata.signed, metadata.to_bytes())

    def _newest(self, role: str) -> tuple[int, bytes | None]:
        """The version and the bytes of a role's newest metadata on disk; 0 where there is none."""
        if role == "timestamp":
            data = (self.folder / "timestamp.json").read_bytes() if (self.folder / "timestamp.json").exists() else None
            return (self._version(data) if data else 0), data
        numbers = [int(name) for place in self.folder.glob(f"*.{role}.json") if (name := place.name.split(".")[0])]
        return (max(numbers), (self.folder / f"{max(numbers)}.{role}.json").read_bytes()) if numbers else (0, None)

    def _version(self, data: bytes) -> int:
        from tuf.api.metadata import Metadata  # noqa: PLC0415

        with refusing(str(self.folder)):
            return Metadata.from_bytes(data).signed.version

    def _kept(self, role: str, data: bytes, same: Mapping[str, object]) -> Signed | None:
        """The content of metadata that need not be signed again."""
        from tuf.api.metadata import Metadata  # noqa: PLC0415
        from tuf.api.serialization import DeserializationError  # noqa: PLC0415

        try:
            found: Metadata[Any] = Metadata.from_bytes(data)
        except DeserializationError:
            return None
        result = self.root.signed.get_verification_result(role, found.signed_bytes, found.signatures)
        lasting = self.now + timedelta(days=self.keys.settings.days["timestamp"])
        equal = all(getattr(found.signed, name, None) == value for name, value in same.items())
        return found.signed if result.verified and equal and found.signed.expires > lasting else None

    def _remove_old(self, targets: int, snapshot: int) -> None:
        """Remove metadata that no reader can still be about to read, and copies of manifests that none of it names."""
        named = set()
        for place in self.folder.glob("*.targets.json"):
            if _number(place) <= targets - _KEPT_VERSIONS:
                _try_to_remove(place)
            else:
                named |= _copies_named(place.read_bytes())
        for place in self.folder.glob("*.snapshot.json"):
            if _number(place) <= snapshot - _KEPT_VERSIONS:
                _try_to_remove(place)
        for place in self.folder.glob("*.venvstacks*.json"):
            if place.name not in named:
                _try_to_remove(place)


def manifest_copy(path: str, sha256: str) -> str:
    """The name of the copy of a signed manifest."""
    return f"{sha256}.{path.rpartition('/')[2]}"


def _copies_named(targets: bytes) -> set[str]:
    listed = json.loads(targets)["signed"]["targets"]
    return {manifest_copy(name, info["hashes"]["sha256"]) for name, info in listed.items() if name.endswith(".json")}


def _number(place: Path) -> int:
    return int(place.name.partition(".")[0])


def _try_to_remove(place: Path) -> None:
    with contextlib.suppress(OSError):  # what cannot be removed does no harm
        place.unlink()
