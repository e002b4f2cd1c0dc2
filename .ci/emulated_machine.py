"""What machines under emulators have in common: ended programs, downloads, and this project's dependencies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOST_PYTHON = "python3.11"  # its bytecode is that of the Pythons under emulators
PAUSES = (5, 15, 45, 90)
"""Seconds before each further attempt to download something."""
LONGEST_DOWNLOAD = 600
NOT_FOR_TESTS = re.compile(r"(mkdocs|mkdocs-material|mypy|pdm|pdm-backend|ruff)\b(?!-)")
"""Tools of contributors that no unit test needs."""


@dataclass(frozen=True)
class Ended:
    """A program that has ended: its exit status and what it printed to both outputs."""

    status: int
    output: str


def obtain(
    what: str,
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command that downloads something, and repeat it after a pause: a broken connection is no finding.

    Args:
        what: What it downloads, for messages.
        command: The command.
        cwd: The folder that it runs in; by default this process's.
        env: Its environment; by default this process's.

    Raises:
        SystemExit: It never succeeded; the message says what is missing.
    """
    for pause in (*PAUSES, None):
        status: int | str
        try:
            status = subprocess.run(command, cwd=cwd, env=env, check=False, timeout=LONGEST_DOWNLOAD).returncode
        except subprocess.TimeoutExpired:
            status = f"none within {LONGEST_DOWNLOAD} s"
        if status == 0:
            return
        if pause is not None:
            print(f"{what}: exit status {status}; downloaded again in {pause} s", flush=True)
            time.sleep(pause)
    raise SystemExit(f"cannot download {what} ({len(PAUSES) + 1} attempts; the last one's exit status: {status})")


def download(folder: Path, requirement: str, sha256: str, options: tuple[str, ...]) -> Path:
    """Download what a package index offers for a requirement, and nothing else than the file with this digest."""
    folder.mkdir(parents=True, exist_ok=True)
    name = requirement.partition("==")[0]
    wanted = folder / f"{name}.txt"
    wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n")
    kind = options or ("--no-binary", name)
    pip = [sys.executable, "-m", "uv", "tool", "run", "--python", HOST_PYTHON, "pip"]  # environments need not have it
    command = [*pip, "download", "--quiet", "--no-deps", *kind, "--require-hashes", "-r", wanted, "--dest", folder]
    obtain(f"{requirement} from the package index", command)
    return next(path for path in folder.iterdir() if path.name.startswith(name.replace("-", "_")) and path != wanted)


def install_project(packages: Path, uv_platform: str, bytecode: Path, libraries: list[Path]) -> None:
    """Install the project's dependencies for another platform, and compile everything that its Python will import.

    Args:
        packages: Where to; the project itself is imported from its checkout.
        uv_platform: The platform in uv's words.
        bytecode: Where compiled modules go.
        libraries: Further folders of modules to compile.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    of_tests = [one for one in project["optional-dependencies"]["dev"] if not NOT_FOR_TESTS.match(one)]
    wanted = [*project["dependencies"], *of_tests]
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--only-binary", ":all:"]
    target = ["--target", packages, "--python-platform", uv_platform, "--python-version", "3.11"]
    environment = {"UV_HTTP_RETRIES": "5", "UV_HTTP_TIMEOUT": "120", **os.environ}
    obtain(f"this project's dependencies for {uv_platform}", [*uv, *target, *wanted], env=environment)
    info = packages / f"venvstacks-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: venvstacks\nVersion: {project['version']}\n")
    points = project["entry-points"]["doit.BACKEND"]
    lines = ["[doit.BACKEND]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join([*lines, ""]))
    prefix = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode)}
    skip = ["-x", r"/(test|tests|site-packages|lib2to3)/"]
    command = [HOST_PYTHON, "-m", "compileall", "-q", "-j", "2", *skip, *libraries, packages, ROOT / "venvstacks"]
    subprocess.run(command, check=False, timeout=600, env=prefix, stdout=subprocess.DEVNULL)
