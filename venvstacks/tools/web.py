"""The web client: its proxies and certificates, and its failures as errors of this program."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.errors import TransferError, TransferFault
from venvstacks.tools.http_client import (
    CONNECT_SECONDS,
    SILENCE_SECONDS,
    ConnectFailedError,
    PlainRedirectError,
    TooManyRedirectsError,
    WebClient,
)
from venvstacks.tools.http_message import BrokenAnswerError
from venvstacks.tools.web_addresses import Address, address_of
from venvstacks.tools.web_credentials import authorization
from venvstacks.urls import has_unclear_login, shown, without_secrets

if TYPE_CHECKING:
    import ssl


def open_client(environment: Mapping[str, str]) -> WebClient:
    """A client that takes proxies, certificates and credentials from `environment`, not from that of this process.

    Certificates are read before the first encrypted connection: that takes longer than a small file.

    Raises:
        TransferError: A variable names a proxy that cannot be used.
    """
    proxies = Proxies(environment)
    return WebClient(authorization(environment), proxies.choose, lambda: _certificates(environment))


def _certificates(environment: Mapping[str, str]) -> ssl.SSLContext:
    """What verifies servers: with the authorities that the environment names, or else those of this machine.

    Raises:
        TransferError: A variable names none.
    """
    import ssl  # noqa: PLC0415 - slow, and few deployments of tests need it

    file, folder = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    if folder and not Path(folder).is_dir():
        raise _bad_setting("SSL_CERT_DIR", f"there is no folder {folder}")
    try:
        context = ssl.create_default_context(cafile=file or None, capath=folder or None)
    except ssl.SSLError as error:
        raise _bad_setting("SSL_CERT_FILE", f"{file} holds no certificate") from error
    except OSError as error:
        raise _bad_setting("SSL_CERT_FILE", f"{file} cannot be read: {error.strerror}") from error
    if not file and not folder:
        with contextlib.suppress(ImportError, OSError):  # for Pythons that do not find those of the machine
            import certifi  # noqa: PLC0415 - as above

            context.load_verify_locations(certifi.where())
    return context


def _bad_setting(variable: str, how: str) -> TransferError:
    return TransferError(
        f"the environment variable {variable} is wrong: {how}", hint="correct the variable, or unset it", kind="refused"
    )


class Proxies:
    """The proxies that the environment names, and the hosts that need none.

    Args:
        environment: Environment variables; names in small letters have priority.

    Raises:
        TransferError: One is no proxy's URL.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        def read(name: str) -> str:
            return environment.get(name.lower()) or environment.get(name.upper()) or ""

        self._direct = [host.strip() for host in read("no_proxy").split(",") if host.strip()]
        self._named = (
            {}
            if "*" in self._direct
            else {scheme: _proxy(named) for scheme in ("http", "https", "all") if (named := read(f"{scheme}_proxy"))}
        )

    def choose(self, address: Address) -> Address | None:
        """The proxy for an address; None for a direct connection."""
        if any(_is_named(address, host) for host in self._direct):
            return None
        return self._named.get(address.scheme) or self._named.get("all")


def _proxy(text: str) -> Address:
    url = text if "://" in text else f"http://{text}"
    wrong = _bad_setting("HTTP_PROXY, HTTPS_PROXY or ALL_PROXY", f"{shown(url)} is no proxy's URL")
    if has_unclear_login(url):
        raise wrong
    try:
        found = address_of(url)
    except ValueError as error:
        raise wrong from error
    if found.scheme != "http":
        raise wrong
    return found


def _is_named(address: Address, entry: str) -> bool:
    """Whether an entry of `NO_PROXY` is about an address: a name stands for itself and all names below it."""
    name = entry.lstrip(".").lower()
    if name.count(":") > 1:
        return address.host == name.strip("[]")
    host, colon, port = name.partition(":")
    if colon:
        return (address.host, str(address.port)) == (host, port)
    is_name = not host.replace(".", "").isdecimal() and host != "localhost"
    return address.host == host or (is_name and address.host.endswith(f".{host}"))


@contextlib.contextmanager
def explain(url: str) -> Iterator[None]:
    """A context manager that raises every failure of the client in its block as a `TransferError`."""
    try:
        yield
    except PlainRedirectError as error:
        raise TransferError(
            f"{shown(error.before)} was redirected to {shown(error.after)}, which is not encrypted",
            hint="give the https URL of the files themselves",
        ) from error
    except TooManyRedirectsError as error:
        raise TransferError(f"{shown(url)} is redirected again and again", hint="check the URL") from error
    except (ConnectFailedError, ValueError) as error:
        raise _unreachable(url, error) from error
    except BrokenAnswerError as error:
        raise broken_off(url, str(error)) from error
    except socket.timeout as error:  # noqa: UP041 - another class up to Python 3.9
        raise broken_off(url, f"nothing came for {SILENCE_SECONDS:.0f} s") from error
    except OSError as error:
        raise broken_off(url, "the connection was closed") from error


_PROXY_REFUSES = 407


def refused(url: str, status: int, *, transient: bool) -> TransferError:
    """The error for an answer with a status other than success."""
    hint = "check the URL" if status < 500 else "the server has trouble; try again later"
    kind: TransferFault = "refused"
    if status in {404, 410}:
        kind = "missing"
    elif status in {401, 403}:  # some servers also answer so for missing files, if clients may not list files
        kind = "forbidden"
        hint = "check the URL, and the login or token for it, which no redirect takes to another host"
    elif status == _PROXY_REFUSES:
        hint = "the proxy wants a login: HTTP_PROXY or HTTPS_PROXY may be http://user:password@host:port"
    return TransferError(
        f"{shown(url)} was answered with HTTP status {status}", hint=hint, kind=kind, transient=transient
    )


def broken_off(url: str, what: str) -> TransferError:
    """The error for a connection that ended too early, or on which nothing arrives."""
    return TransferError(
        f"the download of {shown(url)} broke off: {what}", hint="try again", kind="broken off", transient=True
    )


def _unreachable(url: str, error: ConnectFailedError | ValueError) -> TransferError:
    host = error.host if isinstance(error, ConnectFailedError) else shown(url)
    why, hint, transient = error.__cause__, "check network and proxy settings", isinstance(error, ConnectFailedError)
    if isinstance(why, socket.timeout):
        reason = f"{host} did not answer within {CONNECT_SECONDS:.0f} s"
    elif isinstance(why, socket.gaierror):
        reason, transient = f"the host name {host} could not be resolved", False
    elif type(why).__name__ == "SSLCertVerificationError":  # without the module, which is slow to import
        reason, transient = f"{host} shows a certificate that is not trusted: {error}", False
        hint = "name the certificate of its authority in the environment variable SSL_CERT_FILE"
    else:
        reason = without_secrets(str(error)) or type(error).__name__
    return TransferError(
        f"{shown(url)} cannot be reached: {reason}", hint=hint, kind="unreachable", transient=transient
    )
