"""The stacks that are measured: the sample project, PyTorch, and generated ones of any number of layers."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contestants import ROOT
from benchmarks.generated import write_generated
from benchmarks.measure import UnavailableError
from benchmarks.pythons import PROVIDER
from venvstacks.errors import ProcessFailedError
from venvstacks.tools.process import Processes

SPEC = "venvstacks.toml"
_TORCH = "torch==2.13.0+cpu"


@dataclass(frozen=True)
class Kit:
    """What writing a stack may need.

    Attributes:
        cache: Folder that stays from one benchmark to the next.
        environment: This process's environment variables.
        processes: Starts children.
    """

    cache: Path
    environment: dict[str, str]
    processes: Processes


@dataclass(frozen=True)
class StackCase:
    """One stack, written again for each contestant.

    Attributes:
        name: As it is called on the command line.
        title: As it is called in the report.
        layers: How many it has.
        pythons: Implementations of its runtimes.
        application: Environment name of the application that is deployed and started.
        imported: What that application imports from the layers below it.
        launch_module: The file that is changed by one byte, relative to the specification.
        write: Writes specification, modules and wheels into a folder.
        local_wheels: Whether it brings wheels of its own.
        index: Whether it needs packages from an index.
        without_original: Why the original is not measured with it; empty if it is.
    """

    name: str
    title: str
    layers: int
    pythons: tuple[str, ...]
    application: str
    imported: str
    launch_module: str
    write: Callable[[Path, Kit], None]
    local_wheels: bool = False
    index: bool = True
    without_original: str = ""

    @property
    def wheel_options(self) -> tuple[str, ...]:
        """What every command needs that looks at locks."""
        return ("--local-wheels", "wheels") if self.local_wheels else ()

    @property
    def options(self) -> tuple[str, ...]:
        """What locking and building need on the command line."""
        return (*self.wheel_options, *(() if self.index else ("--no-index",)))


def _write_sample(folder: Path, kit: Kit) -> None:  # noqa: ARG001 - all stacks are written through one signature
    sample = ROOT / "sample_project"
    for name in ("launch_modules", "support_modules"):
        shutil.copytree(sample / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    text = (sample / SPEC).read_text("utf-8")
    text, found = re.subn(r"(?m)^runtime-providers = .*$", f'runtime-providers = ["{PROVIDER}"]', text)
    if not found:
        raise UnavailableError("the sample project's specification no longer says where its Pythons come from")
    text = text.partition(_ONLY_HERE)[0]
    (folder / SPEC).write_text(text, encoding="utf-8")


_ONLY_HERE = "# An application that is a package of its own"
"""Where the sample's specification begins to use what the original cannot read."""

_TORCH_SPEC = f"""\
[tool.venvstacks]
runtime-providers = ["{PROVIDER}"]

[[runtimes]]
name = "cpython@3.11"
python_implementation = "cpython@3.11.7"
requirements = ["numpy"]
platforms = ["linux_x86_64"]

[[frameworks]]
name = "torch"
runtime = "cpython@3.11"
requirements = ["{_TORCH}"]
platforms = ["linux_x86_64"]

[[applications]]
name = "tensors"
launch_module = "tensors.py"
frameworks = ["torch"]
requirements = ["torch"]
platforms = ["linux_x86_64"]

[[applications]]
name = "gradients"
launch_module = "gradients.py"
frameworks = ["torch"]
requirements = ["torch", "numpy"]
platforms = ["linux_x86_64"]
"""


def _write_torch(folder: Path, kit: Kit) -> None:
    """Write the stack; its wheel is not in any cache of uv's at first: pip fetches it once.

    Raises:
        UnavailableError: pip finds no CPU wheel for the Python that is wanted.
    """
    wheels = kit.cache / "wheels"
    argv: list[str | Path] = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    target: list[str | Path] = ["--python-version", "3.11", "--platform", "manylinux_2_28_x86_64", "--dest", wheels]
    if not list(wheels.glob("torch-*+cpu-*.whl")):
        try:
            kit.processes.run([*argv, *target, _TORCH], env=kit.environment)
        except ProcessFailedError as error:
            raise UnavailableError(f"pip finds no wheel for {_TORCH} (Python 3.11, Linux x86_64)") from error
    (folder / "wheels").mkdir()
    for wheel in wheels.glob("torch-*+cpu-*.whl"):
        shutil.copy2(wheel, folder / "wheels")
    (folder / SPEC).write_text(_TORCH_SPEC, encoding="utf-8")
    (folder / "tensors.py").write_text("import torch\n\nprint(torch.ones(3).sum().item())\n", encoding="utf-8")
    (folder / "gradients.py").write_text("import numpy\nimport torch\n\nprint(numpy.ones(3), torch.ones(3))\n", "utf-8")


def _generated(layers: int, without_original: str = "") -> StackCase:
    return StackCase(
        name=f"layers-{layers}",
        title=f"{layers} generated layers",
        layers=layers,
        pythons=("cpython@3.11.7",),
        application="app-a001",
        imported="bench_base",
        launch_module="modules/a001.py",
        write=lambda folder, _: write_generated(layers, folder, SPEC, PROVIDER),
        local_wheels=True,
        index=False,
        without_original=without_original,
    )


STACKS = {
    case.name: case
    for case in (
        StackCase(
            "sample",
            "the sample project",
            8,
            ("cpython@3.11.7", "cpython@3.12.1"),
            "app-scipy-import",
            "scipy.integrate",
            "launch_modules/scipy_import.py",
            _write_sample,
        ),
        StackCase(
            "torch",
            "PyTorch for CPUs",
            4,
            ("cpython@3.11.7",),
            "app-tensors",
            "torch",
            "tensors.py",
            _write_torch,
            local_wheels=True,
        ),
        _generated(10),
        _generated(50),
        _generated(200, "a single build of it takes the original many minutes"),
    )
}
"""Every stack by name, in the order in which they are measured."""
