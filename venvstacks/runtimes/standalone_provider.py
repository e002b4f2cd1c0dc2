"""Provider `standalone`: python-build-standalone's (and PyPy's own) builds, as pdm's pbs-installer lists them.

pbs-installer supplies file names, URLs and SHA-256 sums. Its `download` and `install_file` are not used: the first
sends the user's GITHUB_TOKEN to whatever server a mirror is and cannot tell how far it is, the second unpacks without
a filter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast
from urllib.parse import unquote, urlsplit

from venvstacks.errors import RuntimeUnavailableError
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.runtimes.archive_provider import fill
from venvstacks.runtimes.downloads import fetch
from venvstacks.runtimes.prepared_store import Made, Origin, obtain
from venvstacks.runtimes.provider_request import PreparedRuntime, RuntimeRequest, RuntimeTools, SeriesRequest

MIRROR_VARIABLE = "PBS_INSTALLER_BASE_URL"
"""Environment variable that names a mirror: a URL below which all of the original's files are, without subfolders."""

_SYSTEMS = {"linux": "linux", "macosx": "macos", "win": "windows"}
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_BUILD = re.compile(r"\+(\d{8})-|-(v\d+(?:\.\d+)+)-")
_MICROS = 64
"""How many bug-fix releases of one `X.Y` are looked through for a near one; CPython never made that many."""


@dataclass(frozen=True)
class Build:
    """One packed Python.

    Attributes:
        url: Where it is downloaded.
        sha256: Hex digest of the file.
        release: Date of python-build-standalone's release (`20240107`), or PyPy's version (`v7.3.19`).
    """

    url: str
    sha256: str
    release: str


class StandaloneProvider:
    """Portable builds that need nothing of the target machine but its C library."""

    name = "standalone"

    def prepare(self, request: RuntimeRequest, tools: RuntimeTools) -> PreparedRuntime:
        """Download and unpack the build for the request; see `Provider.prepare`."""
        build = find_build(request, tools.environment.get(MIRROR_VARIABLE, ""))

        def make(tree: Path) -> Made:
            fill(tree, fetch(build.url, build.sha256, tools), request)
            return Made(build=build.release)

        return obtain(tools, Origin(request, self.name, {"sha256": build.sha256}), make)

    def newest(self, request: SeriesRequest, tools: RuntimeTools) -> PythonImplementation | None:  # noqa: ARG002
        """The newest that pbs-installer lists; see `Provider.newest`."""
        found = _look_up(request.platform, request.series.name, request.series.version)
        return PythonImplementation(request.series.name, found[0]) if found else None


def find_build(request: RuntimeRequest, mirror: str) -> Build:
    """The build that serves `request`.

    Args:
        request: The Python that is wanted.
        mirror: The mirror's URL; empty for the original's server.

    Raises:
        RuntimeUnavailableError: There is none, or none whose checksum is known.
    """
    known = _look_up(request.platform, request.python.name, request.python.version)
    if known is None:
        raise _unknown(request)
    _, url, sha256 = known
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    if sha256 is None:
        raise RuntimeUnavailableError(
            f"pbs-installer knows no checksum of {name}",
            hint="download it yourself, and name it with its sha256 for the provider 'archive'",
        )
    release = _BUILD.search(name)
    return Build(
        url=f"{mirror.rstrip('/')}/{name}" if mirror.strip() else url,
        sha256=sha256,
        release=(release[1] or release[2]) if release else name,
    )


def missing_build(request: RuntimeRequest) -> RuntimeUnavailableError | None:
    """Why there is no build that serves `request`; None if there is one."""
    try:
        find_build(request, "")
    except RuntimeUnavailableError as error:
        return error
    return None


def _look_up(platform: TargetPlatform, implementation: str, version: str) -> tuple[str, str, str | None] | None:
    """Version, URL and SHA-256 of pbs-installer's newest build for `version` (any number of parts), if there is one."""
    from pbs_installer import get_download_link  # noqa: PLC0415 - reads its list of 1,000 builds on import

    try:
        found, (url, sha256) = get_download_link(
            version,
            arch=_MACHINES.get(platform.machine, platform.machine),
            platform=_SYSTEMS[platform.system],
            implementation=cast("Literal['cpython', 'pypy']", implementation),
        )
    except ValueError:
        return None
    return f"{found.major}.{found.minor}.{found.micro}", url, sha256


def _unknown(request: RuntimeRequest) -> RuntimeUnavailableError:
    nearest = next(
        (
            found[0]
            for version in _near_versions(request.python.version)
            if (found := _look_up(request.platform, request.python.name, version))
        ),
        None,
    )
    message = f"pbs-installer knows no build of {request}"
    if nearest is None:
        return RuntimeUnavailableError(message, hint="name another runtime provider, e.g. 'archive'")
    return RuntimeUnavailableError(
        message,
        hint=f"the nearest that it knows is {request.python.name}@{nearest}; "
        "a newer pbs-installer may know more, and other runtime providers may have it",
    )


def _near_versions(version: str) -> Iterator[str]:
    """What to look for instead of `version`, nearest first: other bug-fix releases, then the newest at all."""
    short, _, micro = version.rpartition(".")
    number = int(re.split("[abr]", micro)[0])  # without what marks a pre-release
    yield from (f"{short}.{other}" for other in sorted(range(_MICROS), key=lambda other: abs(other - number)))
    yield from (short, version.partition(".")[0])
