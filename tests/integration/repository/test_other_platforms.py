"""The part of CI for other platforms: it is a part, and it neither skips nor installs anything in silence."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BASH = shutil.which("bash")

pytestmark = pytest.mark.skipif(BASH is None, reason="needs bash")


def started_on(system: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Start the part on a machine with nothing but a shell, which says that it is `system`."""
    assert BASH is not None
    answers = {"uname": system, "id": "1000", "dirname": str(ROOT / ".ci")}
    for name, answer in answers.items():
        program = folder / name
        program.write_text(f"#!{BASH}\necho '{answer}'\n")
        program.chmod(0o755)
    command = [BASH, str(ROOT / ".ci/platforms"), str(folder / "machine")]
    return subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True, check=False)


def test_ci_ends_with_it() -> None:
    lines = [line for line in (ROOT / ".ci/run").read_text("utf-8").splitlines() if line.strip()]
    assert lines[-3:] == ['say "other platforms"', '.ci/platforms "$scratch/machine"', 'say "all is well"']


def test_where_wine_is_expected_and_missing_it_fails(tmp_path: Path) -> None:
    done = started_on("Linux x86_64", tmp_path)
    assert done.returncode == 1
    assert "is needed here, and cannot be installed" in done.stderr


def test_where_wine_cannot_be_expected_a_skip_is_counted(tmp_path: Path) -> None:
    done = started_on("Darwin arm64", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("skipped: 2 ")
