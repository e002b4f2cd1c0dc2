"""The bytecode cache of the Pythons that are asked things while environments are built."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from venvstacks._injected import child


def check(tmp_path: Path, cache: Path) -> list[list[str]]:
    """Import `frog`, a distribution in tmp_path/site; what the child found wrong."""
    site, report = tmp_path / "site", tmp_path / "report"
    (site / "frog-1.dist-info").mkdir(parents=True, exist_ok=True)
    (site / "frog-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: frog\nVersion: 1\n", "utf-8")
    (site / "frog-1.dist-info/RECORD").write_text("frog.py,,\n", "utf-8")
    request = json.dumps({"distributions": {"frog": True}, "modules": [], "site_dir": str(site)})
    argv = [sys.executable, "-B", "-S", str(child.__file__), cache, "imports", report, request]
    subprocess.run(argv, check=True, env={"PYTHONPATH": str(site)}, capture_output=True)
    return list(json.loads(report.read_text("utf-8").splitlines()[-1]))


def put(tmp_path: Path, text: str) -> None:
    place = tmp_path / "site/frog.py"
    place.parent.mkdir(exist_ok=True)
    place.write_text(text, "utf-8")
    os.utime(place, (10**9, 10**9))


def test_a_source_of_the_same_size_and_time_is_not_mistaken_for_another(tmp_path: Path) -> None:
    put(tmp_path, "legs = 4 / 1\n")
    assert check(tmp_path, tmp_path / "cache") == []
    put(tmp_path, "legs = 4 / 0\n")
    assert check(tmp_path, tmp_path / "cache") == [["frog", "ZeroDivisionError: division by zero"]]
    assert not list((tmp_path / "site").rglob("*.pyc"))


def test_a_damaged_cache_is_made_anew(tmp_path: Path) -> None:
    put(tmp_path, "legs = 4\n")
    check(tmp_path, tmp_path / "cache")
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept
    before = {path: path.read_bytes() for path in kept}
    for path in kept:
        path.write_bytes(path.read_bytes()[:7])
    assert check(tmp_path, tmp_path / "cache") == []
    assert {path: path.read_bytes() for path in kept} == before


def test_errors_name_the_file_at_hand_not_the_one_that_was_compiled(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    text = "import sys\nraise RuntimeError(sys._getframe().f_code.co_filename)\n"
    put(tmp_path / "one", text)
    put(tmp_path / "two", text)
    check(tmp_path / "one", tmp_path / "cache")
    assert check(tmp_path / "two", tmp_path / "cache") == [["frog", f"RuntimeError: {tmp_path}/two/site/frog.py"]]
