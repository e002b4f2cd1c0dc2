"""What a store of shared results saves: the sample on a first and a second machine, one command.

    python -m benchmarks.shared_results [--work FOLDER]

The Pythons of this machine (3.11.7 and 3.12.1) are packed as archives, since an installed Python is shared by nobody.
The first machine locks, and builds everything from this user's caches into a store, which is a folder: the cold run.
Second machines are fresh checkouts with empty caches, and the Pythons out of their reach; they take turns with runs of
the first one that have nothing to do. Figures are seconds of wall time and of processors (user and system time of all
processes), medians where there are several; on a busy machine only the latter mean something.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.small_pythons import pack_python
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.runtimes.host_provider import HostProvider
from venvstacks.runtimes.provider_request import RuntimeRequest, RuntimeTools
from venvstacks.tools.process import Processes

_PYTHONS = ("3.11.7", "3.12.1")
_TIMED = Path(__file__).with_name("timed.py")
_BUILD = ("build", "venvstacks.toml", "--publish", "--locked")
_ROUNDS = 3


@dataclass(frozen=True)
class Machine:
    """A checkout with caches of its own.

    Attributes:
        base: Its folder.
        store: The store.
        caches: Variables that name its caches; empty for this user's own.
    """

    base: Path
    store: Path
    caches: dict[str, str]

    @classmethod
    def fresh(cls, first: Machine, base: Path) -> Machine:
        """A machine that has the first one's commit, and nothing else."""
        left_out = shutil.ignore_patterns("_build", "_artifacts")
        shutil.copytree(first.base, base / "checkout", ignore=left_out)
        caches = {"VENVSTACKS_CACHE": str(base / "cache"), "UV_CACHE_DIR": str(base / "uv")}
        return cls(base / "checkout", first.store, caches)

    def run(self, what: str, *arguments: str) -> dict[str, Any]:
        """Run the program; what it took and did."""
        report = self.base / "report.json"
        command = [sys.executable, "-m", "venvstacks", *arguments, "--report", str(report)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VENVSTACKS_")}
        log = self.base / "log"
        order = {"log": str(log), "cwd": str(self.base), "env": environment | self.caches, "commands": [command]}
        timed = [sys.executable, "-I", "-S", str(_TIMED), json.dumps(order)]
        (took,) = json.loads(subprocess.run(timed, capture_output=True, text=True, check=True).stdout)
        if took["status"]:
            sys.exit(f"{what} failed:\n{log.read_text('utf-8')}")
        statuses = [task["status"] for task in json.loads(report.read_text("utf-8"))["tasks"]]
        uv = Path(self.caches.get("UV_CACHE_DIR", "/nowhere"))
        wheels = sum(1 for _ in uv.rglob("*.dist-info")) if uv.is_dir() else 0
        row = {
            "what": what,
            "wall": took["seconds"],
            "cpu": took["cpu_seconds"],
            "run": statuses.count("done") - self._fetched(log),
        }
        row |= {"cached": self._fetched(log), "wheels": wheels}
        print(json.dumps(row), flush=True)
        return row

    @staticmethod
    def _fetched(log: Path) -> int:
        """Tasks whose results came from the store, by the last summary in a log."""
        found = re.findall(r"(\d+) cached", log.read_text("utf-8"))
        return int(found[-1]) if found else 0

    @property
    def archives(self) -> dict[str, bytes]:
        """The published archives."""
        return {path.name: path.read_bytes() for path in sorted((self.base / "_artifacts").glob("*.tar.*"))}


def first_machine(work: Path) -> Machine:
    """A locked checkout of the sample whose Pythons are archives."""
    base = work / "first"
    shutil.copytree("sample_project", base, ignore=shutil.ignore_patterns("_build", "_artifacts", "_export"))
    specification = base / "venvstacks.toml"
    text = specification.read_text("utf-8").replace('["standalone", "host"]', '["archive"]')
    tools = RuntimeTools(Processes(), dict(os.environ), work / "cache")
    for version in _PYTHONS:
        wanted = RuntimeRequest(PythonImplementation("cpython", version), PLATFORMS["linux_x86_64"])
        packed = work / f"python-{version}.tar.gz"
        digest = pack_python(HostProvider().prepare(wanted, tools).tree, packed)
        row = f'linux_x86_64 = {{ url = "{packed.as_uri()}", sha256 = "{digest}" }}'
        text += f'\n[tool.venvstacks.runtime-archives."cpython@{version}"]\n{row}\n'
    specification.write_text(text, "utf-8")
    return Machine(base, work / "store", {})


def measure(work: Path) -> list[dict[str, Any]]:
    """All runs, those that take turns as medians."""
    first = first_machine(work)
    share = ("--remote-cache", str(first.store))
    first.run("lock", "lock", "venvstacks.toml")
    rows = [
        first.run(
            "first machine with warm caches, everything built, and written to the store", *_BUILD, *share, "--push"
        )
    ]
    for version in _PYTHONS:
        (work / f"python-{version}.tar.gz").rename(work / f"hidden-{version}")
    idle, taken = [], []
    for number in range(_ROUNDS):
        idle.append(first.run("first machine, nothing to do", *_BUILD, *share))
        second = Machine.fresh(first, work / f"second{number}")
        taken.append(second.run("second machine, a fresh checkout with empty caches and no Python", *_BUILD, *share))
        if second.archives != first.archives:
            sys.exit("the archives differ")
    rows += [_median(idle), _median(taken)]
    for version in _PYTHONS:
        (work / f"hidden-{version}").rename(work / f"python-{version}.tar.gz")
    third = Machine(Machine.fresh(first, work / "third").base, first.store, {})
    module = third.base / "launch_modules/scipy_import.py"
    module.write_text(module.read_text("utf-8") + "#\n", "utf-8")
    rows.append(third.run("third machine with warm caches, one byte of a module changed", *_BUILD, *share))
    changed = [name for name, content in third.archives.items() if content != first.archives.get(name)]
    transfer = sum(map(len, first.archives.values()))
    print(f"changed: {', '.join(changed)}; store {_size(first.store) / 1e6:.0f} MB, archives {transfer / 1e6:.0f} MB")
    return rows


def _median(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return rows[0] | {name: statistics.median(row[name] for row in rows) for name in ("wall", "cpu")}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, help="folder to work in; kept")
    work = parser.parse_args().work
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        rows = measure((work or Path(temporary)).absolute())
    print(f"load: {before:.0f} before, {os.getloadavg()[0]:.0f} at the end")
    print(
        "| run | wall s | processor s | tasks run | from the store | wheels fetched |\n|---|---:|---:|---:|---:|---:|"
    )
    for row in rows:
        print("| {what} | {wall:.1f} | {cpu:.1f} | {run} | {cached} | {wheels} |".format(**row))


if __name__ == "__main__":
    main()
