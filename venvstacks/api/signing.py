"""The Python API of signed publications: keys for them, and signing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from venvstacks.errors import TrustError
from venvstacks.trust.key_folder import read_key_folder
from venvstacks.trust.publication_signing import SignedPublication, sign_publication
from venvstacks.trust.root_rotation import KeyElsewhere, NewKeys, RootWritten, make_keys, rotate
from venvstacks.trust.signed_roles import Holder
from venvstacks.trust.tuf_library import require_tuf

__all__ = ["KeyElsewhere", "NewKeys", "RootWritten", "SignedPublication", "init_keys", "rotate_keys", "sign"]

Ask = Callable[[str], str]


def _now() -> datetime:
    return datetime.now(UTC)


def init_keys(folder: Path | str, wanted: NewKeys | None = None) -> RootWritten:
    """Make the keys of a publisher, and the root metadata that deployments pin.

    Args:
        folder: A new folder for them.
        wanted: How many keys, and how long signatures are valid; None for one key of each kind.

    Raises:
        UsageError: The folder holds something, or the packages that sign are missing.
        TrustError: Something cannot be written.
    """
    require_tuf()
    try:
        return make_keys(Path(folder), wanted or NewKeys(), _now())
    except OSError as error:
        raise TrustError(f"{error.filename or folder} cannot be written: {error.strerror or error}") from error


def rotate_keys(
    folder: Path | str,
    holder: Holder | None = None,
    retire: Sequence[str] = (),
    key_folders: Sequence[Path] = (),
    *,
    elsewhere: KeyElsewhere | None = None,
    ask: Ask | None = None,
) -> RootWritten:
    """Write the next version of the root metadata: with a new key, or only valid for longer.

    Args:
        folder: The publisher's keys.
        holder: Who gets a new key in place of the oldest one; None renews the signatures alone.
        retire: File names or URIs of the keys that the new one replaces, instead of the oldest.
        key_folders: Further folders with private keys.
        elsewhere: The new key, where it exists already; None to make one.
        ask: Asks somebody for what opens a key, such as the PIN of a hardware module; it is given the name of that.

    Raises:
        UsageError: There are no such keys, or the packages that sign are missing.
        TrustError: Too few private keys of the root are at hand, the new key cannot be used, or something cannot be
            written.
    """
    require_tuf()
    try:
        return rotate(read_key_folder(Path(folder), tuple(key_folders), ask), holder, retire, _now(), elsewhere)
    except OSError as error:
        raise TrustError(f"{error.filename or folder} cannot be written: {error.strerror or error}") from error


def sign(
    publication: Path | str,
    keys: Path | str,
    key_folders: Sequence[Path] = (),
    number: int | None = None,
    ask: Ask | None = None,
) -> SignedPublication:
    """Sign a publication, or renew its signatures.

    Args:
        publication: Its folder.
        keys: The publisher's keys.
        key_folders: Further folders with private keys.
        number: The least version of new metadata: for publications into new folders, a number that rises each time.
        ask: As for `rotate_keys`.

    Raises:
        UsageError: There is no publication or are no keys, or the packages that sign are missing.
        TrustError: The files are not those of the manifests, or too few private keys are at hand.
    """
    require_tuf()
    return sign_publication(Path(publication), read_key_folder(Path(keys), tuple(key_folders), ask), _now(), number)
