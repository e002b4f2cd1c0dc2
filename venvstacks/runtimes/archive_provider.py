"""Provider `archive`: a packed Python from a URL or path that the user names, together with its SHA-256."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path
from urllib.parse import urlsplit

from venvstacks.digests import sha256_file
from venvstacks.errors import RuntimeUnavailableError
from venvstacks.model.platforms import PythonImplementation
from venvstacks.runtimes.downloads import fetch
from venvstacks.runtimes.prepared_store import Made, Origin, obtain
from venvstacks.runtimes.provider_request import (
    ArchiveSource,
    PreparedRuntime,
    RuntimeRequest,
    RuntimeTools,
    SeriesRequest,
)
from venvstacks.runtimes.runtime_contents import tidy
from venvstacks.runtimes.unpack_python import find_root, unpack
from venvstacks.tools.files import staging_folder
from venvstacks.tools.patience import rename_patiently
from venvstacks.urls import shown


class ArchiveProvider:
    """For air-gapped sites and for Pythons that are built by their users."""

    name = "archive"

    def prepare(self, request: RuntimeRequest, tools: RuntimeTools) -> PreparedRuntime:
        """Unpack the archive that the request names for its platform; see `Provider.prepare`."""
        source = request.archives.get(request.platform.name)
        if source is None:
            raise RuntimeUnavailableError(
                f"no archive is named for {request}",
                hint=f'set [tool.venvstacks.runtime-archives."{request.python}"] '
                f'{request.platform.name} = {{ url = "...", sha256 = "..." }}',
            )

        def make(tree: Path) -> Made:
            fill(tree, locate(source, tools), request)
            return Made(build=source.sha256[:12])

        return obtain(tools, Origin(request, self.name, {"sha256": source.sha256}), make)

    def newest(self, request: SeriesRequest, tools: RuntimeTools) -> PythonImplementation | None:  # noqa: ARG002
        """The newest that the specification names for the platform; see `Provider.newest`."""
        return max(
            (python for python in request.archives if python.is_of(request.series)),
            default=None,
            key=attrgetter("release"),
        )


def locate(source: ArchiveSource, tools: RuntimeTools) -> Path:
    """The file of `source`, checked against its digest: a path as it is, a URL through the download cache.

    Raises:
        RuntimeUnavailableError: It is not there, or is another file.
        OSError: It cannot be read.
    """
    scheme = urlsplit(source.url).scheme.lower()
    if scheme in {"http", "https"}:
        return fetch(source.url, source.sha256, tools)
    if scheme and scheme != "file" and len(scheme) > 1:  # one letter is a drive of Windows
        raise RuntimeUnavailableError(
            f"{shown(source.url)} cannot be fetched: unknown scheme '{scheme}'", hint="use http, https or file"
        )
    path = _path_of(source.url) if scheme == "file" else Path(source.url)
    if not path.is_file():
        raise RuntimeUnavailableError(f"the archive {path} does not exist")
    found = sha256_file(path)
    if found != source.sha256:
        raise RuntimeUnavailableError(
            f"{path} is not the file that was expected: its SHA-256 is {found}, not {source.sha256}",
            hint="correct the sha256 if you trust this file",
        )
    return path


def _path_of(url: str) -> Path:
    from urllib.request import url2pathname  # noqa: PLC0415 - brings the whole of http.client along

    return Path(url2pathname(urlsplit(url).path))


def fill(tree: Path, archive: Path, request: RuntimeRequest) -> None:
    """Make the empty folder `tree` the runtime that `archive` holds.

    Raises:
        RuntimeUnavailableError: It does not hold that runtime.
        OSError: It cannot be written.
    """
    with staging_folder(tree.parent, "unpacked") as folder:
        unpack(archive, folder, windows=request.platform.is_windows)
        root = find_root(folder, request.python, request.platform)
        for child in sorted(root.iterdir()):
            rename_patiently(child, tree / child.name)
    tidy(tree, request.python, request.platform)
