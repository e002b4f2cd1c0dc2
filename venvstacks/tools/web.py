"""The web client: its proxies and certificates, and its failures as errors of this program."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from venvstacks.errors import TransferError, TransferFault
from venvstacks.tools.web_credentials import credentials
from venvstacks.urls import has_unclear_login, shown, without_secrets

if TYPE_CHECKING:
    import ssl

    import httpx2

_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 30.0


def open_client(environment: Mapping[str, str]) -> httpx2.Client:
    """A client that takes proxies, certificates and credentials from `environment`, not from that of this process.

    Raises:
        TransferError: A variable names certificates or a proxy that cannot be used.
    """
    import httpx2  # noqa: PLC0415 - 70 ms, and most runs find their files in the cache

    verify = _authorities(environment)
    return httpx2.Client(
        verify=verify,
        mounts={pattern: _mount(proxy, verify) for pattern, proxy in proxies(environment).items()},
        auth=credentials(environment),
        trust_env=False,
        follow_redirects=True,
        timeout=httpx2.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS),
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [_refuse_downgrade]},
    )


def _authorities(environment: Mapping[str, str]) -> ssl.SSLContext | Literal[True]:
    """The certificates of authorities that the environment names, or True for those of the client."""
    import ssl  # noqa: PLC0415 - as slow as the client itself

    file, folder = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    if folder and not Path(folder).is_dir():
        raise _bad_setting("SSL_CERT_DIR", f"there is no folder {folder}")
    if not file and not folder:
        return True
    try:
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    except ssl.SSLError as error:
        raise _bad_setting("SSL_CERT_FILE", f"{file} holds no certificate") from error
    except OSError as error:
        raise _bad_setting("SSL_CERT_FILE", f"{file} cannot be read: {error.strerror}") from error


def _mount(proxy: str | None, verify: ssl.SSLContext | Literal[True]) -> httpx2.HTTPTransport | None:
    import httpx2  # noqa: PLC0415 - as above

    if proxy is None:
        return None
    wrong = _bad_setting("HTTP_PROXY, HTTPS_PROXY or ALL_PROXY", f"{shown(proxy)} is no proxy's URL")
    if has_unclear_login(proxy):
        raise wrong
    try:
        return httpx2.HTTPTransport(proxy=proxy, verify=verify, trust_env=False)
    except (httpx2.InvalidURL, ValueError) as error:
        raise wrong from error


def _bad_setting(variable: str, how: str) -> TransferError:
    return TransferError(
        f"the environment variable {variable} is wrong: {how}", hint="correct the variable, or unset it", kind="refused"
    )


def _refuse_downgrade(response: httpx2.Response) -> None:
    """Refuse a redirect from https to http: others could read names of files, tokens and content."""
    if not response.has_redirect_location:
        return
    url = response.request.url
    target = url.join(response.headers["Location"])
    if url.scheme == "https" and target.scheme != "https":
        raise TransferError(
            f"{shown(str(url))} was redirected to {shown(str(target))}, which is not encrypted",
            hint="give the https URL of the files themselves",
        )


def proxies(environment: Mapping[str, str]) -> dict[str, str | None]:
    """URL patterns of httpx2 to proxies; None for patterns that `NO_PROXY` excludes from proxies."""

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
    """The URL pattern of one entry of `NO_PROXY`: a name matches itself and all names below it."""
    name = host.lstrip(".")
    if name.count(":") > 1:
        return f"all://[{name.strip('[]')}]"
    is_name = not name.replace(".", "").isdecimal() and name != "localhost"
    return f"all://*{name}" if is_name and ":" not in name else f"all://{name}"


@contextlib.contextmanager
def explain(url: str) -> Iterator[None]:
    """A context manager that raises every failure of the client in its block as a `TransferError`."""
    import httpx2  # noqa: PLC0415 - as above

    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, ImportError) as error:  # the last: no SOCKS support
        raise _explained(url, error) from error


def refused(url: str, status: int, *, transient: bool) -> TransferError:
    """The error for an answer with a status other than success."""
    hint = "check the URL" if status < 500 else "the server has trouble; try again later"
    kind: TransferFault = "refused"
    if status in {404, 410}:
        kind = "missing"
    elif status in {401, 403}:  # some servers also answer so for missing files, if clients may not list files
        kind, hint = "forbidden", "check the URL, and the login or token for it"
    return TransferError(
        f"{shown(url)} was answered with HTTP status {status}", hint=hint, kind=kind, transient=transient
    )


def broken_off(url: str, what: str) -> TransferError:
    """The error for a connection that ended too early, or on which nothing arrives."""
    return TransferError(
        f"the download of {shown(url)} broke off: {what}", hint="try again", kind="broken off", transient=True
    )


def _explained(url: str, error: Exception) -> TransferError:
    import httpx2  # noqa: PLC0415

    if isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError):
        return broken_off(url, without_secrets(str(error)) or "the connection was closed")
    if isinstance(error, httpx2.ReadTimeout):
        return broken_off(url, f"nothing came for {_SILENCE_SECONDS:.0f} s")
    if isinstance(error, httpx2.TooManyRedirects):
        return TransferError(f"{shown(url)} is redirected again and again", hint="check the URL")
    return _unreachable(url, error)


def _unreachable(url: str, error: Exception) -> TransferError:
    import httpx2  # noqa: PLC0415

    host = error.request.url.host if isinstance(error, httpx2.RequestError) else shown(url)
    hint = "check network and proxy settings"
    transient = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
    if isinstance(error, httpx2.ConnectTimeout):
        reason = f"{host} did not answer within {_CONNECT_SECONDS:.0f} s"
    elif _caused_by(error, socket.gaierror):
        reason, transient = f"the host name {host} could not be resolved", False
    elif _is_about_certificates(error):
        reason, transient = f"{host} shows a certificate that is not trusted: {error}", False
        hint = "name the certificate of its authority in the environment variable SSL_CERT_FILE"
    else:
        reason = without_secrets(str(error)) or type(error).__name__
    return TransferError(
        f"{shown(url)} cannot be reached: {reason}", hint=hint, kind="unreachable", transient=transient
    )


def _is_about_certificates(error: Exception) -> bool:
    import ssl  # noqa: PLC0415 - as above

    return _caused_by(error, ssl.SSLCertVerificationError)


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Whether an error of this kind is a cause of `error`; the client wraps errors several times."""
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
