"""The two environments of a comparison: one flat, made with uv, and one deployed from layers by this product."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from benchmarks.flat.splitting import direct_needs, specification, split
from venvstacks.errors import ProcessFailedError
from venvstacks.tools.process import Processes

PROBE = Path(__file__).with_name("probe.py")


@dataclass(frozen=True)
class Machine:
    """What comparisons share.

    Attributes:
        base: The Python that both environments are made of.
        version: Its full version.
        cache: Folder for prepared runtimes.
        processes: Starts children.
    """

    base: Path
    version: str
    cache: Path
    processes: Processes

    def run(self, *argv: str | Path, cwd: Path, log: Path) -> None:
        """Run a command.

        Raises:
            ProcessFailedError: It failed.
        """
        environment = {**os.environ, "VENVSTACKS_CACHE": str(self.cache), "UV_NO_INSTALLER_METADATA": "1"}
        self.processes.run([*argv], env=environment, cwd=cwd, log=log)


def make_flat(folder: Path, requirements: tuple[str, ...], machine: Machine) -> Path:
    """One environment with everything, of wheels alone; returns its Python."""
    log = folder.with_suffix(".log")
    machine.run(machine.base, "-m", "venv", "--without-pip", folder, cwd=folder.parent, log=log)
    python = folder / "bin/python"
    uv = shutil.which("uv") or "uv"
    command: list[str | Path] = [
        uv,
        "pip",
        "install",
        "-q",
        "--no-config",
        "--only-binary",
        ":all:",
        "--python",
        python,
        *requirements,
    ]
    machine.run(*command, cwd=folder.parent, log=log)
    return python


def installed(flat: Path) -> tuple[dict[str, str], dict[str, set[str]]]:
    """Versions, and direct dependencies, of what is installed in a flat environment."""
    (site,) = flat.glob("lib/python3*/site-packages")
    found = {str(canonicalize_name(one.metadata["Name"])): one for one in distributions(path=[str(site)])}
    versions = {name: one.version for name, one in found.items()}
    return versions, direct_needs({name: tuple(one.requires or ()) for name, one in found.items()})


def make_layered(folder: Path, flat: Path, seed: str, machine: Machine) -> dict[str, list[str]]:
    """The same packages over layers, locked, built, published and deployed into `folder / "products"`.

    Returns:
        The packages of each layer.
    """
    versions, needs = installed(flat)
    layers = split(needs, seed)
    folder.mkdir()
    shutil.copyfile(PROBE, folder / "probe.py")
    (folder / "venvstacks.toml").write_text(specification(layers, versions, machine.version), "utf-8")
    log = folder.with_suffix(".log")
    tool = (sys.executable, "-m", "venvstacks")
    machine.run(*tool, "lock", "venvstacks.toml", cwd=folder, log=log)
    machine.run(*tool, "build", "venvstacks.toml", "--publish", cwd=folder, log=log)
    shutil.rmtree(folder / "_build")  # what is deployed has to do without it
    machine.run(*tool, "deploy", "_artifacts", "--to", "products", cwd=folder, log=log)
    return layers


def end_of(error: ProcessFailedError) -> str:
    """What a failed command said last, for the table of results."""
    lines = [line for text in error.details or (str(error),) for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-6:])[:600]
