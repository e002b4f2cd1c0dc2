"""A validator of bills of materials that is not part of the library which writes them: CycloneDX's for JavaScript."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")
VALIDATOR = Path(os.environ.get("VENVSTACKS_TEST_BILLS", "validate_bills.mjs"))
"""The program in `.ci/npm`, in a folder where npm has installed what `package.json` names there."""

needs_validator = pytest.mark.skipif(
    NODE is None or not VALIDATOR.is_file(), reason="needs node, and a validator in VENVSTACKS_TEST_BILLS"
)


def faults_of_bills(*bills: Path) -> list[str]:
    """What is wrong with the bills, a line for each fault."""
    command = [str(NODE), str(VALIDATOR), *map(str, bills)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode in {0, 1}, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()
