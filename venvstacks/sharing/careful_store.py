"""A store of shared results, used with care: everything is compared, and a store that fails is left alone.

Blobs are compared with their digests while they arrive, and records with the key that was asked for, and with their
signature where records are signed. So a store can withhold results, but not exchange them.

A store costs a run little: after a failure of any kind nothing more is asked of it. A request fails after `PATIENCE`
seconds in which nothing comes, and all requests that find nothing may take `FRUITLESS` seconds together.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from venvstacks.errors import InterruptedRunError, VenvstacksError
from venvstacks.sharing.action_result import MOST_BYTES, ActionResult, BadRecordError, Blob, decode, encode
from venvstacks.sharing.result_stores import Area, Content, ResultStore
from venvstacks.tools.file_systems import free_bytes
from venvstacks.urls import shown, without_secrets

FRUITLESS = 15.0
"""Seconds that requests without a result may take in one run."""

_MOST_DAMAGED = 3
_SPARE_BYTES = 256 << 20  # that a fetched blob leaves on the disk


class _DamagedError(Exception):
    """What came is not what was asked for."""


class CarefulStore:
    """What runs ask, from several threads. Of failures, only an interruption is raised.

    Args:
        store: The store.
        place: Its URL.
        secret: The key that records are signed with, if they are.
        push: Whether to write to it.

    Attributes:
        push: Whether to write to it; False once it has refused.
        trouble: Why the store is left alone, or what it held that was of no use; sentences for people.
    """

    def __init__(self, store: ResultStore, place: str, *, secret: bytes | None, push: bool) -> None:
        self.push = push
        self.trouble: list[str] = []
        self._store = store
        self._place = shown(place)
        self._secret = secret
        self._guard = threading.Lock()
        self._alive = True  # whether the store is asked at all
        self._fruitless = 0.0
        self._damaged: set[str] = set()

    def record(self, key: str) -> ActionResult | None:
        """The result that is recorded under a key."""
        if not self._alive:
            return None
        name, began = record_name(key, self._secret), time.monotonic()
        with self._surviving():
            with self._store.opened("ac", name) as pieces:
                if pieces is not None:
                    try:
                        return decode(_gathered(pieces), key, self._secret)
                    except (BadRecordError, _DamagedError) as error:
                        self._note_damage("ac", name, str(error))
            self._spend(time.monotonic() - began)
        return None

    def fetch(self, blob: Blob, target: Path) -> bool:
        """Write a blob to a file; False, and no file, where it cannot be had."""
        if not self._alive or free_bytes(target.parent) < blob.size + _SPARE_BYTES:
            return False
        began = time.monotonic()
        with self._surviving():
            try:
                with self._store.opened("cas", blob.sha256) as pieces:
                    if pieces is not None:
                        with target.open("wb") as stream:
                            _copy(pieces, blob, stream)
                        return True
            except _DamagedError as error:
                self._note_damage("cas", blob.sha256, str(error))
            self._spend(time.monotonic() - began)
        target.unlink(missing_ok=True)
        return False

    def offer(self, result: ActionResult, files: dict[str, Path], *, recorded: bool = True) -> None:
        """Write a result: its blobs, and then its record.

        Args:
            result: The result.
            files: The files of its outputs, by role.
            recorded: Whether others may find it by its key.
        """
        if not self.push:
            return
        with self._surviving(writing=True):
            for role, blob in result.outputs.items():
                if blob.sha256 in self._damaged or not self._store.has("cas", blob.sha256, blob.size):
                    self._store.put("cas", blob.sha256, Content(files[role], blob.size))
            if recorded:
                record = encode(result, self._secret)
                self._store.put("ac", record_name(result.key, self._secret), Content(record, len(record)))

    def close(self) -> None:
        """Close connections."""
        self._store.close()

    @contextmanager
    def _surviving(self, *, writing: bool = False) -> Iterator[None]:
        """A block that talks to the store; a failure in it ends the block and the use of the store."""
        try:
            yield
        except InterruptedRunError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a store does, the run goes on without it
            self._leave(error, writing=writing)

    def _leave(self, error: Exception, *, writing: bool) -> None:
        with self._guard:
            if not (self.push if writing else self._alive):
                return
            self.push = False
            self._alive = writing and self._alive
            said = without_secrets((error.message if isinstance(error, VenvstacksError) else str(error)).strip())
            what = "cannot be written to" if writing else "is left alone"
            reason = said.partition("\n")[0] or type(error).__name__
            self.trouble.append(f"the remote cache {self._place} {what} for the rest of this run: {reason}")

    def _spend(self, seconds: float) -> None:
        with self._guard:
            self._fruitless += seconds
            slow = self._fruitless > FRUITLESS
        if slow:
            raise TimeoutError(f"requests without a result took more than {FRUITLESS:.0f} s")

    def _note_damage(self, area: Area, name: str, why: str) -> None:
        with self._guard:
            self._damaged.add(name)
            number = len(self._damaged)
            if number <= _MOST_DAMAGED:
                self.trouble.append(f"{self._place}/{area}/{name} is not used: {why}")
        self._store.discard(area, name)
        if number >= _MOST_DAMAGED:
            raise OSError(f"{number} of its files are damaged")


def record_name(key: str, secret: bytes | None) -> str:
    """The name of a key's record in a store: records that are signed with different secrets are different files."""
    return key if secret is None else hmac.new(secret, f"venvstacks name {key}".encode(), "sha256").hexdigest()


def _gathered(pieces: Iterator[bytes]) -> bytes:
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > MOST_BYTES:
            raise _DamagedError(f"it has more than {MOST_BYTES} bytes")
    return bytes(content)


def _copy(pieces: Iterator[bytes], blob: Blob, stream: BinaryIO) -> None:
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        size += len(piece)
        if size > blob.size:
            raise _DamagedError(f"it has more than {blob.size} bytes")
        digest.update(piece)
        stream.write(piece)
    if size != blob.size:
        raise _DamagedError(f"it has {size} bytes instead of {blob.size}")
    if digest.hexdigest() != blob.sha256:
        raise _DamagedError("its content has another digest")
