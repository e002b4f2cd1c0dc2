"""The folder of a publisher's keys: which keys sign which role, where the private ones are, and the root metadata.

keys.json             lifetimes of signatures, and where the private key of each public one is
roots/N.root.json     all versions of the root metadata: public keys and thresholds of the roles
root-1.pem, ...       private keys; each may be moved to another place, and is only needed by who signs with it
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from venvstacks.data_faults import first_fault
from venvstacks.errors import TrustError, UsageError
from venvstacks.tools.files import write_atomically
from venvstacks.trust.root_metadata import parse_root
from venvstacks.trust.signed_roles import DEFAULT_DAYS

if TYPE_CHECKING:
    from securesystemslib.signer import Key, Signer
    from tuf.api.metadata import Metadata, Root

_FILE_SCHEME = "file2:"  # the library's name for PEM files
_DECRYPT = "openssl pkey -in KEY.pem -out DECRYPTED.pem"


class KeySettings(BaseModel):
    """What `keys.json` holds.

    Attributes:
        days: How long signatures are valid, by role.
        keys: Where the private key is, by the id of the key: `file2:NAME.pem`, or any other URI of securesystemslib.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    days: dict[str, int] = Field(default_factory=lambda: dict(DEFAULT_DAYS))
    keys: dict[str, str] = Field(default_factory=dict)

    def text(self) -> str:
        """The settings as they are written."""
        return json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"


@dataclass(frozen=True)
class KeyFolder:
    """A folder of keys, loaded.

    Attributes:
        folder: Where it is.
        settings: Lifetimes and places of private keys.
        roots: All root metadata by version.
        key_folders: Further folders in which private keys are looked for.
        ask: Asks somebody for what opens a key, such as the PIN of a hardware module; it is given the name of that.
    """

    folder: Path
    settings: KeySettings
    roots: Mapping[int, bytes]
    key_folders: tuple[Path, ...] = field(default=())
    ask: Callable[[str], str] | None = None

    @property
    def root(self) -> Metadata[Root]:
        """The newest root metadata."""
        return parse_root(self.roots[max(self.roots)], str(self.folder))

    def signers(self, role: str, root: Metadata[Root] | None = None) -> list[Signer]:
        """The signers of a role whose private keys are at hand.

        Raises:
            TrustError: A private key cannot be used, or there are fewer than the role's threshold.
        """
        signed = (root or self.root).signed
        wanted = signed.roles[role]
        found = [signer for id_ in wanted.keyids if (signer := self.signer(id_, signed.keys[id_]))]
        if len(found) < wanted.threshold:
            missing = [self.settings.keys.get(id_, f"key {id_[:12]}") for id_ in wanted.keyids]
            raise TrustError(
                f"{wanted.threshold} of the keys of role '{role}' have to sign, and {len(found)} are at hand",
                kind="key",
                details=tuple(f"{place.removeprefix(_FILE_SCHEME)}" for place in missing),
                hint=f"copy the missing private keys to {self.folder}, or name the folder that has them with --key-dir",
            )
        return found

    def signer(self, id_: str, public: Key) -> Signer | None:
        """The signer with a key; None if its private key is not at hand.

        Raises:
            TrustError: The private key cannot be used.
        """
        uri = self.settings.keys.get(id_, "")
        return self.signer_at(uri, public) if uri else None

    def signer_at(self, uri: str, public: Key) -> Signer | None:
        """The signer with the private key at a URI; None if that is a file that is not at hand.

        Raises:
            TrustError: The private key cannot be used.
        """
        if uri.startswith(_FILE_SCHEME):
            name = uri.removeprefix(_FILE_SCHEME)
            places = (folder / name for folder in (self.folder, *self.key_folders))
            place = next((place for place in places if place.is_file()), None)
            return None if place is None else _signer_from_file(place, public)
        return _signer_from_uri(uri, public, self.ask)


def read_key_folder(
    folder: Path, key_folders: tuple[Path, ...] = (), ask: Callable[[str], str] | None = None
) -> KeyFolder:
    """The keys in a folder that `keys init` has made.

    Raises:
        UsageError: There are none.
        TrustError: The folder is damaged.
    """
    place = folder / "keys.json"
    try:
        settings = KeySettings.model_validate_json(place.read_bytes())
        roots = dict(_roots(folder))
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{folder} holds no keys", hint="make some with `venvstacks keys init DIR`") from None
    except OSError as error:
        raise TrustError(f"{place} cannot be read: {error.strerror or error}", kind="key") from error
    except ValidationError as error:
        raise TrustError(f"{place} is damaged: {first_fault(error)}", kind="key") from error
    if not roots:
        raise TrustError(f"{folder / 'roots'} holds no root metadata", kind="key", hint="restore it from a copy")
    return KeyFolder(folder, settings, roots, key_folders, ask)


def _roots(folder: Path) -> Iterator[tuple[int, bytes]]:
    for place in sorted((folder / "roots").glob("*.root.json")):
        number = place.name.partition(".")[0]
        if number.isascii() and number.isdecimal():
            yield int(number), place.read_bytes()


def write_private_key(place: Path, pem: bytes) -> None:
    """Write a private key for its owner alone; a file that exists is never replaced.

    Raises:
        TrustError: It exists, or cannot be written.
    """
    try:
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(pem)
    except OSError as error:
        raise TrustError(f"{place} cannot be written: {error.strerror or error}", kind="key") from error


def write_root(folder: Path, root: Metadata[Root]) -> None:
    """Write a version of the root metadata next to the earlier ones.

    Raises:
        OSError: It cannot be written.
    """
    write_atomically(folder / "roots" / f"{root.signed.version}.root.json", root.to_bytes().decode())


def _signer_from_file(place: Path, public: Key) -> Signer:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - only who signs needs it
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415
    from securesystemslib.exceptions import Error as LibraryError  # noqa: PLC0415
    from securesystemslib.signer import CryptoSigner, SSlibKey  # noqa: PLC0415

    try:
        private = load_pem_private_key(place.read_bytes(), None)
    except TypeError as error:
        hint = f"decrypt it for signing, in memory or on an encrypted disk: {_DECRYPT}"
        raise TrustError(f"the private key {place} is encrypted", kind="key", hint=hint) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TrustError(
            f"{place} is not a private key in PEM format (PKCS 8)",
            kind="key",
            hint="convert it first, DER for example by `openssl pkey -inform DER -in KEY -out KEY.pem`",
        ) from error
    except OSError as error:
        raise TrustError(f"{place} cannot be read: {error.strerror or error}", kind="key") from error
    try:
        if not isinstance(public, SSlibKey):
            raise TypeError(f"a key of type {public.keytype}")  # noqa: TRY301 - explained below
        return CryptoSigner(private, public)
    except (ValueError, TypeError, LibraryError) as error:
        raise TrustError(
            f"{place} is not the private key that belongs to {public.keytype} key {public.keyid[:12]}",
            kind="key",
            details=(described(error),),
            hint="put the right key there; keys.json says which file belongs to which key",
        ) from error


def add_signature(metadata: Metadata[Any], signer: Signer) -> None:
    """Sign metadata with one more key.

    Raises:
        TrustError: The device or service that has the key does not sign.
    """
    from tuf.api.exceptions import UnsignedMetadataError  # noqa: PLC0415 - only who signs needs it

    try:
        metadata.sign(signer, append=True)
    except UnsignedMetadataError as error:
        raise TrustError(
            f"key {signer.public_key.keyid[:12]} does not sign: {described(error.__cause__ or error)}",
            kind="key",
            hint="check that its device or service can be reached, and what opens the key",
        ) from error


def described(error: BaseException) -> str:
    """An error of a library, device or service in words; some have none but their name."""
    return str(error)[:200] or type(error).__name__


def read_public_key(place: Path) -> Key:
    """A public key in a PEM file, as `openssl pkey -pubout` and key services write it.

    Raises:
        TrustError: It is none, or of a kind that signs nothing here.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - only who signs needs it
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415
    from securesystemslib.signer import SSlibKey  # noqa: PLC0415

    try:
        return SSlibKey.from_crypto(load_pem_public_key(place.read_bytes()))
    except OSError as error:
        raise TrustError(f"{place} cannot be read: {error.strerror or error}", kind="key") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TrustError(
            f"{place} is not a public key that can be used: {str(error)[:200]}",
            kind="key",
            hint="ed25519, ECDSA and RSA work, as PEM: `openssl pkey -in KEY.pem -pubout -out PUBLIC.pem`",
        ) from error


def _signer_from_uri(uri: str, public: Key, ask: Callable[[str], str] | None) -> Signer:
    from securesystemslib.signer import Signer  # noqa: PLC0415 - only who signs needs it

    try:
        return Signer.from_priv_key_uri(uri, public, ask)
    except Exception as error:  # each kind of device and service has errors of its own
        raise TrustError(
            f"the key at {uri.partition(':')[0]}: cannot be used: {described(error)}",
            kind="key",
            hint="check keys.json, and the extra of securesystemslib that this kind of key needs",
        ) from error
