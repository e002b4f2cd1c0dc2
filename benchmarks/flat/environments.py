"""The two environments of a comparison: one flat, made with uv, and one deployed from layers by this product."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from benchmarks.flat.splitting import direct_needs, specification, split
from venvstacks.errors import ProcessFailedError
from venvstacks.tools.process import Processes, Rights
from venvstacks.tools.uv import find_uv

PROBE = Path(__file__).with_name("probe.py")


@dataclass(frozen=True)
class Machine:
    """What comparisons share.

    Attributes:
        base: The Python that both environments are made of.
        version: Its full version.
        cache: Folder for prepared runtimes.
        processes: Starts children.
        prober: The rights of the probe; this process's own if None.
    """

    base: Path
    version: str
    cache: Path
    processes: Processes
    prober: Rights | None = None

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
    install = (find_uv(), "pip", "install", "-q", "--no-config", "--only-binary", ":all:", "--compile-bytecode")
    machine.run(*install, "--python", python, *requirements, cwd=folder.parent, log=log)
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


def temporary_folder() -> Path:
    """A folder that other users can read."""
    folder = Path(tempfile.mkdtemp(prefix="venvstacks-flat-"))
    folder.chmod(0o755)
    return folder


def make_read_only(folder: Path) -> None:
    """Take the right to write to anything in `folder` from everybody (root keeps it)."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)


def another_user() -> Rights | None:
    """The rights of the user `nobody`; None where this process may not start processes of others."""
    if os.name != "posix" or os.geteuid():
        return None
    import pwd  # noqa: PLC0415 - not on Windows, where tests import this module all the same

    nobody = pwd.getpwnam("nobody")
    return Rights(user=(nobody.pw_uid, nobody.pw_gid))


def end_of(error: ProcessFailedError) -> str:
    """What a failed command said last, for the table of results."""
    return end_of_output("\n".join(error.details or (str(error),)))


def end_of_output(text: str) -> str:
    """The last lines of an output, as one line."""
    return " | ".join([line for line in text.splitlines() if line.strip()][-6:])[:600]
