"""The part of CI for other platforms: it is a part, and it neither skips nor installs anything in silence."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

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


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of CI that downloads things, without pauses."""
    place = importlib.util.spec_from_file_location("emulated_machine", ROOT / ".ci/emulated_machine.py")
    assert place is not None
    assert place.loader is not None
    module = importlib.util.module_from_spec(place)
    monkeypatch.setitem(sys.modules, "emulated_machine", module)
    place.loader.exec_module(module)
    monkeypatch.setattr(module, "PAUSES", (0, 0))
    return module


def test_a_broken_download_is_repeated(
    downloads: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    third_time_lucky = 'echo x >>"$0"; [ "$(wc -l <"$0")" = 3 ]'
    downloads.obtain("a wheel", [BASH, "-c", third_time_lucky, tmp_path / "attempts"])
    assert (tmp_path / "attempts").read_text() == "x\n" * 3
    assert capfd.readouterr().out == "a wheel: exit status 1; downloaded again in 0 s\n" * 2


def test_what_cannot_be_downloaded_is_named(downloads: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"cannot download a wheel \(3 attempts; the last one's exit status: 7\)"):
        downloads.obtain("a wheel", [BASH, "-c", "exit 7"])
