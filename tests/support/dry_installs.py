"""What uv would install from a lock, asked for any target platform from this machine; nothing is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from venvstacks.model.platforms import PLATFORMS
from venvstacks.model.stack import Layer
from venvstacks.tools.uv import InstallRequest, find_uv, uv_environment


def make_bare_environment(place: Path) -> Path:
    """An environment without any package; the path of its interpreter."""
    subprocess.run([sys.executable, "-I", "-B", "-m", "venv", "--without-pip", place], check=True)
    return place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def would_install(
    layer: Layer, lock_file: Path, target: str, python: Path, variables: Mapping[str, str]
) -> dict[str, str]:
    """Package name to version, as `uv pip install --dry-run` tells for a target platform.

    Args:
        layer: The layer that is locked.
        lock_file: Its lock.
        target: Name of the target platform.
        python: An interpreter of the version that the lock is for.
        variables: Environment variables of this program.
    """
    platform = PLATFORMS[target].uv_platform(layer.glibc)
    request = InstallRequest(layer.env_name, lock_file, python, platform, layer.macos)
    environment = {**uv_environment(variables), "MACOSX_DEPLOYMENT_TARGET": layer.macos}
    command = [*request.argv(find_uv()), "--dry-run"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = (line.split()[1] for line in done.stderr.splitlines() if line.startswith(" + "))
    return {name: version for name, _, version in (text.partition("==") for text in lines)}
