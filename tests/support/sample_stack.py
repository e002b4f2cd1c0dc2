"""A small stack with everything in it that a pipeline has to bear, made of handmade wheels and two packages in C."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

from tests.support.compiled_wheels import make_frog_wheels
from tests.support.handmade_wheels import make_wheel
from venvstacks.api import Report, Request, load_project, plan, run
from venvstacks.graph.selection import Operation
from venvstacks.loading.options import Options
from venvstacks.loading.project import Project

SPECIFICATION = """\
[tool.venvstacks]
runtime-providers = ["host"]

[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
requirements = ["pond"]

[[frameworks]]
name = "frog"
runtime = "py"
requirements = ["frog"]
platforms = ["linux_x86_64"]

[[frameworks]]
name = "lily"
runtime = "py"
requirements = ["lily"]

[[applications]]
name = "newt"
frameworks = ["frog", "lily"]
requirements = ["newt", "lily"]
platforms = ["linux_x86_64"]
launch_module = "launch/hop"
support_modules = ["support/legs.py"]

[[applications]]
name = "plain"
runtime = "py"
requirements = []
launch_module = "launch/plain.py"

[[applications]]
name = "elsewhere"
runtime = "py"
requirements = []
platforms = ["win_amd64"]
launch_module = "launch/plain.py"

[[applications]]
name = "off"
runtime = "py"
requirements = []
platforms = []
launch_module = "launch/plain.py"
"""

SOURCES = {
    "launch/hop/__init__.py": "",
    "launch/hop/__main__.py": (
        "import json, sys\nimport frog, legs, lily, newt, pond\n"
        "print(json.dumps({'legs': legs.count(), 'lily': lily.__version__, 'args': sys.argv[1:], 'says': '🐸🦎'}))\n"
    ),
    "launch/plain.py": "import sys\nprint('plain', *sys.argv[1:])\n",
    "support/legs.py": "import newt\n\n\ndef count() -> int:\n    return newt.legs()\n",
}

BUILT = ("py", "framework-frog", "framework-lily", "app-newt", "app-plain")
"""The environments that this machine builds."""


@dataclass(frozen=True)
class Pond:
    """A folder with the stack in it."""

    base: Path
    cache: Path
    uv_cache: Path

    @property
    def spec(self) -> Path:
        return self.base / "venvstacks.toml"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "VENVSTACKS_CACHE": str(self.cache), "UV_CACHE_DIR": str(self.uv_cache)}

    def project(self, **options: Any) -> Project:
        defaults: dict[str, Any] = {"local_wheels": ("wheels",), "use_index": False, "jobs": 2}
        chosen = Options(**(defaults | options))
        return load_project(self.spec, chosen, self.environment)

    def run(self, *operations: Operation, options: Mapping[str, Any] | None = None, **request: Any) -> Report:
        return run(self.project(**(options or {})), Request(operations, **request))

    def plan(self, *operations: Operation, **options: Any) -> dict[str, str]:
        return {task.name: task.status for task in plan(self.project(**options), Request(operations))}

    def command(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """The program itself, as another process."""
        program = [sys.executable, "-m", "venvstacks"]
        return subprocess.run(
            [*program, *arguments], cwd=self.base, env={**self.environment, **variables}, text=True,
            capture_output=True, check=False,
        )  # fmt: skip

    def edit(self, old: str, new: str, file: str = "venvstacks.toml") -> None:
        place = self.base / file
        text = place.read_text("utf-8")
        assert old in text
        place.write_text(text.replace(old, new, 1), "utf-8")

    def metadata(self, name: str, folder: str = "_artifacts") -> dict[str, Any]:
        return dict(
            json.loads((self.base / folder / "__venvstacks__/env_metadata" / f"{name}.json").read_text("utf-8"))
        )

    def copy(self, place: Path) -> Pond:
        """The same stack without what was built of it."""
        shutil.copytree(
            self.base, place, symlinks=True, ignore=shutil.ignore_patterns("_build", "_artifacts", "_export")
        )
        return Pond(place, self.cache, self.uv_cache)


def make_pond(base: Path, cache: Path) -> Pond:
    """The stack, not locked yet."""
    wheels = base / "wheels"
    make_frog_wheels(base.with_name("compiled"))
    wheels.mkdir(parents=True)
    for wheel in base.with_name("compiled").glob("*.whl"):
        shutil.copy(wheel, wheels)
    script = {"pond": "pond:main"}
    make_wheel(wheels, "pond", "1.0", files={"pond/__init__.py": b"def main(): print('pond')\n"}, entry_points=script)
    make_wheel(wheels, "lily", "1.0", entry_points={"lily": "lily:main"}, executables=())
    for name, text in SOURCES.items():
        place = base / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    (base / "venvstacks.toml").write_text(SPECIFICATION, "utf-8")
    return Pond(base, cache, base.with_name("uv"))


def ran(report: Report) -> set[str]:
    """Names of the tasks that ran."""
    assert not report.failures, [str(outcome.error) for outcome in report.failures]
    return {outcome.name for outcome in report.outcomes if outcome.status == "done"}


def error_of(report: Report, task: str) -> str:
    """What a failed task says."""
    failed = {outcome.name: outcome for outcome in report.failures}
    return str(failed[task].error)


def unpack(archive: Path, place: Path) -> None:
    """Unpack a `.tar.zst` as a user does."""
    place.mkdir(parents=True, exist_ok=True)
    with unpacked(archive) as tar:
        tar.extractall(place, filter="data")


def listing(archive: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    """Members with their bytes."""
    found = []
    with unpacked(archive) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            found.append((member, content.read() if content else b""))
    return found


@contextlib.contextmanager
def unpacked(archive: Path) -> Iterator[tarfile.TarFile]:
    """The tar stream in a `.tar.zst`."""
    with (
        archive.open("rb") as packed,
        zstandard.ZstdDecompressor().stream_reader(packed) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        yield tar
