"""What has to hold on Windows, tried under Wine: the unit tests, and a stack from its specification to a rollback.

Usage: `python wine_checks.py FOLDER`. Both parts run at the same time. Fails if anything is not as it should be; prints
how many unit tests passed, and how many were skipped.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

sys.path.insert(0, str(Path(__file__).parents[1]))

from wine_machine import NUMPY, PYTHON_VERSION, Machine, download, set_up, windows_path, works

from tests.support.handmade_wheels import make_wheel

BEGAN = time.monotonic()
LEAST_TESTS = 2000
SPECIFICATION = """\
[tool.venvstacks]
runtime-providers = ["archive"]

[tool.venvstacks.runtime-archives."cpython@{version}"]
win_amd64 = {{ url = "{archive}", sha256 = "{sha256}" }}

[[runtimes]]
name = "py"
python_implementation = "cpython@{version}"
requirements = []
platforms = ["win_amd64"]

[[frameworks]]
name = "numbers"
runtime = "py"
versioned = true
requirements = ["numpy"]

[[frameworks]]
name = "water"
frameworks = ["numbers"]
requirements = ["pond"]

[[applications]]
name = "frog"
frameworks = ["water"]
requirements = []
launch_module = "frog.py"
"""
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
PRINTED = "{sound} AMD64 3 1 teich 1.0 10 ['a b']\n"


def say(text: str) -> None:
    """Print a line with the time since the beginning."""
    print(f"{time.monotonic() - BEGAN:6.1f} s  {text}", flush=True)


def fail(text: str) -> NoReturn:
    """Print what is wrong at once, while the other part may go on, and end this part."""
    print(text, flush=True)
    raise SystemExit(1)


def unit_tests(machine: Machine) -> None:
    """Run all unit tests; none may fail, and those that are skipped are counted."""
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--tb=short"]
    done = machine.run_python("-m", "pytest", *options, "tests/unit", limit=1200, PYTHONUTF8="1")
    passed = re.search(r"(\d+) passed", done.output)
    if done.status or passed is None or int(passed[1]) < LEAST_TESTS:
        fail(f"unit tests under Wine, exit status {done.status}:\n{done.output[-20_000:]}")
    skipped = re.search(r"(\d+) skipped", done.output)
    say(f"unit tests: {passed[1]} passed, {skipped[1] if skipped else 0} skipped")
    print("\n".join(line for line in done.output.splitlines() if line.startswith("SKIPPED")))


class Project:
    """A stack in a folder with spaces and signs of many scripts in its name."""

    def __init__(self, machine: Machine) -> None:
        """Write the specification, its modules and its wheels."""
        self.machine = machine
        self.folder = machine.folder / "dep ü 日本"
        wheels = self.folder / "wheels"
        wheels.mkdir(parents=True)
        shutil.copy(download(machine.folder / "downloads", *NUMPY), wheels)
        files = {"pond.py": b"NAME = 'teich'\n", "pond-1.0.data/data/share/pond/fish.txt": "Fröschlein".encode()}
        make_wheel(wheels, "pond", "1.0", files=files, entry_points={"pond": "pond:NAME.upper"})
        archive = machine.runtime_archive
        shutil.copy(archive, self.folder)
        self.write_application("quak")
        text = SPECIFICATION.format(
            version=PYTHON_VERSION, archive=archive.name, sha256=hashlib.sha256(archive.read_bytes()).hexdigest()
        )
        (self.folder / "venvstacks.toml").write_text(text, "utf-8")

    def write_application(self, sound: str) -> None:
        """Write the application's module: the only thing that differs between its releases."""
        (self.folder / "frog.py").write_text(APPLICATION.replace("{sound}", sound), "utf-8")

    def do(self, *command: str) -> str:
        """Run a command under Wine; what it printed."""
        begun = time.monotonic()
        done = self.machine.run_python("-m", "venvstacks", *command, cwd=self.folder)
        if done.status:
            fail(f"`venvstacks {' '.join(command)}` under Wine, exit status {done.status}:\n{done.output}")
        say(f"{time.monotonic() - begun:5.1f} s  venvstacks {' '.join(command)}")
        return done.output

    def check(self, expected: str, *command: str) -> None:
        """Run a command under Wine that has to print `expected` among others."""
        printed = self.do(*command)
        if expected not in printed:
            fail(f"`venvstacks {' '.join(command)}` under Wine does not print {expected!r}:\n{printed}")

    def digests(self, folder: str) -> dict[str, str]:
        """The SHA-256 of each file below a folder of the project, by path."""
        files = sorted(path for path in (self.folder / folder).rglob("*") if path.is_file())
        return {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        }


OFFLINE = ("--local-wheels", "wheels", "--no-index")


def pipeline(machine: Machine) -> None:
    """Take a stack from its specification to a deployment, an update and a rollback."""
    project = Project(machine)
    project.check("|   `-- *framework-water", "show")
    project.check("21 run", "plan")
    project.do("lock", *OFFLINE)
    _compare_locks(project)
    project.do("build", "--publish", *OFFLINE)
    project.check("21 up to date", "build", "--publish", *OFFLINE)
    _compare_archives(project)
    project.check(PRINTED.format(sound="quak"), "run", "frog", "a b")
    project.do("local-export", "--include", "app-frog")
    project.do("verify", *OFFLINE)
    project.do("deploy", "_artifacts", "--to", "deployed")
    project.check(PRINTED.format(sound="quak"), "exec", "deployed", "frog", "a b")
    project.write_application("unk")
    project.do("build", "--publish", *OFFLINE)
    project.do("deploy", "_artifacts", "--to", "deployed")
    project.check(PRINTED.format(sound="unk"), "exec", "deployed", "frog", "a b")
    project.check("every file is as it was published", "status", "deployed", "--verify")
    project.do("rollback", "deployed")
    project.check(PRINTED.format(sound="quak"), "exec", "deployed", "frog", "a b")


def _compare_locks(project: Project) -> None:
    """Lock on this machine as well: locks do not depend on the system that writes them."""
    written = _without_times(project.digests("requirements"))
    shutil.rmtree(project.folder / "requirements")
    here(project.folder, "lock", *OFFLINE)
    if _without_times(project.digests("requirements")) != written:
        fail(f"locks differ between Windows and this machine: {written}, {project.digests('requirements')}")
    say("locks are the same as on this machine")


def _compare_archives(project: Project) -> None:
    """Build for Windows on this machine, from the same locks: archives have the same bytes as those made under Wine."""
    folder = project.machine.folder / "on this machine"
    shutil.copytree(project.folder, folder, ignore=shutil.ignore_patterns("_*"))
    here(folder, "build", "--publish", "--platform", "win_amd64", *OFFLINE)
    there, made = _archives(project.folder), _archives(folder)
    if there != made or len(made) != 4:
        fail(f"archives differ between Windows and this machine: {there}, {made}")
    say("archives are the same as those that this machine builds for Windows")


def _archives(folder: Path) -> dict[str, str]:
    """The SHA-256 of each published archive, by the layer's name."""
    found = (json.loads(path.read_bytes()) for path in folder.glob("_artifacts/__venvstacks__/env_metadata/*.json"))
    return {layer["layer_name"]: layer["archive_hashes"]["sha256"] for layer in found}


def _without_times(digests: dict[str, str]) -> dict[str, str]:
    """Those of files that do not hold the time of locking."""
    return {path: digest for path, digest in digests.items() if not path.endswith(".meta.json")}


def here(folder: Path, *command: str) -> None:
    """Run a command in a folder on this machine itself."""
    argv = [sys.executable, "-m", "venvstacks", *command]
    done = subprocess.run(argv, cwd=folder, check=False, capture_output=True, text=True, timeout=300)
    if done.returncode:
        fail(f"`venvstacks {' '.join(command)}` on this machine:\n{done.stdout}{done.stderr}")


def main(folder: Path) -> None:
    """Set the machine up and run all checks on it."""
    folder.mkdir(parents=True)
    machine = set_up(folder)
    with machine.switched_on(), ThreadPoolExecutor(2) as pool:
        say(f"a machine under Wine: {works(machine)}")
        for job in [pool.submit(unit_tests, machine), pool.submit(pipeline, machine)]:
            job.result()
    say(f"Windows under Wine: all is well; its files are below {windows_path(folder)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
