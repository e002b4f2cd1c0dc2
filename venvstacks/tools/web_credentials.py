"""Who this program is to a web server: the login of a URL, a token for a host, or the entry of a netrc file.

Credentials are for one host, and never follow a redirect to another one. Tokens need an encrypted connection, or one
within this machine.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.errors import TransferError
from venvstacks.urls import is_this_machine

if TYPE_CHECKING:
    from venvstacks.tools.web_addresses import Address

TOKEN_VARIABLE = "VENVSTACKS_TOKEN_"  # noqa: S105 - the beginning of a name
"""Variables that hold bearer tokens (RFC 6750) begin so; the host follows, in capitals, with `_` for `.` and `-`."""


def authorization(environment: Mapping[str, str]) -> Callable[[Address], str | None]:
    """The `Authorization` header of a request to an address; None without credentials for it.

    Raises:
        TransferError: When it is used, if a netrc file is needed and cannot be read.
    """

    @cache
    def logins() -> Mapping[str, tuple[str, str]]:
        return _read_netrc(environment)

    def find(address: Address) -> str | None:
        if address.login:
            return basic(*address.login)
        if token := _token(environment, address.scheme, address.host):
            return f"Bearer {token}"
        login = logins().get(address.host)
        return basic(*login) if login else None

    return find


def _token(environment: Mapping[str, str], scheme: str, host: str) -> str | None:
    name = TOKEN_VARIABLE + re.sub(r"\W", "_", host, flags=re.ASCII).upper()
    token = environment.get(name, "").strip()
    return token if token and (scheme == "https" or is_this_machine(host)) else None


def basic(user: str, password: str) -> str:
    """The header of basic authentication (RFC 7617)."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _read_netrc(environment: Mapping[str, str]) -> Mapping[str, tuple[str, str]]:
    """Logins by host of the netrc file that `NETRC` names, or else of the one in the home folder.

    Its `default` entry is not used: it would be sent to any host.
    """
    named = environment.get("NETRC")
    home = environment.get("HOME") or environment.get("USERPROFILE")
    place = Path(named) if named else Path(home) / ("_netrc" if os.name == "nt" else ".netrc") if home else None
    if place is None or not (named or place.is_file()):
        return {}
    import netrc  # noqa: PLC0415 - few have such a file

    try:
        hosts = netrc.netrc(str(place)).hosts
    except (OSError, UnicodeDecodeError, netrc.NetrcParseError) as error:
        reason = getattr(error, "msg", None) or getattr(error, "strerror", None) or "it is no text"
        raise TransferError(
            f"the netrc file {place} cannot be used: {reason}",
            hint="correct it, make it readable for its owner alone, or name another one in NETRC",
            kind="refused",
        ) from None
    named_hosts = ((host, entry) for host, entry in hosts.items() if host != "default")
    return {host: (login or account, password) for host, (login, account, password) in named_hosts}
