"""The two that are compared, each installed into a virtual environment of its own, and how they are started."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from venvstacks.tools.process import Processes, scrubbed_environment
from venvstacks.tools.uv import find_uv, uv_environment

Name = Literal["this", "original"]

ROOT = Path(__file__).parents[1]
_SHIM = Path(__file__).with_name("original_shim.py")
ORIGINAL = ("venvstacks", "hishel<1")
"""With a newer hishel, the pdm that the original's newest release resolves to cannot open a download session."""


@dataclass(frozen=True)
class Contestant:
    """One of the two tools, ready to be started.

    Attributes:
        name: Which.
        version: What its installed distribution says.
        venv: The virtual environment that it is installed in.
        environment: The environment variables of its processes.
    """

    name: Name
    version: str
    venv: Path
    environment: Mapping[str, str]

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.venv / "bin/python"

    def command(self, *arguments: str) -> list[str]:
        """Its command line, as users have it."""
        return [str(self.venv / "bin/venvstacks"), *arguments]

    def working_command(self, *arguments: str) -> list[str]:
        """Its command line for whatever may make a runtime layer: the original's goes through the shim."""
        if self.name == "original":
            return [str(self.python), "-I", str(_SHIM), *arguments]
        return self.command(*arguments)

    def offers(self, *words: str) -> bool:
        """Whether its help knows a command (`deploy`) or an option of one (`publish`, `--compression`)."""
        *command, wanted = words
        process = Processes().run(
            self.command(*command, "--help"), env={**self.environment, "COLUMNS": "300"}, check=False
        )
        return re.search(rf"(?<![\w-]){re.escape(wanted)}(?![\w-])", process.stdout) is not None


def kept_folder(cache: Path) -> Path:
    """Where this product keeps prepared Pythons and bytecode while it is measured."""
    return cache / "venvstacks"


def install(name: Name, requirements: Sequence[str], cache: Path, processes: Processes) -> Contestant:
    """Install a contestant again below `cache`, with the newest releases that `requirements` allow.

    Bytecode is compiled in advance for both, so that no start pays for it.

    Args:
        name: Which.
        requirements: What to install; folders of sources are installed as they are now.
        cache: Folder that stays from one benchmark to the next.
        processes: Starts the installer.

    Raises:
        ProcessFailedError: uv cannot install it.
    """
    venv = cache / "contestants" / name
    uv, environment = find_uv(), uv_environment(os.environ)
    venv.parent.mkdir(parents=True, exist_ok=True)
    processes.run([uv, "venv", "--quiet", "--no-config", "--clear", "--python", sys.executable, venv], env=environment)
    options: list[str | Path] = [
        "--no-config",
        "--compile-bytecode",
        "--refresh-package",
        "venvstacks",
        "--python",
        venv / "bin/python",
    ]
    processes.run([uv, "pip", "install", *options, *requirements], env=environment)
    ask = "import importlib.metadata as m; print(m.version('venvstacks'))"
    version = processes.run([venv / "bin/python", "-I", "-c", ask], env=environment).stdout.strip()
    variables = {**scrubbed_environment(os.environ), "VENVSTACKS_CACHE": str(kept_folder(cache))}
    return Contestant(name, version, venv, variables)
