"""Wheels with members whose paths leave the environment: they are refused, and the message names the package."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.index_servers import Index, running
from tests.support.offline_stacks import has_python, run, write_stack
from venvstacks.errors import ExitCode

pytestmark = pytest.mark.skipif(not has_python(), reason="the runtime is made of an installed CPython")

CLIMBING = {"alpha.py": b"__version__ = '1.0'\n", "../../../../escaped.py": b"", "/escaped-from-a-wheel.py": b""}
TOLD = (
    "the wheel of alpha holds files that would lie outside of the environment",
    "alpha: ../../../../escaped.py, /escaped-from-a-wheel.py",
    "hint: mistrust where alpha came from",
)


def call(spec: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    caches = {"UV_CACHE_DIR": str(spec.parents[1] / "uv"), "VENVSTACKS_CACHE": str(spec.parents[1] / "cache")}
    return run("venvstacks", *arguments[:1], spec, *arguments[1:], cwd=spec.parent, **caches)


def check_reported(done: subprocess.CompletedProcess[str], code: ExitCode, folder: Path) -> None:
    assert done.returncode == code, done.stderr
    said = " ".join(done.stderr.split())
    assert [part for part in TOLD if part not in said] == [], said
    assert not list(folder.rglob("escaped*.py"))
    assert not Path("/escaped-from-a-wheel.py").exists()


def test_a_local_wheel_is_not_locked(tmp_path: Path) -> None:
    spec = write_stack(tmp_path / "stack")
    make_wheel(spec.parent / "wheels", "alpha", "1.0", files=CLIMBING)
    for _ in range(2):  # uv unpacks it for the first attempt only
        check_reported(call(spec, "lock", "--no-index", "--local-wheels", "wheels"), ExitCode.LOCKING, tmp_path)
    assert not list(spec.parent.glob("requirements/framework-base/pylock*"))


def test_one_from_an_index_is_not_built(tmp_path: Path) -> None:
    spec = write_stack(tmp_path / "stack")
    make_wheel(tmp_path / "served", "alpha", "1.0", requires=["beta"], files=CLIMBING)
    make_wheel(tmp_path / "served", "beta", "1.0")
    with running(Index(tmp_path / "served")) as index:
        uv = f'[[tool.uv.index]]\nname = "i"\nurl = "{index.url}"\ndefault = true\n\n'
        spec.write_text(uv + spec.read_text("utf-8"), "utf-8")
        for _ in range(2):  # the second attempt must not find a wheel in uv's cache that looks like a sound one
            check_reported(call(spec, "build", "--lock-if-needed"), ExitCode.BUILDING, tmp_path)
    assert not (spec.parent / "_build/framework-base").exists()
