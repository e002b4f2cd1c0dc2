"""Pythons of other versions that this machine has."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def other_python(minor: int) -> Path | None:
    """A Python 3 of another minor version, pyenv's or one on the search path; None if there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(pyenv.glob(f"versions/3.{minor}.*/bin/python3.{minor}"))
    named = shutil.which(f"python3.{minor}")
    return found[-1] if found else Path(named) if named else None
