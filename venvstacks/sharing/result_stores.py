"""Stores of shared results: what all have in common, and which one a URL names.

A store keeps files in two areas: records by key (`ac`), and blobs by the digest of their content (`cas`). A store is
never trusted: `careful_store` compares everything that comes from one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit

from venvstacks.errors import UsageError
from venvstacks.urls import has_unclear_login, shown

Area = Literal["ac", "cas"]

PATIENCE = 5.0
"""Seconds in which a store has to begin its answer, and in which at least some bytes have to arrive from then on."""

PIECE = 1 << 20


@dataclass(frozen=True)
class Content:
    """What is written to a store: a file, or bytes.

    Attributes:
        data: The bytes, or the path of the file.
        size: How many bytes.
    """

    data: bytes | Path
    size: int

    def pieces(self) -> Iterator[bytes]:
        """The content, piece by piece.

        Raises:
            OSError: The file cannot be read.
        """
        if isinstance(self.data, bytes):
            yield self.data
            return
        with self.data.open("rb") as stream:
            while piece := stream.read(PIECE):
                yield piece


class ResultStore(Protocol):
    """One store; used by several threads. Whatever fails raises a `VenvstacksError` or an `OSError`."""

    def opened(self, area: Area, name: str) -> AbstractContextManager[Iterator[bytes] | None]:
        """The content of a file as it comes; None if there is none."""

    def has(self, area: Area, name: str, size: int) -> bool:
        """Whether there is a file, of that size where sizes can be asked for."""

    def put(self, area: Area, name: str, content: Content) -> None:
        """Write a file; readers see all of it or nothing."""

    def discard(self, area: Area, name: str) -> None:
        """Remove a damaged file where that is possible, so that it is written again."""

    def close(self) -> None:
        """Close connections."""


@dataclass(frozen=True)
class StoreAccess:
    """How to reach a store.

    Attributes:
        url: A folder, or the URL of a store.
        base: The folder that relative folders are relative to.
        environment: Environment variables, as a value: proxies, certificates, credentials.
        stopping: Called repeatedly; returns whether to stop because the run is interrupted.
    """

    url: str
    base: Path
    environment: Mapping[str, str] = field(repr=False)
    stopping: Callable[[], bool] = lambda: False


def open_store(access: StoreAccess) -> ResultStore:
    """The store that a URL names; nothing is asked of it yet.

    Raises:
        UsageError: The URL makes no sense, or needs an extra that is not installed.
    """
    scheme = urlsplit(access.url).scheme.lower()
    if scheme in {"http", "https"}:
        if has_unclear_login(access.url):
            raise UsageError(
                f"the login in the remote cache's URL {shown(access.url)} is unclear",
                hint="write /, ?, # and @ in a password as %2F, %3F, %23 and %40",
            )
        from venvstacks.sharing.web_results import WebResults  # noqa: PLC0415 - loads a web client

        return WebResults(access)
    if scheme in {"s3", "s3a", "gs", "az", "abfs", "abfss"}:
        from venvstacks.sharing.object_results import ObjectResults  # noqa: PLC0415 - an extra

        return ObjectResults.open(access)
    if scheme == "file" or len(scheme) <= 1:  # one letter is a drive of Windows
        from venvstacks.sharing.folder_results import FolderResults  # noqa: PLC0415 - one of several

        return FolderResults.of(access)
    raise UsageError(
        f"a remote cache cannot be at {shown(access.url)}",
        hint="name a folder, or a URL that begins with file://, http://, https://, s3://, gs:// or az://",
    )
