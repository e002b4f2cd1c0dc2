"""URLs of web servers as connections and requests need them."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit

_PORTS = {"http": 80, "https": 443}
_PATH_LETTERS = "/%:@!$&'()*+,;=~"


@dataclass(frozen=True)
class Address:
    """The parts of a URL that a connection and a request need.

    Attributes:
        scheme: `http` or `https`.
        host: Its host, in ASCII.
        port: Its port.
        target: Path and query, quoted.
        login: User name and password; None without them.
    """

    scheme: str
    host: str
    port: int
    target: str
    login: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def origin(self) -> tuple[str, str, int]:
        """What a connection is for."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """Host and port as a request names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def address_of(url: str) -> Address:
    """The parts of a URL.

    Raises:
        ValueError: It is no http(s) URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("it is no URL of a web server")
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode("ascii")
    target = quote(parts.path or "/", safe=_PATH_LETTERS)
    if parts.query:
        target += f"?{quote(parts.query, safe=_PATH_LETTERS + '?')}"
    return Address(parts.scheme, host, parts.port or _PORTS[parts.scheme], target, _login(parts))


def _login(parts: SplitResult) -> tuple[str, str] | None:
    if not parts.username and not parts.password:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")
