"""Where a project shares results: from the options, the environment, or the specification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from venvstacks.errors import UsageError
from venvstacks.loading.options import Options
from venvstacks.model.specification import ToolSettings
from venvstacks.urls import shown

URL_VARIABLE = "VENVSTACKS_REMOTE_CACHE"
PUSH_VARIABLE = "VENVSTACKS_REMOTE_CACHE_PUSH"
SECRET_VARIABLE = "VENVSTACKS_REMOTE_CACHE_KEY"  # noqa: S105 - the name of a variable

_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True)
class RemoteCache:
    """A store of shared results.

    Attributes:
        url: Its folder or URL.
        push: Whether results of this machine are written to it.
        secret: The key that records are signed with, if they are.
    """

    url: str = field(repr=False)  # may hold a password
    push: bool = False
    secret: bytes | None = field(default=None, repr=False)


def remote_cache(settings: ToolSettings, options: Options, environment: Mapping[str, str]) -> RemoteCache | None:
    """The store of a project, or None; an empty URL, or `none`, switches off what is named with less priority.

    Raises:
        UsageError: A variable or URL makes no sense.
    """
    named = settings.remote_cache
    url = next(
        (one for one in (options.remote_cache, environment.get(URL_VARIABLE)) if one is not None),
        named.url if named else "",
    )
    if url in {"", "none"}:
        return None
    is_url(url)  # one that cannot be read is refused here
    push = next((one for one in (options.push, _flag(environment)) if one is not None), named.push if named else False)
    secret = environment.get(SECRET_VARIABLE, "")
    return RemoteCache(url, push, secret.encode("utf-8", "surrogateescape") if secret else None)


def is_url(place: str) -> bool:
    """Whether a place is named by a URL, and not by the path of a folder.

    Raises:
        UsageError: It is a URL that cannot be read.
    """
    try:
        return len(urlsplit(place).scheme) > 1  # one letter is a drive of Windows
    except ValueError as error:
        raise UsageError(
            f"'{shown(place)}' is no URL: {error}", hint="name a folder, or a URL as https://host/x"
        ) from error


def _flag(environment: Mapping[str, str]) -> bool | None:
    text = environment.get(PUSH_VARIABLE, "").strip().lower()
    if not text:
        return None
    if text not in _WORDS:
        raise UsageError(f"{PUSH_VARIABLE} is neither true nor false: {text!r}", hint="give 1 or 0")
    return _WORDS[text]
