"""CPythons that are installed on this machine: findpython lists files, and each one is started to identify it.

findpython only lists files here. By default it starts every interpreter that it lists (47 files on a machine with
pyenv, shims among them, 0.01-0.3 s each), takes its folders from this process's environment, and remembers answers.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from venvstacks.errors import ProcessFailedError
from venvstacks.model.platforms import PythonImplementation, identify_platform
from venvstacks.runtimes.provider_request import RuntimeRequest, RuntimeTools, SeriesRequest

_IDENTITY = Path(__file__).with_name("interpreter_identity.py")
_VERSIONED = re.compile(r"python(\d+\.\d+)")


@dataclass(frozen=True)
class Installation:
    """An installed CPython, as it describes itself.

    Attributes:
        version: `X.Y.Z`.
        variant: How the build differs from the usual one (debug, free-threaded, pre-release); empty for the usual one.
        system: `sys.platform`.
        machine: `platform.machine()`.
        prefix: `sys.base_prefix`.
        executable: The interpreter's own file, no link.
        library: Folder of the standard library.
        libpython: The shared library that it is linked with, if any.
    """

    version: str
    variant: str
    system: str
    machine: str
    prefix: Path
    executable: Path
    library: Path
    libpython: Path | None

    @property
    def identity(self) -> dict[str, object]:
        """Path, size and modification time (ns) of the files that a rebuild or an update of this Python changes.

        Raises:
            OSError: One of them has disappeared.
        """
        files = [self.executable, self.library / "os.py", *([self.libpython] if self.libpython else [])]
        return {str(path): [path.stat().st_size, path.stat().st_mtime_ns] for path in files}


@dataclass(frozen=True)
class Search:
    """Installations that were found, best first, and why others were refused.

    Attributes:
        found: Installations of the wanted Python; taking the next one starts further interpreters.
        refused: A line for each interpreter that was asked and refused so far; grows as `found` is consumed.
    """

    found: Iterator[Installation]
    refused: list[str]


def search(request: RuntimeRequest, tools: RuntimeTools) -> Search:
    """Look for installations of exactly the Python that `request` wants, one by one, likely ones first."""
    refused: list[str] = []
    return Search(_search(request, tools, refused), refused)


def search_series(request: SeriesRequest, tools: RuntimeTools) -> Iterator[PythonImplementation]:
    """The releases of a series that are installed; starts every interpreter that may be of it."""
    for place in (of_version_tools, on_path):
        for candidate in candidates(place(tools.environment), f"{request.series.version}.0"):
            if found := ask(candidate, tools):
                python = PythonImplementation("cpython", found.version)
                if python.is_of(request.series) and not mismatch(found, RuntimeRequest(python, request.platform)):
                    yield python


def _search(request: RuntimeRequest, tools: RuntimeTools, refused: list[str]) -> Iterator[Installation]:
    seen: set[Path] = set()
    for candidate in _candidates_everywhere(request, tools):
        installation = ask(candidate, tools)
        if installation is None:
            refused.append(f"{candidate} does not start, or is no CPython")
        elif installation.executable not in seen:
            seen.add(installation.executable)
            fault = mismatch(installation, request)
            if fault is None:
                yield installation
            else:
                refused.append(f"{installation.executable} is {fault}")


def _candidates_everywhere(request: RuntimeRequest, tools: RuntimeTools) -> Iterator[Path]:
    """Those of version tools first: they can be relocated easily, and listing the folders on `PATH` takes 10 ms."""
    for place in (of_version_tools, on_path):
        yield from candidates(place(tools.environment), request.python.version)


def of_version_tools(environment: Mapping[str, str]) -> Iterator[Path]:
    """Files that may be Pythons, in the folders of pyenv, asdf, rye and uv."""
    # 30 ms, and only `host` needs it
    from findpython.providers.asdf import AsdfProvider  # noqa: PLC0415
    from findpython.providers.base import BaseProvider  # noqa: PLC0415
    from findpython.providers.pyenv import PyenvProvider  # noqa: PLC0415
    from findpython.providers.rye import RyeProvider  # noqa: PLC0415
    from findpython.providers.uv import UvProvider  # noqa: PLC0415

    tools: dict[str, Callable[[Path], BaseProvider]] = {
        "pyenv": PyenvProvider,
        "asdf": AsdfProvider,
        "rye": RyeProvider,
        "uv": UvProvider,
    }
    for name, root in _tool_folders(environment).items():
        if root.is_dir():
            yield from sorted(python.executable for python in tools[name](root).find_pythons())


def on_path(environment: Mapping[str, str]) -> Iterator[Path]:
    """Files that may be Pythons, in the folders that `PATH` names.

    Scripts of a version tool (pyenv's shims, which choose a Python by the current folder) are passed over, as the
    interpreters behind them are in that tool's folders.
    """
    from findpython.providers.path import PathProvider  # noqa: PLC0415 - as above

    roots = list(_tool_folders(environment).values())
    folders = [Path(folder) for folder in environment.get("PATH", "").split(os.pathsep) if folder]
    for python in PathProvider(folders).find_pythons():
        path = python.executable
        if not any(path.is_relative_to(root) for root in roots) or not _is_script(path):
            yield path


def _tool_folders(environment: Mapping[str, str]) -> dict[str, Path]:
    """Where version tools keep their Pythons, by the variables and defaults that they document."""
    home = Path(environment.get("HOME") or "/nonexistent")
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local/share")
    return {
        "pyenv": Path(environment.get("PYENV_ROOT") or home / ".pyenv"),
        "asdf": Path(environment.get("ASDF_DATA_DIR") or home / ".asdf"),
        "rye": Path(environment.get("RYE_PY_ROOT") or home / ".rye/py"),
        "uv": Path(environment.get("UV_PYTHON_INSTALL_DIR") or data / "uv/python"),
    }


def candidates(paths: Iterable[Path], version: str) -> list[Path]:
    """Which of `paths` to start, in which order, to find CPython `version` (`X.Y.Z`) with few starts.

    Each file is listed once, also where several links lead to it. Files that are named for another `X.Y` are left out;
    files with the version in their path come first, scripts last.
    """
    short = version.rpartition(".")[0]
    once: dict[Path, Path] = {}
    for path in paths:
        try:
            real = path.resolve(strict=True)
        except OSError:
            continue
        named = _VERSIONED.match(real.name)
        if named is None or named[1] == short:
            once.setdefault(real, path)
    mention = re.compile(rf"(?<!\d){re.escape(version)}(?!\d)")
    return sorted(once.values(), key=lambda path: (_is_script(path), mention.search(str(path)) is None))


def _is_script(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(2) == b"#!"
    except OSError:
        return True


def ask(path: Path, tools: RuntimeTools) -> Installation | None:
    """What the interpreter at `path` reports; None if it does not start, gives no valid answer, or is no CPython."""
    try:
        answer = json.loads(
            tools.processes.run([path, "-I", "-S", "-B", _IDENTITY], env=tools.child_environment).stdout
        )
        if answer["implementation"] != "cpython":
            return None
        return Installation(
            version=answer["version"],
            variant=answer["variant"],
            system=answer["system"],
            machine=answer["machine"],
            prefix=Path(answer["prefix"]),
            executable=Path(answer["executable"]),
            library=Path(answer["library"]),
            libpython=Path(answer["libpython"]) if answer["libpython"] else None,
        )
    except (ProcessFailedError, ValueError, KeyError, TypeError):
        return None


def mismatch(installation: Installation, request: RuntimeRequest) -> str | None:
    """How an installation differs from the wanted one, as words after "is"; None if it does not."""
    if installation.version != request.python.version:
        return f"version {installation.version}"
    if installation.variant:
        return f"a special build ('{installation.variant}') of {installation.version}"
    platform = identify_platform(installation.system, installation.machine)
    if platform != request.platform:
        return f"for {platform.name if platform else installation.machine}"
    expected = installation.prefix / "lib" / request.python.versioned_name
    if installation.library.resolve() != expected.resolve():
        return f"arranged unusually: its standard library is {installation.library}, not {expected}"
    return None
