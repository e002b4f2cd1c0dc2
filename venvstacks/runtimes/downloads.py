"""Files from the network, kept in the cache under their SHA-256 and checked against it each time they are used."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from venvstacks.digests import sha256_file
from venvstacks.errors import RuntimeUnavailableError
from venvstacks.runtimes.request import RuntimeKit
from venvstacks.tools.files import replacing

if TYPE_CHECKING:
    import httpx2

_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 30.0
_CHUNK = 1 << 18


def fetch(url: str, sha256: str, kit: RuntimeKit) -> Path:
    """The file behind `url` whose digest is `sha256`, from the cache or freshly downloaded into it.

    Raises:
        RuntimeUnavailableError: It cannot be had, or what came is not that file.
        OSError: The cache cannot be written.
    """
    place = kit.cache / "downloads" / sha256
    if place.is_file() and sha256_file(place) == sha256:
        return place
    with replacing(place) as temporary:
        _download(url, temporary, kit)
        found = sha256_file(temporary)
        if found != sha256:
            raise RuntimeUnavailableError(
                f"{public(url)} is not the file that was expected: its SHA-256 is {found}, not {sha256}",
                hint="a mirror must serve the very files of the original; nothing of this one was kept",
            )
    return place


def public(url: str) -> str:
    """`url` without user name and password, for messages."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _download(url: str, target: Path, kit: RuntimeKit) -> None:
    import httpx2  # noqa: PLC0415 - 70 ms, and most runs find their files in the cache

    try:
        with _client(kit.environment) as client, client.stream("GET", url) as response:
            response.raise_for_status()
            _save(response, target, url, kit)
    except httpx2.HTTPStatusError as error:
        raise _refused(url, error.response.status_code) from error
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, ImportError) as error:  # the last: no SOCKS support
        raise _unreachable(url, error) from error


def _save(response: httpx2.Response, target: Path, url: str, kit: RuntimeKit) -> None:
    announced = response.headers.get("Content-Length", "")
    total = int(announced) if announced.isdecimal() else None
    with target.open("wb") as stream:
        for chunk in response.iter_raw(_CHUNK):
            stream.write(chunk)
            if kit.progress is not None:
                kit.progress(f"downloading {_file_name(url)}", response.num_bytes_downloaded, total)
    if total is not None and response.num_bytes_downloaded != total:
        raise _cut_off(url, f"{response.num_bytes_downloaded} of {total} bytes came")


def _client(environment: Mapping[str, str]) -> httpx2.Client:
    """A plain client that takes proxies and certificates from `environment`, and nothing from this process."""
    import ssl  # noqa: PLC0415 - as slow as the client itself

    import httpx2  # noqa: PLC0415

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


def _file_name(url: str) -> str:
    from urllib.parse import unquote  # noqa: PLC0415

    return unquote(urlsplit(url).path.rpartition("/")[2])


def _refused(url: str, status: int) -> RuntimeUnavailableError:
    hint = "check the URL" if status < 500 else "the server has trouble; try again later"
    return RuntimeUnavailableError(f"{public(url)} was answered with HTTP status {status}", hint=hint)


def _cut_off(url: str, what: str) -> RuntimeUnavailableError:
    return RuntimeUnavailableError(
        f"the download of {public(url)} broke off: {what}", hint="try again; nothing of it was kept"
    )


def _unreachable(url: str, error: Exception) -> RuntimeUnavailableError:
    import httpx2  # noqa: PLC0415

    host = error.request.url.host if isinstance(error, httpx2.RequestError) else public(url)
    if isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError):
        return _cut_off(url, str(error))
    if isinstance(error, httpx2.ReadTimeout):
        return _cut_off(url, f"nothing came for {_SILENCE_SECONDS:.0f} s")
    if isinstance(error, httpx2.ConnectTimeout):
        reason = f"{host} did not answer within {_CONNECT_SECONDS:.0f} s"
    elif _is_resolution(error):
        reason = f"the host name {host} could not be resolved"
    else:
        reason = str(error) or type(error).__name__
    return RuntimeUnavailableError(
        f"{public(url)} cannot be reached: {reason}",
        hint="check network and proxy settings, or name a mirror or another runtime provider",
    )


def _is_resolution(error: BaseException | None) -> bool:
    """Whether a name lookup is what failed; the client wraps that error several times."""
    while error is not None:
        if isinstance(error, socket.gaierror):
            return True
        error = error.__cause__ or error.__context__
    return False
