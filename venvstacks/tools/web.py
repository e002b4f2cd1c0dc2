"""The web client: where it takes proxies and certificates from, and what its failures mean."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from venvstacks.errors import TransferError
from venvstacks.urls import shown, without_secrets

if TYPE_CHECKING:
    import httpx2

_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 30.0


def open_client(environment: Mapping[str, str]) -> httpx2.Client:
    """A plain client that takes proxies and certificates from `environment`, and nothing from this process."""
    import ssl  # noqa: PLC0415 - as slow as the client itself

    import httpx2  # noqa: PLC0415 - 70 ms, and most runs find their files in the cache

    authorities = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    verify = ssl.create_default_context(cafile=authorities[0], capath=authorities[1]) if any(authorities) else True
    mounts = {
        pattern: None if proxy is None else httpx2.HTTPTransport(proxy=proxy, verify=verify)
        for pattern, proxy in proxies(environment).items()
    }
    return httpx2.Client(
        verify=verify,
        mounts=mounts,
        trust_env=False,
        follow_redirects=True,
        timeout=httpx2.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS),
        headers={"Accept-Encoding": "identity"},
    )


def proxies(environment: Mapping[str, str]) -> dict[str, str | None]:
    """Which proxy serves which URLs, as URL patterns of httpx2; None where `NO_PROXY` asks for a direct connection."""

    def read(name: str) -> str:
        return environment.get(name.lower()) or environment.get(name.upper()) or ""

    found: dict[str, str | None] = {}
    for scheme in ("http", "https", "all"):
        if proxy := read(f"{scheme}_proxy"):
            found[f"{scheme}://"] = proxy if "://" in proxy else f"http://{proxy}"
    direct = [host.strip() for host in read("no_proxy").split(",") if host.strip()]
    if "*" in direct:
        return {}
    if found:
        found.update({_pattern(host): None for host in direct})
    return found


def _pattern(host: str) -> str:
    """The URL pattern of one entry of `NO_PROXY`: a name stands for itself and everything below it."""
    name = host.lstrip(".")
    if name.count(":") > 1:
        return f"all://[{name.strip('[]')}]"
    is_name = not name.replace(".", "").isdecimal() and name != "localhost"
    return f"all://*{name}" if is_name and ":" not in name else f"all://{name}"


@contextlib.contextmanager
def explain(url: str) -> Iterator[None]:
    """Tell of every failure of the client inside the block as a `TransferError`."""
    import httpx2  # noqa: PLC0415 - as above

    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, ImportError) as error:  # the last: no SOCKS support
        raise _unreachable(url, error) from error


def refused(url: str, status: int, *, transient: bool) -> TransferError:
    """The error for an answer that is not the file."""
    hint = "check the URL" if status < 500 else "the server has trouble; try again later"
    return TransferError(
        f"{shown(url)} was answered with HTTP status {status}",
        hint=hint,
        kind="missing" if status in {404, 410} else "refused",
        transient=transient,
    )


def broken_off(url: str, what: str) -> TransferError:
    """The error for a connection that ended too early."""
    return TransferError(
        f"the download of {shown(url)} broke off: {what}", hint="try again", kind="broken off", transient=True
    )


def _unreachable(url: str, error: Exception) -> TransferError:
    import httpx2  # noqa: PLC0415

    host = error.request.url.host if isinstance(error, httpx2.RequestError) else shown(url)
    if isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError):
        return broken_off(url, without_secrets(str(error)))
    if isinstance(error, httpx2.ReadTimeout):
        return broken_off(url, f"nothing came for {_SILENCE_SECONDS:.0f} s")
    if isinstance(error, httpx2.ConnectTimeout):
        reason = f"{host} did not answer within {_CONNECT_SECONDS:.0f} s"
    elif _is_resolution(error):
        reason = f"the host name {host} could not be resolved"
    else:
        reason = without_secrets(str(error)) or type(error).__name__
    return TransferError(
        f"{shown(url)} cannot be reached: {reason}",
        hint="check network and proxy settings",
        kind="unreachable",
        transient=isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout) and not _is_resolution(error),
    )


def _is_resolution(error: BaseException | None) -> bool:
    """Whether a name lookup is what failed; the client wraps that error several times."""
    while error is not None:
        if isinstance(error, socket.gaierror):
            return True
        error = error.__cause__ or error.__context__
    return False
