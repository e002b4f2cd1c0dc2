"""URLs as people see them and as files keep them: without passwords, and without the secrets that queries carry.

Pure. Every URL that this program prints, logs or records goes through `shown` or `without_secrets`. The address
of a wheel in a lock, which has to be fetched again, goes through `without_logins`.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

HIDDEN_QUERY = "?..."
"""Replaces the query of a URL, where presigned URLs and URLs with tokens carry their secrets."""

_AFTER_SCHEME = re.compile(r"(?<=://)[^\s\"'<>`]+")
_QUOTED_LOGIN = re.compile(r"(?<=['\"`])[^'\"`\s:/@]+:[^'\"`\s]*@(?=[\w\[])")
_DRIVE = re.compile(r"/[A-Za-z]:")
_AUTHORITY = re.compile(r"[^/?#]*")
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]=]*)(:\d*)?")


def shown(url: str) -> str:
    """One URL for people: no user name, no password, no query, no fragment. What is no URL stays as it is."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{_shown_rest(rest)}" if separator else url


def _shown_rest(rest: str) -> str:
    place = rest[_login_length(rest) :].partition("#")[0]
    place, query, _ = place.partition("?")
    return f"{place}{HIDDEN_QUERY if query else ''}"


def without_secrets(text: str) -> str:
    """A text, such as what another program printed, with every URL in it as `shown` shows it.

    Quoted logins without a scheme (`'user:password@host'`) are removed, too: uv quotes environment variables like this.
    """
    return _QUOTED_LOGIN.sub("", _AFTER_SCHEME.sub(lambda match: _shown_rest(match[0]), text))


def without_logins(text: str) -> str:
    """A text with user names and passwords taken out of its URLs; queries, which are part of addresses, stay."""
    return _AFTER_SCHEME.sub(lambda match: match[0][_login_length(match[0]) :], text)


def has_unclear_login(url: str) -> bool:
    """Whether it cannot be said where the login of `url` ends, because it holds a plain `/`, `?`, `#` or `@`.

    Clients would take a part of the password for the host's name, ask for it on the network, and report it.
    """
    _, separator, rest = url.partition("://")
    authority, path = _split_authority(rest.partition("?")[0])
    login, at, _ = authority.rpartition("@")
    return bool(separator) and (not _is_host(authority) or "@" in login or (bool(at) and "@" in path))


def is_this_machine(host: str) -> bool:
    """Whether a host is a name or address of loopback, so that nothing leaves the machine."""
    return host.lower().strip("[]") in {"localhost", "::1"} or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def is_open_to_others(url: str) -> bool:
    """Whether what a URL gives can be changed on its way: plain http from another machine."""
    scheme, _, rest = url.partition("://")
    authority = _split_authority(rest)[0].rpartition("@")[2]
    host = authority.partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
    return scheme.lower() == "http" and not is_this_machine(host)


def child(url: str, path: str) -> str:
    """The URL of a file below the folder `url`: its path is continued, its query stays, its fragment goes."""
    folder, question_mark, query = url.partition("#")[0].partition("?")
    return f"{folder.rstrip('/')}/{quote(path, safe='/@+')}{question_mark}{query}"


def local_path(text: str) -> str:
    """The path that a `file:` URL names; every other text as it is.

    Raises:
        ValueError: It names another machine.
    """
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() != "file":
        return text
    host, slash, path = rest.partition("/")
    if host.lower() not in {"", "localhost"}:
        raise ValueError(f"a file: URL of another machine, {host}")
    path = unquote(slash + path)
    return path[1:] if _DRIVE.match(path) else path


def _split_authority(rest: str) -> tuple[str, str]:
    """The part between `scheme://` and the path, and everything after it."""
    authority = _AUTHORITY.match(rest)
    end = authority.end() if authority else 0
    return rest[:end], rest[end:]


def _is_host(authority: str) -> bool:
    return _HOST_AND_PORT.fullmatch(authority.rpartition("@")[2]) is not None


def _login_length(rest: str) -> int:
    """How many characters the login takes at the beginning of what follows `scheme://`, the `@` included.

    An authority that is no host and port is the beginning of a password with a `/`, `?` or `#` in it: then everything
    up to the last `@` belongs to the login, and what then is no host either goes with it.
    """
    authority, _ = _split_authority(rest)
    if _is_host(authority):
        return authority.rfind("@") + 1
    login = rest.rfind("@") + 1
    authority, _ = _split_authority(rest[login:])
    return login if _is_host(authority) else login + len(authority)
