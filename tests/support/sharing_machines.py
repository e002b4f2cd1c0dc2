"""Machines that share results: folders with a checkout of one stack, and caches of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.folder_server import serving_folder
from tests.support.handmade_wheels import make_wheel
from tests.support.own_projects import commit, write_project
from tests.support.six_pythons import VERSION, packed_python
from tests.support.small_pythons import pack_python, reduce_python
from tests.support.specifications import application, framework, runtime, runtime_of_archive
from venvstacks.api import Plan, Report, Request, load_project, plan, run
from venvstacks.digests import sha256_bytes
from venvstacks.graph.selection import Operation, Selection
from venvstacks.loading.options import Options
from venvstacks.loading.project import Project
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.runtimes.host_provider import HostProvider
from venvstacks.runtimes.provider_request import RuntimeRequest, RuntimeTools
from venvstacks.tools.process import Processes

_OWN_LAYERS = """
[tool.uv.sources]
desk = {{ path = "desk" }}
lamp = {{ git = "{outside}/lamp" }}
shelf = {{ url = "{url}/shelf-1.0.tar.gz" }}
tools = {{ workspace = true }}

[[frameworks]]
name = "base"
runtime = "py"
requirements = ["shelf"]

[[applications]]
name = "hello"
frameworks = ["base"]
requirements = ["desk", "lamp"]
launch_module = "hello.py"

[[applications]]
name = "other"
frameworks = ["base"]
requirements = ["tools"]
launch = "tools"
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
        return run(project, Request(operations or ("build", "publish"), **{"lock_policy": "require-valid", **request}))

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


def prepare_python(folder: Path) -> str:
    """Write a small Python as the archive `python.tar.gz`; returns its SHA-256."""
    tools = RuntimeTools(Processes(), dict(os.environ), folder / "first-cache")
    wanted = RuntimeRequest(PythonImplementation("cpython", "3.11.7"), PLATFORMS["linux_x86_64"])
    python = reduce_python(HostProvider().prepare(wanted, tools).tree, folder / "python")
    return pack_python(python, folder / "python.tar.gz")


def first_machine(folder: Path) -> Machine:
    """A machine with a small Python as an archive, which has built and published the stack into a store."""
    sha256 = prepare_python(folder)
    base = folder / "first"
    base.mkdir()
    make_wheel(base / "wheels", "alpha", "1.0", files={"alpha.py": b"__version__ = '1.0'\n"})
    layers = framework("base", requirements=["alpha"]) + application("hello", "base") + application("other", "base")
    (base / "venvstacks.toml").write_text(runtime_of_archive("../python.tar.gz", sha256) + layers, "utf-8")
    for name in ("hello", "other"):
        (base / f"{name}.py").write_text(f"import alpha\nprint('{name}', alpha.__version__)\n", "utf-8")
    return _filling(Machine(base, str(folder / "store")))


def first_machine_for(folder: Path, *platforms: str) -> Machine:
    """A machine with Pythons for other platforms, which cannot be started, that has published for all of them."""
    base, targets = folder / "first", [*platforms]
    make_wheel(base / "wheels", "alpha", "1.0", files={"alpha.py": b"__version__ = '1.0'\n"})
    rows = [
        f'[tool.venvstacks]\nruntime-providers = ["archive"]\n[tool.venvstacks.runtime-archives."cpython@{VERSION}"]\n'
    ]
    for name in targets:
        python = packed_python(PLATFORMS[name])
        (base / f"{name}.tar.gz").write_bytes(python)
        rows.append(f'{name} = {{ url = "{name}.tar.gz", sha256 = "{sha256_bytes(python)}" }}\n')
    rows.append(runtime(python_implementation=f"cpython@{VERSION}", platforms=targets))
    rows.append(framework("base", requirements=["alpha"], platforms=targets))
    (base / "venvstacks.toml").write_text("".join(rows), "utf-8")
    machine = Machine(base, str(folder / "store"))
    options = ("--no-index", "--local-wheels", "wheels", "--platform", "all")
    for command in (("lock",), ("build", "--publish")):
        done = machine.command(*command, *options)
        assert done.returncode == 0, done.stderr
    return machine


def first_machine_with_own_packages(folder: Path) -> Machine:
    """The same for a stack of packages from source: a folder, a repository, a server's archive, a workspace's member.

    Repository and server are gone afterwards.
    """
    sha256 = prepare_python(folder)
    base, outside = folder / "first", folder / "outside"
    base.mkdir()
    (base / "wheels").mkdir()
    write_project(base / "desk", "desk", files={"desk.py": "VERSION = '1.0'\n"})
    write_project(base / "members/tools", "tools")
    (base / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["members/*"]\n', "utf-8")
    commit(write_project(outside / "lamp", "lamp"))
    with tarfile.open(outside / "shelf-1.0.tar.gz", "w:gz") as packed:
        packed.add(write_project(outside / "shelf", "shelf"), "shelf-1.0")
    (base / "hello.py").write_text(
        "import desk, lamp, shelf\nprint(desk.VERSION, lamp.VERSION, shelf.VERSION)\n", "utf-8"
    )
    with serving_folder(outside) as server:
        layers = _OWN_LAYERS.format(outside=outside.as_uri(), url=server.url)
        (base / "venvstacks.toml").write_text(runtime_of_archive("../python.tar.gz", sha256) + layers, "utf-8")
        machine = _filling(Machine(base, str(folder / "store")))
    outside.rename(folder / "gone")
    return machine


def _filling(machine: Machine) -> Machine:
    """Lock, then build and publish into the machine's store."""
    assert statuses(run(machine.project(), Request(("lock",))))
    report = machine.run(options={"push": True})
    assert "cached" not in statuses(report).values()
    assert report.remarks == ()
    return machine
