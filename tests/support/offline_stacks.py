"""A stack that builds offline in seconds: an installed CPython, and wheels made by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.handmade_wheels import make_wheel
from tests.support.specifications import HOST, application, framework, runtime
from venvstacks.api.machine_platform import this_platform

PYTHON = "3.11.7"

SPEC = (
    HOST
    + runtime(python_implementation=f"cpython@{PYTHON}", platforms=[this_platform().name])
    + framework("base", requirements=["alpha"])
    + application("hello", "base")
)


def write_stack(folder: Path) -> Path:
    """Write the stack into `folder`, with a folder `wheels` next to the specification, whose path is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    make_wheel(folder / "wheels", "alpha", "1.0")
    (folder / "hello.py").write_text("import alpha\nprint('🐸', alpha.__version__)\n", "utf-8")
    spec = folder / "venvstacks.toml"
    spec.write_text(SPEC, "utf-8")
    return spec


def run(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a Python module's command line (`venvstacks`, `doit`) of this Python to its end."""
    command = [sys.executable, "-m", *map(str, arguments)]
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("VENVSTACKS_", "UV_"))}
    variables |= {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", **environment}
    return subprocess.run(
        command, cwd=cwd, env=variables, text=True, capture_output=True, encoding="utf-8", check=False
    )


def has_python() -> bool:
    """Whether this machine has the CPython that the stack's runtime is made of."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions" / PYTHON
    return sys.platform == "linux" and (pyenv.exists() or shutil.which(f"python{PYTHON}") is not None)
