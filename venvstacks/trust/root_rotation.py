"""Root metadata: made with new keys, and renewed with other keys or for a longer time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.digests import sha256_bytes
from venvstacks.errors import TrustError, UsageError
from venvstacks.tools.files import write_atomically
from venvstacks.trust.key_folder import (
    KeyFolder,
    KeySettings,
    add_signature,
    described,
    read_public_key,
    write_private_key,
    write_root,
)
from venvstacks.trust.refusals import refusing
from venvstacks.trust.signature_verification import PUBLISHER_FIELD
from venvstacks.trust.signed_roles import DEFAULT_DAYS, HOLDERS, ROLES_OF, Holder

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, Key, Signer
    from tuf.api.metadata import Metadata, Root

_MOST_KEYS = 20
_TRIAL = b"signed to see that a private key belongs to its public key"


@dataclass(frozen=True)
class NewKeys:
    """What `keys init` is to make.

    Attributes:
        publisher: Name that is shown to those who deploy; None for none.
        counts: How many keys each holder gets; 1 where nothing else is said.
        thresholds: How many of them have to sign; 1 where nothing else is said.
        days: How long signatures are valid, by role; the default where nothing else is said.
    """

    publisher: str | None = None
    counts: Mapping[Holder, int] = field(default_factory=dict)
    thresholds: Mapping[Holder, int] = field(default_factory=dict)
    days: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RootWritten:
    """New root metadata.

    Attributes:
        place: Its file.
        version: Its version.
        fingerprint: SHA-256 of its signed part; that of version 1 is what deployments pin.
        made: Files of new private keys.
        retired: Ids of keys that are not trusted any more.
    """

    place: Path
    version: int
    fingerprint: str
    made: tuple[Path, ...] = ()
    retired: tuple[str, ...] = ()


def make_keys(folder: Path, wanted: NewKeys, now: datetime) -> RootWritten:
    """Make keys for all roles, and the first root metadata.

    Raises:
        UsageError: The folder holds something, or the numbers make no sense.
        TrustError: Something cannot be written.
    """
    from tuf.api.metadata import Metadata, Root  # noqa: PLC0415 - only who signs needs it

    _check(wanted)
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", hint="name a new folder for the keys")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = KeySettings(days={**DEFAULT_DAYS, **wanted.days})
    root = Root(version=1, expires=_until(now, settings, "root"), consistent_snapshot=True)
    if wanted.publisher:
        root.unrecognized_fields[PUBLISHER_FIELD] = wanted.publisher
    made: dict[str, str] = {}
    signers = []
    for holder in HOLDERS:
        for number in range(1, wanted.counts.get(holder, 1) + 1):
            signer, name = _new_key(folder, holder, number)
            made[signer.public_key.keyid] = f"file2:{name}"
            signers += [signer] if holder == "root" else []
            for role in ROLES_OF[holder]:
                root.add_key(signer.public_key, role)
        for role in ROLES_OF[holder]:
            root.roles[role].threshold = wanted.thresholds.get(holder, 1)
    metadata = Metadata(root)
    for signer in signers:
        add_signature(metadata, signer)
    write_root(folder, metadata)
    write_atomically(folder / "keys.json", settings.model_copy(update={"keys": made}).text())
    files = tuple(folder / uri.partition(":")[2] for uri in made.values())
    return RootWritten(folder / "roots/1.root.json", 1, sha256_bytes(metadata.signed_bytes), files)


def _check(wanted: NewKeys) -> None:
    for holder in HOLDERS:
        count, threshold = wanted.counts.get(holder, 1), wanted.thresholds.get(holder, 1)
        if not 1 <= threshold <= count <= _MOST_KEYS:
            raise UsageError(
                f"{threshold} of {count} keys cannot sign for '{holder}'",
                hint=f"the threshold is at least 1 and at most the number of keys, and there are at most {_MOST_KEYS}",
            )
    for role, days in wanted.days.items():
        if role not in DEFAULT_DAYS or not 1 <= days <= 36500:
            raise UsageError(
                f"signatures of '{role}' cannot be valid for {days} days", hint=f"{', '.join(DEFAULT_DAYS)}"
            )


def _new_key(folder: Path, holder: Holder, number: int) -> tuple[CryptoSigner, str]:
    from securesystemslib.signer import CryptoSigner  # noqa: PLC0415 - only who signs needs it

    signer = CryptoSigner.generate_ed25519()
    name = f"{holder}-{number}.pem"
    write_private_key(folder / name, signer.private_bytes)
    return signer, name


def _until(now: datetime, settings: KeySettings, role: str) -> datetime:
    return now.replace(microsecond=0) + timedelta(days=settings.days[role])


@dataclass(frozen=True)
class KeyElsewhere:
    """A key that exists already: in a hardware module, a key service, or a file that another tool has made.

    Attributes:
        public: File of the public key, PEM.
        uri: Where securesystemslib finds the private key: `hsm:...`, `awskms:...`, `file2:` and the name of a file.
    """

    public: Path
    uri: str


def rotate(
    keys: KeyFolder, holder: Holder | None, retire: Sequence[str], now: datetime, elsewhere: KeyElsewhere | None = None
) -> RootWritten:
    """Write the next version of the root metadata, signed by those whom the one before trusts.

    Args:
        keys: The folder.
        holder: Who gets a new key, in place of the oldest one or of those in `retire`; None only renews signatures.
        retire: File names or URIs of private keys that are not trusted any more.
        now: The present time.
        elsewhere: The new key, where none is to be made.

    Raises:
        UsageError: There is no such key, or the new one is the holder's already.
        TrustError: Too few private keys of the root are at hand, or a device does not sign.
    """
    before = keys.root
    signers: dict[str, Signer] = {one.public_key.keyid: one for one in keys.signers("root", before)}
    retired = () if holder is None else _retired(keys, holder, retire, before)
    new = None if holder is None else _new_key_of(keys, holder, before, elsewhere)
    after = _next_root(keys, before, now)
    if holder is not None and new is not None:
        signers |= {new.public.keyid: new.signer} if holder == "root" else {}
        for role in ROLES_OF[holder]:
            after.signed.add_key(new.public, role)
            for id_ in retired:
                after.signed.revoke_key(id_, role)
    try:
        for signer in signers.values():
            add_signature(after, signer)
        _check_signatures(before, after)
    except TrustError:
        if new is not None and new.file is not None:
            new.file.unlink(missing_ok=True)
        raise
    written = {id_: uri for id_, uri in keys.settings.keys.items() if id_ in after.signed.keys or id_ in signers}
    written |= {} if new is None else {new.public.keyid: new.uri}
    write_atomically(keys.folder / "keys.json", keys.settings.model_copy(update={"keys": written}).text())
    write_root(keys.folder, after)
    return RootWritten(
        keys.folder / "roots" / f"{after.signed.version}.root.json",
        after.signed.version,
        sha256_bytes(after.signed_bytes),
        () if new is None or new.file is None else (new.file,),
        retired,
    )


def _next_root(keys: KeyFolder, before: Metadata[Root], now: datetime) -> Metadata[Root]:
    """The next version of the root metadata, which says the same for a longer time, and is not signed."""
    from tuf.api.metadata import Metadata  # noqa: PLC0415 - only who signs needs it

    with refusing(str(keys.folder)):
        after: Metadata[Root] = Metadata.from_bytes(before.to_bytes())
    after.signatures.clear()
    after.signed.version += 1
    after.signed.expires = _until(now, keys.settings, "root")
    return after


@dataclass(frozen=True)
class _NewKey:
    """A key that takes the place of another one.

    Attributes:
        public: Its public half.
        signer: What signs with it.
        uri: Where its private half is.
        file: The file of its private half, if that was made just now.
    """

    public: Key
    signer: Signer
    uri: str
    file: Path | None = None


def _new_key_of(keys: KeyFolder, holder: Holder, root: Metadata[Root], elsewhere: KeyElsewhere | None) -> _NewKey:
    """The new key of a holder: one that exists already, or a new file."""
    if elsewhere is None:
        signer, name = _new_key(keys.folder, holder, _next_number(keys, holder))
        return _NewKey(signer.public_key, signer, f"file2:{name}", keys.folder / name)
    public, other = _key_at(keys, elsewhere)
    if public.keyid in root.signed.roles[ROLES_OF[holder][0]].keyids:
        raise UsageError(f"{elsewhere.public} is a key of '{holder}' already", hint="name another key")
    return _NewKey(public, other, elsewhere.uri)


def _key_at(keys: KeyFolder, elsewhere: KeyElsewhere) -> tuple[Key, Signer]:
    """The public key, and what signs with the private one; that is tried, as a wrong URI would be found out late."""
    public = read_public_key(elsewhere.public)
    signer = keys.signer_at(elsewhere.uri, public)
    if signer is None:
        raise TrustError(
            f"the private key {elsewhere.uri.partition(':')[2]} is not at hand",
            kind="key",
            hint=f"put it into {keys.folder}, or name its folder with --key-dir",
        )
    try:
        public.verify_signature(signer.sign(_TRIAL), _TRIAL)
    except Exception as error:  # each kind of device and service has errors of its own
        raise TrustError(
            f"the private key {elsewhere.uri} does not sign for {elsewhere.public}: {described(error)}",
            kind="key",
            hint="check the URI and what opens the key, and name the public key that belongs to it",
        ) from error
    return public, signer


def _retired(keys: KeyFolder, holder: Holder, retire: Sequence[str], root: Metadata[Root]) -> tuple[str, ...]:
    """Ids of the keys that are replaced: the named ones, or the oldest one."""
    ids = root.signed.roles[ROLES_OF[holder][0]].keyids
    by_name = {keys.settings.keys.get(id_, "").removeprefix("file2:"): id_ for id_ in ids}
    for name in retire:
        if name not in by_name:
            raise UsageError(f"'{name}' is no key of '{holder}'", hint=f"its keys: {', '.join(by_name)}")
    return tuple(by_name[name] for name in retire) or (ids[0],)


def _next_number(keys: KeyFolder, holder: Holder) -> int:
    names = (*keys.settings.keys.values(), *(place.name for place in keys.folder.iterdir()))
    numbers = [int(found[1]) for name in names if (found := re.search(rf"{holder}-(\d+)\.pem$", name))]
    return max(numbers, default=0) + 1


def _check_signatures(before: Metadata[Root], after: Metadata[Root]) -> None:
    """Refuse to write root metadata that deployments would refuse."""
    result = after.signed.get_root_verification_result(before.signed, after.signed_bytes, after.signatures)
    if not result.verified:
        raise TrustError(
            "too few private keys of the root are at hand for its next version",
            kind="key",
            hint="copy them there, or name their folders with --key-dir",
        )
