"""Downloads of packed Pythons; they are cached by their SHA-256, which is compared at each use."""

from __future__ import annotations

from pathlib import Path

from venvstacks.digests import sha256_file
from venvstacks.errors import RuntimeUnavailableError, TransferError
from venvstacks.runtimes.provider_request import RuntimeTools
from venvstacks.tools.cache_locks import note_use
from venvstacks.tools.files import replacing
from venvstacks.tools.transfer import Downloads, WantedFile

_HINTS = {
    "broken off": "try again; the incomplete file was removed",
    "unreachable": "check network and proxy settings, or name a mirror or another runtime provider",
}


def fetch(url: str, sha256: str, tools: RuntimeTools) -> Path:
    """The path of the file at `url` with the digest `sha256` in the cache; it is downloaded if it is not there yet.

    Raises:
        RuntimeUnavailableError: The file cannot be downloaded, or the server sent another file.
        OSError: The cache cannot be written.
    """
    place = tools.cache / "downloads" / sha256
    note_use(place)
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
