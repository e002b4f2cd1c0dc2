"""Seals of cache entries: keyed digests that nobody can compute without the key.

A cache folder may be shared, restored by a CI system, or written to by a program that runs as the same user. An entry
that is used carries an HMAC-SHA256 under a key that is kept outside of the cache. An entry
without the right seal is treated as missing.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from venvstacks.tools.patience import patiently

SEAL_BYTES = 32
"""The size of a seal, which is before the content."""


def sealed(key: bytes, content: bytes) -> bytes:
    """`content` behind its seal."""
    return hmac.digest(key, content, "sha256") + content


def opened(key: bytes, data: bytes) -> bytes | None:
    """The content of a result of `sealed`; None if it was sealed with another key, or changed."""
    content = data[SEAL_BYTES:]
    return content if hmac.compare_digest(hmac.digest(key, content, "sha256"), data[:SEAL_BYTES]) else None


def read_sealed(key: bytes, place: Path) -> bytes | None:
    """The content of a sealed file; None if it is missing or its seal is not valid."""
    try:
        return opened(key, place.read_bytes())
    except OSError:
        return None


def seal_key(environment: Mapping[str, str], cache: Path) -> bytes:
    """This user's key, made when it is first needed.

    Args:
        environment: This program's own environment variables; they say where the user's state is kept.
        cache: The cache folder; the key is kept in it if the user has no home folder.

    Returns:
        The key. If it cannot be stored, a new one for this process, so that no entry of the cache is used.
    """
    return _key_in(_folder(environment) or cache)


def _folder(environment: Mapping[str, str]) -> Path | None:
    for name, below in (("XDG_STATE_HOME", ""), ("LOCALAPPDATA", ""), ("HOME", ".local/state")):
        if os.path.isabs(environment.get(name, "")):  # noqa: PTH117 - a text that may be empty
            return Path(environment[name], below, "venvstacks")
    return None


@lru_cache(maxsize=64)
def _key_in(folder: Path) -> bytes:
    place = folder / "cache.key"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".cache.key.{secrets.token_hex(8)}"
        if not place.exists():
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as stream:  # noqa: PTH123 - an open descriptor
                stream.write(secrets.token_bytes(SEAL_BYTES))
            with contextlib.suppress(FileExistsError):  # another process has created it
                os.link(temporary, place)
            patiently(temporary.unlink)
        key = patiently(place.read_bytes)  # Windows: a file with two names is in use while one of them is removed
        if len(key) == SEAL_BYTES:
            return key
    return secrets.token_bytes(SEAL_BYTES)
