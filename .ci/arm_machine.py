"""A Linux machine with an ARM processor under qemu: Debian's CPython 3.11 for arm64, and this project's dependencies.

Everything comes from the Debian mirror that this machine uses, and from package indexes through uv as it is configured.
No foreign architecture is added to this machine: apt works on a state of its own. Nothing is registered in the kernel
either: `arm_processes.py` puts qemu in front of programs that emulated ones start.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from emulated_machine import ROOT, Ended, install_project, obtain

QEMU = "/usr/bin/qemu-aarch64"
PYTHON_VERSION = "3.11.2"  # Debian 12's
NUMPY = (
    "numpy==2.3.5", "3095bdb8dd297e5920b010e96134ed91d852d81d490e787beca7e35ae1d89cf7",
    ("--only-binary", ":all:", "--platform", "manylinux_2_28_aarch64", "--python-version", "3.11"),
)  # fmt: skip
PACKAGES = """
libbz2-1.0 libc6 libcom-err2 libcrypt1 libdb5.3 libexpat1 libffi8 libgcc-s1 libgssapi-krb5-2 libk5crypto3 libkeyutils1
libkrb5-3 libkrb5support0 liblzma5 libncursesw6 libnsl2 libpython3.11-minimal libpython3.11-stdlib libreadline8
libsqlite3-0 libssl3 libstdc++6 libtinfo6 libtirpc3 libuuid1 python3-distutils python3.11 python3.11-minimal
python3.11-venv zlib1g
"""
NOT_OF_A_RUNTIME = re.compile(r"(test|idlelib|turtledemo|tkinter|lib2to3|ensurepip|dist-packages|__pycache__)$")
APT = """\
APT::Architecture "arm64";
APT::Architectures {{ "arm64"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "5";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache::archives "{folder}/archives";
Dir::Cache::pkgcache "{folder}/pkgcache.bin";
Dir::Cache::srcpkgcache "{folder}/srcpkgcache.bin";
"""


@dataclass(frozen=True)
class ArmMachine:
    """A folder with everything that belongs to the machine.

    Attributes:
        folder: The folder.
    """

    folder: Path

    @property
    def python(self) -> Path:
        """The machine's Python, which the command line runs with."""
        return self.folder / "pack/python/bin/python3.11"

    @property
    def started_python(self) -> Path:
        """A script that starts the machine's Python, for programs that start it themselves."""
        return self.folder / "bin/python3.11"

    @property
    def runtime_archive(self) -> Path:
        """The same Python for the provider `archive`."""
        return self.folder / f"cpython-{PYTHON_VERSION}-linux_aarch64.tar.gz"

    @property
    def packages(self) -> Path:
        """The dependencies of this project, and `arm_processes.py`."""
        return self.folder / "packages"

    @property
    def emulator(self) -> list[str]:
        """Start of the commands that run programs of the machine."""
        return [QEMU, "-L", str(self.folder / "sysroot")]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of emulated programs."""
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": f"{self.packages}:{ROOT}",
            "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode"),
            "VENVSTACKS_CACHE": str(self.folder / "cache"),
            "EMULATOR": "\n".join(self.emulator),
            "EMULATED_PYTHON": str(self.started_python),
        }

    def run_python(self, *arguments: str | Path, cwd: Path = ROOT, limit: float = 1800) -> Ended:
        """Run the machine's Python under qemu; one that takes longer than `limit` seconds is ended."""
        command = [*self.emulator, self.python, *arguments]
        try:
            done = subprocess.run(
                command,
                cwd=cwd,
                env=self.environment,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=limit,
            )
        except subprocess.TimeoutExpired as error:
            return Ended(124, (error.stdout or b"").decode("utf-8", "replace"))
        return Ended(done.returncode, done.stdout.decode("utf-8", "replace"))


def set_up(folder: Path) -> ArmMachine:
    """Make the machine in an empty folder.

    Raises:
        subprocess.CalledProcessError: Something cannot be downloaded or started.
    """
    machine = ArmMachine(folder.resolve())
    for package in _download(machine.folder / "apt"):
        subprocess.run(["dpkg", "-x", package, machine.folder / "sysroot"], check=True)
    _make_python(machine)
    machine.started_python.parent.mkdir()
    command = shlex.join([*machine.emulator, str(machine.python)])
    machine.started_python.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    machine.started_python.chmod(0o755)
    compiled = [machine.python.parents[1] / "lib"]
    install_project(machine.packages, "aarch64-manylinux_2_28", machine.folder / "bytecode", compiled)
    shutil.copyfile(Path(__file__).with_name("arm_processes.py"), machine.packages / "sitecustomize.py")
    return machine


def _download(folder: Path) -> list[Path]:
    """Debian's packages for arm64, with apt's lists and settings in `folder`."""
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "sources.list").write_text(f"deb [arch=arm64] {_mirror()} bookworm main\n")
    (folder / "status").touch()
    (folder / "apt.conf").write_text(APT.format(folder=folder))
    environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf")}
    apt = ["apt-get", "-qq", "-o", "APT::Update::Error-Mode=any"]
    for what, command in (("the list of", ["update"]), ("Python from", ["download", *PACKAGES.split()])):
        obtain(f"{what} Debian's packages for arm64", [*apt, *command], cwd=folder / "archives", env=environment)
    return sorted((folder / "archives").glob("*.deb"))


def _mirror() -> str:
    """The address of the Debian mirror that this machine uses."""
    places = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    lines = [line for place in places if place.is_file() for line in place.read_text("utf-8").splitlines()]
    found = [match[1] for line in lines if (match := re.match(r"(?:URIs:|deb(?: \[.*\])?)\s+(\S+)", line))]
    mirror = next((address for address in found if "security" not in address), None)
    if mirror is None:
        raise SystemExit("there is no Debian mirror in this machine's sources of packages")
    return mirror


def _make_python(machine: ArmMachine) -> None:
    """Arrange Debian's Python as others are, and pack it.

    Debian's own changes are undone, so that packages are in `site-packages`. `site` is frozen into the program, and
    looks at another folder: that becomes a link.
    """
    usr, python = machine.folder / "sysroot/usr", machine.python.parents[1]
    library = python / "lib/python3.11"
    machine.python.parent.mkdir(parents=True)
    shutil.copy2(usr / "bin/python3.11", machine.python)
    skipped = lambda _, names: [name for name in names if NOT_OF_A_RUNTIME.search(name)]  # noqa: E731
    shutil.copytree(usr / "lib/python3.11", library, symlinks=True, ignore=skipped)
    for path in sorted(library.rglob("*")):
        if path.is_symlink() and not path.resolve().is_relative_to(library):
            path.unlink()
    text = (library / "sysconfig.py").read_text("utf-8")
    old = '    if sys.base_prefix != sys.prefix or hasattr(sys, "real_prefix"):\n        # virtual environments'
    assert old in text  # noqa: S101 - the package is that of Debian 12
    (library / "sysconfig.py").write_text(text.replace(old, "    if True:"), "utf-8")
    (library / "site-packages").mkdir()
    (library.parent / "python3").mkdir()
    (library.parent / "python3/dist-packages").symlink_to("../python3.11/site-packages")
    with tarfile.open(machine.runtime_archive, "w:gz", compresslevel=1) as pack:
        pack.add(python, "python")


def works(machine: ArmMachine) -> str:
    """What the machine's Python says of itself; fails if something does not work under this qemu."""
    script = (
        "import bz2, ctypes, lzma, os, sqlite3, ssl, subprocess, sys, sysconfig, venv, pydantic_core\n"
        "assert sysconfig.get_paths()['purelib'].endswith('lib/python3.11/site-packages')\n"
        "child = subprocess.run([sys.executable, '-I', '-c', 'import os; print(os.uname().machine)'], stdout=-1)\n"
        "print(sys.version.split()[0], os.uname().machine, child.stdout.decode().strip())"
    )
    done = machine.run_python("-c", script)
    if done.status:
        sys.exit(f"the Python under qemu does not work:\n{done.output}")
    return done.output.strip()
