"""Packed Pythons from the network, kept in the cache under their SHA-256 and checked against it each time."""

from __future__ import annotations

from pathlib import Path

from venvstacks.digests import sha256_file
from venvstacks.errors import RuntimeUnavailableError, TransferError
from venvstacks.runtimes.provider_request import RuntimeTools
from venvstacks.tools.files import replacing
from venvstacks.tools.transfer import Downloads, WantedFile

_HINTS = {
    "broken off": "try again; nothing of it was kept",
    "unreachable": "check network and proxy settings, or name a mirror or another runtime provider",
}


def fetch(url: str, sha256: str, tools: RuntimeTools) -> Path:
    """The file behind `url` whose digest is `sha256`, from the cache or freshly downloaded into it.

    Raises:
        RuntimeUnavailableError: It cannot be had, or what came is not that file.
        OSError: The cache cannot be written.
    """
    place = tools.cache / "downloads" / sha256
    if place.is_file() and sha256_file(place) == sha256:
        return place
    downloads = Downloads(
        tools.environment, tools.progress, pauses=tools.retry_pauses, stopping=lambda: tools.processes.stopping
    )
    try:
        with replacing(place) as temporary, downloads:
            downloads.fetch(WantedFile(url, sha256), temporary)
    except TransferError as error:
        raise RuntimeUnavailableError(error.message, hint=_HINTS.get(error.kind, error.hint)) from error
    return place
