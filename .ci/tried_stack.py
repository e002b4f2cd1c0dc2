"""A stack that is tried on machines of other platforms, from its specification to a rollback.

A runtime, a framework with NumPy, another one with a data file, and an application, in a folder with spaces and signs
of many scripts in its name. Releases of the application differ in the word that it prints.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from emulated_machine import ROOT, Ended, download

sys.path.insert(0, str(ROOT))

from tests.support.handmade_wheels import make_wheel
from tests.support.specifications import application, framework, runtime_of_archive

BEGAN = time.monotonic()
OFFLINE = ("--local-wheels", "wheels", "--no-index")
LAYERS = (
    framework("numbers", versioned=True, requirements=["numpy"])
    + framework("water", "numbers", requirements=["pond"])
    + application("frog", "water")
)
APPLICATION = """\
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy
import pond

solved = numpy.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [6.0, 4.0])
fish = Path(sys.prefix, "share/pond/fish.txt").read_text("utf-8")
print("{sound}", platform.machine(), *map(int, solved), pond.NAME, version("pond"), len(fish), sys.argv[1:])
"""
PRINTED = "{sound} {processor} 3 1 teich 1.0 10 ['a b']\n"


class Machine(Protocol):
    """A machine of another platform, under an emulator."""

    @property
    def folder(self) -> Path:
        """The folder with everything that belongs to it."""

    @property
    def runtime_archive(self) -> Path:
        """A Python for the provider `archive`."""

    def run_python(self, *arguments: str | Path, cwd: Path) -> Ended:
        """Run the machine's Python, which finds this project and what it depends on."""


@dataclass(frozen=True)
class Platform:
    """The platform of a machine.

    Attributes:
        name: The platform's name.
        under: What it runs under, for messages.
        processor: What Python calls its processor.
        version: Its Python's version.
        numpy: NumPy's wheel for it: a requirement, its SHA-256, options for pip.
    """

    name: str
    under: str
    processor: str
    version: str
    numpy: tuple[str, str, tuple[str, ...]]


def say(text: str) -> None:
    """Print a line with the time since the beginning."""
    print(f"{time.monotonic() - BEGAN:6.1f} s  {text}", flush=True)


def fail(text: str) -> NoReturn:
    """Print what is wrong at once, while other parts may go on, and end this part."""
    print(text, flush=True)
    raise SystemExit(1)


class Project:
    """The stack in its folder, and commands that the machine runs there."""

    def __init__(self, machine: Machine, platform: Platform) -> None:
        """Write the specification, its modules and its wheels."""
        self.machine = machine
        self.platform = platform
        self.folder = machine.folder / "dep ü 日本"
        wheels = self.folder / "wheels"
        wheels.mkdir(parents=True)
        shutil.copy(download(machine.folder / "downloads", *platform.numpy), wheels)
        files = {"pond.py": b"NAME = 'teich'\n", "pond-1.0.data/data/share/pond/fish.txt": "Fröschlein".encode()}
        make_wheel(wheels, "pond", "1.0", files=files, entry_points={"pond": "pond:NAME.upper"})
        archive = machine.runtime_archive
        shutil.copy(archive, self.folder)
        self.write_application("quak")
        sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
        python = {"platform": platform.name, "version": platform.version, "settings": "archive-level = 1\n"}
        text = runtime_of_archive(archive.name, sha256, **python) + LAYERS
        self.specification.write_text(text, "utf-8")

    @property
    def specification(self) -> Path:
        """The file with the specification."""
        return self.folder / "venvstacks.toml"

    def write_application(self, sound: str) -> None:
        """Write the application's module: the only thing that differs between its releases."""
        (self.folder / "frog.py").write_text(APPLICATION.replace("{sound}", sound), "utf-8")

    def do(self, *command: str) -> str:
        """Run a command on the machine; what it printed."""
        begun = time.monotonic()
        done = self.machine.run_python("-m", "venvstacks", *command, cwd=self.folder)
        line = f"`venvstacks {' '.join(command)}` under {self.platform.under}"
        if done.status:
            fail(f"{line}, exit status {done.status}:\n{done.output}")
        say(f"{time.monotonic() - begun:5.1f} s  {line}")
        return done.output

    def check(self, expected: str, *command: str) -> None:
        """Run a command on the machine that has to print `expected` among others."""
        printed = self.do(*command)
        if expected not in printed:
            fail(f"`venvstacks {' '.join(command)}` under {self.platform.under} lacks {expected!r}:\n{printed}")

    def refuse(self, expected: str, *command: str) -> None:
        """Run a command on the machine that has to end with an error that says `expected`."""
        done = self.machine.run_python("-m", "venvstacks", *command, cwd=self.folder)
        line = f"`venvstacks {' '.join(command)}` under {self.platform.under}"
        if not done.status or expected not in done.output:
            fail(f"{line} was to say {expected!r}; exit status {done.status}:\n{done.output}")
        say(f"refused, as it has to be: {line}")

    def printed(self, sound: str) -> str:
        """What a release of the application prints."""
        return PRINTED.format(sound=sound, processor=self.platform.processor)

    def digests(self, folder: str) -> dict[str, str]:
        """The SHA-256 of each file below a folder of the project, by path."""
        files = sorted(path for path in (self.folder / folder).rglob("*") if path.is_file())
        return {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        }

    def build_here(self, folder: Path) -> str:
        """Build and publish for the machine on this one, in a folder; what was printed."""
        return here(folder, "build", "--publish", "--platform", self.platform.name, *OFFLINE)

    def compare_archives(self, built_here: Path) -> None:
        """Archives that the machine has built have the same bytes as those that this machine built for it."""
        there, made = archives(self.folder), archives(built_here)
        if there != made or len(made) != 4:
            fail(f"archives differ between {self.platform.name} and this machine: {there}, {made}")
        say(f"archives of {self.platform.name} are the same as those that this machine builds for it")


def archives(folder: Path) -> dict[str, str]:
    """The SHA-256 of each published archive, by the layer's name."""
    found = (json.loads(path.read_bytes()) for path in folder.glob("_artifacts/__venvstacks__/env_metadata/*.json"))
    return {layer["layer_name"]: layer["archive_hashes"]["sha256"] for layer in found}


def here(folder: Path, *command: str, limit: float = 300) -> str:
    """Run a command in a folder on this machine itself, for `limit` seconds at most; what it printed."""
    argv: Sequence[str] = [sys.executable, "-m", "venvstacks", *command]
    done = subprocess.run(argv, cwd=folder, check=False, capture_output=True, text=True, timeout=limit)
    if done.returncode:
        fail(f"`venvstacks {' '.join(command)}` on this machine:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr
