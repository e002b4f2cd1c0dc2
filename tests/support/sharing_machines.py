"""Machines that share results: folders with a checkout of one stack, and caches of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.handmade_wheels import make_wheel
from tests.support.small_pythons import pack_python, reduce_python
from venvstacks.api import Plan, Report, Request, load_project, plan, run
from venvstacks.graph.selection import Operation, Selection
from venvstacks.loading.options import Options
from venvstacks.loading.project import Project
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.runtimes.host_provider import HostProvider
from venvstacks.runtimes.provider_request import RuntimeRequest, RuntimeTools
from venvstacks.tools.process import Processes

_SPECIFICATION = """\
[tool.venvstacks]
runtime-providers = ["archive"]

[tool.venvstacks.runtime-archives."cpython@3.11.7"]
linux_x86_64 = {{ url = "../python.tar.gz", sha256 = "{sha256}" }}

[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
requirements = []
platforms = ["linux_x86_64"]

[[frameworks]]
name = "base"
runtime = "py"
requirements = ["alpha"]

[[applications]]
name = "hello"
frameworks = ["base"]
requirements = []
launch_module = "hello.py"

[[applications]]
name = "other"
frameworks = ["base"]
requirements = []
launch_module = "other.py"
"""


@dataclass
class Machine:
    """One machine.

    Attributes:
        base: Its checkout.
        store: Where results are shared: a folder or URL.
        variables: Environment variables in addition.
    """

    base: Path
    store: str
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        caches = {"VENVSTACKS_CACHE": str(self.base / ".cache"), "UV_CACHE_DIR": str(self.base / ".uv")}
        return {**os.environ, **caches, **self.variables}

    def run(
        self,
        *operations: Operation,
        options: dict[str, Any] | None = None,
        include: tuple[str, ...] = (),
        **request: Any,
    ) -> Report:
        project = self.project(remote_cache=self.store, **(options or {}))
        if include:
            request["selection"] = Selection(include=include)
        return run(project, Request(operations or ("build", "publish"), lock_policy="require-valid", **request))

    def project(self, **options: Any) -> Project:
        settings = {"use_index": False, "local_wheels": ("wheels",), "jobs": 2, **options}
        return load_project(self.base / "venvstacks.toml", Options(**settings), self.environment)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The program itself, as another process."""
        program = [sys.executable, "-m", "venvstacks", *arguments]
        return subprocess.run(program, cwd=self.base, env=self.environment, text=True, capture_output=True, check=False)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, which goes on meanwhile."""
        pipe = subprocess.PIPE
        program = [sys.executable, "-m", "venvstacks", *arguments]
        return subprocess.Popen(program, cwd=self.base, env=self.environment, text=True, stdout=pipe, stderr=pipe)

    def plan(self, *operations: Operation) -> Plan:
        return plan(
            self.project(remote_cache=self.store),
            Request(operations or ("build", "publish"), lock_policy="require-valid"),
        )

    def edit(self, name: str, text: str) -> None:
        (self.base / name).write_text(text, "utf-8")

    def another(
        self, base: Path, store: str | Path | None = None, *, python: bool = False, built: bool = False
    ) -> Machine:
        """A machine with a fresh checkout and empty caches.

        Args:
            base: Where it is.
            store: Its store, if that is another one.
            python: Whether the Python's archive is in reach.
            built: Whether it has built and published the same before.
        """
        ignored = shutil.ignore_patterns(*(() if built else ("_build", "_artifacts")), ".cache", ".uv")
        shutil.copytree(self.base, base / "checkout", ignore=ignored, symlinks=True)
        if python:
            (base / "python.tar.gz").symlink_to(self.base.parent / "python.tar.gz")
        return Machine(base / "checkout", str(store or self.store))

    @property
    def archives(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted((self.base / "_artifacts").iterdir()) if path.is_file()}


def statuses(report: Report) -> dict[str, str]:
    """How each task ended, results that were fetched as `cached`."""
    assert not report.failures, [str(outcome.error) for outcome in report.failures]
    return {o.name: "cached" if o.name in report.cached_bytes else o.status for o in report.outcomes}


def first_machine(folder: Path) -> Machine:
    """A machine with a small Python as an archive, which has built and published the stack into a store."""
    tools = RuntimeTools(Processes(), dict(os.environ), folder / "first-cache")
    wanted = RuntimeRequest(PythonImplementation("cpython", "3.11.7"), PLATFORMS["linux_x86_64"])
    python = reduce_python(HostProvider().prepare(wanted, tools).tree, folder / "python")
    sha256 = pack_python(python, folder / "python.tar.gz")
    base = folder / "first"
    base.mkdir()
    make_wheel(base / "wheels", "alpha", "1.0", files={"alpha.py": b"__version__ = '1.0'\n"})
    (base / "venvstacks.toml").write_text(_SPECIFICATION.format(sha256=sha256), "utf-8")
    for name in ("hello", "other"):
        (base / f"{name}.py").write_text(f"import alpha\nprint('{name}', alpha.__version__)\n", "utf-8")
    machine = Machine(base, str(folder / "store"))
    assert statuses(run(machine.project(), Request(("lock",))))
    report = machine.run(options={"push": True})
    assert "cached" not in statuses(report).values()
    assert report.remarks == ()
    return machine
