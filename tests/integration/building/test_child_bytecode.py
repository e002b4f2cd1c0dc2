"""The bytecode that import checks read: whose it is, and what it is taken for."""

from __future__ import annotations

import json
import marshal
import subprocess
import sys
from pathlib import Path
from typing import Any

from venvstacks._injected import check_child
from venvstacks.digests import sha256_bytes


def check(tmp_path: Path, pack: Path | None = None) -> dict[str, Any]:
    """Import `frog`, a distribution in tmp_path/site; what the child reports."""
    site, report, request = tmp_path / "site", tmp_path / "report", tmp_path / "request"
    (site / "frog-1.dist-info").mkdir(parents=True, exist_ok=True)
    (site / "frog-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: frog\nVersion: 1\n", "utf-8")
    (site / "frog-1.dist-info/RECORD").write_text("frog.py,,\n", "utf-8")
    request.write_text(json.dumps({"distributions": {"frog": True}, "modules": [], "site_dir": str(site)}), "utf-8")
    argv = [sys.executable, "-B", "-S", check_child.__file__, report, request, pack or ""]
    subprocess.run(argv, check=True, env={"PYTHONPATH": str(site)}, capture_output=True)
    return dict(json.loads(report.read_text("utf-8").splitlines()[-1]))


def put(tmp_path: Path, text: str) -> Path:
    place = tmp_path / "site/frog.py"
    place.parent.mkdir(exist_ok=True, parents=True)
    place.write_text(text, "utf-8")
    return place


def pack_of(place: Path, source: str, code: str) -> Path:
    """A pack that holds `code` for `source`."""
    compiled = marshal.dumps(compile(code, "elsewhere.py", "exec"))
    place.write_bytes(marshal.dumps({bytes.fromhex(sha256_bytes(source.encode())): compiled}, 2))
    return place


def test_sources_without_bytecode_are_compiled_and_reported(tmp_path: Path) -> None:
    place = put(tmp_path, "legs = 4\n")
    report = check(tmp_path)
    assert report["failures"] == []
    assert str(place) in report["compiled"]
    assert not list(tmp_path.rglob("*.pyc"))


def test_a_pack_is_read_for_the_source_that_it_was_made_of_alone(tmp_path: Path) -> None:
    source = "legs = 4 / 1\n"
    pack = pack_of(tmp_path / "pack", source, "raise RuntimeError('of the pack')")
    place = put(tmp_path, source)
    report = check(tmp_path, pack)
    assert report["failures"] == [["frog", "frog", "RuntimeError: of the pack"]]
    assert str(place) not in report["compiled"]
    put(tmp_path, "legs = 4 / 0\n")
    assert check(tmp_path, pack)["failures"] == [["frog", "frog", "ZeroDivisionError: division by zero"]]


def test_errors_name_the_file_at_hand_not_the_one_that_was_compiled(tmp_path: Path) -> None:
    source = "import sys\nraise RuntimeError(sys._getframe().f_code.co_filename)\n"
    place = put(tmp_path, source)
    pack = pack_of(tmp_path / "pack", source, source)
    assert check(tmp_path, pack)["failures"] == [["frog", "frog", f"RuntimeError: {place}"]]
