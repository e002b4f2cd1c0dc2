"""Shared results in an object store: `s3://`, `gs://` and `az://`, through obstore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from venvstacks.errors import TransferError, UsageError
from venvstacks.sharing.result_stores import PATIENCE, Area, Content, StoreAccess
from venvstacks.urls import shown, without_secrets

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_LONG_SECONDS = 900.0  # for the whole of one blob; that it moves at all is checked as often as for records
_ENDPOINTS = (
    "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT",
    "GOOGLE_BASE_URL",
)  # fmt: skip


@dataclass(frozen=True)
class ObjectResults:
    """A `ResultStore` in a bucket; region, endpoint and credentials come from the variables of the clouds' own tools.

    Attributes:
        quick: For questions and records.
        patient: For blobs.
        shown: The URL for people.
    """

    quick: ObjectStore
    patient: ObjectStore
    shown: str

    @classmethod
    def open(cls, access: StoreAccess) -> ObjectResults:
        """The store of a URL.

        Raises:
            UsageError: The library is not installed, or takes no such URL.
        """
        place = shown(access.url)
        try:
            from obstore.exceptions import BaseError  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise UsageError(
                f"a remote cache at {place} needs an extra", hint="pip install 'venvstacks[remote]'"
            ) from error
        try:
            return cls(_made(access, PATIENCE), _made(access, _LONG_SECONDS), place)
        except (BaseError, ValueError, TypeError) as error:
            raise UsageError(
                f"the remote cache {place} cannot be opened: {_first_line(error)}",
                hint="check the URL, and the variables that name region and credentials",
            ) from error

    @contextmanager
    def opened(self, area: Area, name: str) -> Iterator[Iterator[bytes] | None]:
        """The content of a file as it comes."""
        from obstore import get  # noqa: PLC0415 - an extra

        with _explained(self.shown):
            try:
                found = get(self.quick if area == "ac" else self.patient, f"{area}/{name}")
            except FileNotFoundError:
                found = None
            yield None if found is None else (bytes(piece) for piece in found)

    def has(self, area: Area, name: str, size: int) -> bool:
        """Whether there is a file of that size."""
        from obstore import head  # noqa: PLC0415 - an extra

        with _explained(self.shown):
            try:
                return head(self.quick, f"{area}/{name}")["size"] == size
            except FileNotFoundError:
                return False

    def put(self, area: Area, name: str, content: Content) -> None:
        """Write a file; object stores show it when it is complete."""
        from obstore import put  # noqa: PLC0415 - an extra

        with _explained(self.shown):
            put(self.patient, f"{area}/{name}", content.data)

    def discard(self, area: Area, name: str) -> None:
        """Nothing: the file is written again where this machine may write."""

    def close(self) -> None:
        """Connections are closed with the object."""


def _made(access: StoreAccess, seconds: float) -> ObjectStore:
    from obstore.store import from_url  # noqa: PLC0415 - an extra

    plain = any(access.environment.get(name, "").startswith("http://") for name in _ENDPOINTS)
    options: Any = {
        "timeout": timedelta(seconds=seconds),
        "read_timeout": timedelta(seconds=PATIENCE),
        "connect_timeout": timedelta(seconds=PATIENCE),
        "allow_http": plain,
    }
    retries: Any = {"max_retries": 1, "retry_timeout": timedelta(seconds=PATIENCE)}
    return from_url(access.url, client_options=options, retry_config=retries)


@contextmanager
def _explained(place: str) -> Iterator[None]:
    from obstore.exceptions import BaseError  # noqa: PLC0415 - an extra

    try:
        yield
    except (BaseError, PermissionError) as error:
        raise TransferError(f"{place} cannot be used: {_first_line(error)}", hint="check the credentials") from error


def _first_line(error: Exception) -> str:
    return without_secrets(str(error).strip().partition("\n")[0][:200]) or type(error).__name__
