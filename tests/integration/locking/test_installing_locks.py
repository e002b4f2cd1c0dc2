from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.integration.locking.conftest import Bench
from tests.support.handmade_wheels import make_wheel
from tests.support.locked_layers import framework, runtime, tools_for
from venvstacks.errors import BuildError
from venvstacks.model.platforms import PLATFORMS, identify_platform
from venvstacks.tools.process import Processes
from venvstacks.tools.uv import InstallRequest, install

HERE = identify_platform(sys.platform, os.uname().machine)
TARGETS = tuple(PLATFORMS)
SITE = f"lib/python{sysconfig.get_python_version()}/site-packages"
PYTHON_TOO_NEW = sys.version_info[:2] != (3, 11)

pytestmark = [
    pytest.mark.skipif(HERE is None, reason="this machine is none of the target platforms"),
    pytest.mark.skipif(PYTHON_TOO_NEW, reason="the locks of these tests are for Python 3.11"),
]


def make_venv(place: Path) -> Path:
    subprocess.run([sys.executable, "-I", "-B", "-m", "venv", "--without-pip", place], check=True)
    return place


def install_lock(bench: Bench, lock: Path, env: Path, platform: str) -> list[str]:
    tools = tools_for(bench.base)
    request = InstallRequest(
        "x", lock, env / "bin/python", PLATFORMS[platform].uv_platform("2.28"), use_index=False,
        log=bench.base / "install.log",
    )  # fmt: skip
    install(request, tools.processes, tools.environment)
    return sorted(path.name for path in (env / SITE).glob("*.dist-info"))


@pytest.mark.parametrize("platform", TARGETS)
def test_exactly_what_the_lock_says_is_installed_on_every_target(bench: Bench, tmp_path: Path, platform: str) -> None:
    base = runtime("base", ["beta; sys_platform == 'linux'"], targets=TARGETS)
    upper = framework("upper", ["alpha"], base)
    bench.lock(base)
    lock = bench.lock(upper).after
    found = install_lock(bench, bench.paths(upper).lock, make_venv(tmp_path / "env"), platform)
    assert found == sorted(f"{p.name}-{p.version}.dist-info" for p in lock.installed(platform))
    assert "beta-2.0.dist-info" in found or platform.startswith("linux")


def test_no_traces_of_the_installer_stay(bench: Bench, tmp_path: Path) -> None:
    layer = runtime("base", ["beta"], targets=TARGETS)
    bench.lock(layer)
    env = make_venv(tmp_path / "env")
    before = {path.relative_to(env) for path in env.rglob("*")}
    install_lock(bench, bench.paths(layer).lock, env, HERE.name if HERE else "")
    site = Path(SITE)
    added = {path.relative_to(env).as_posix() for path in env.rglob("*")} - {path.as_posix() for path in before}
    assert added == {
        f"{site}/beta.py", f"{site}/beta-2.0.dist-info", f"{site}/beta-2.0.dist-info/METADATA",
        f"{site}/beta-2.0.dist-info/WHEEL", f"{site}/beta-2.0.dist-info/RECORD",
    }  # fmt: skip


def test_a_wheel_with_another_hash_is_refused(bench: Bench, tmp_path: Path) -> None:
    layer = runtime("base", ["beta"], targets=TARGETS)
    bench.lock(layer)
    make_wheel(bench.wheels, "beta", "2.0", files={"beta.py": b"poison"})
    env = make_venv(tmp_path / "env")
    with pytest.raises(BuildError, match="cannot be installed") as caught:
        install_lock(bench, bench.paths(layer).lock, env, HERE.name if HERE else "")
    assert "hash mismatch" in str(caught.value).lower()
    assert not (env / SITE / "beta.py").exists()


def test_a_missing_uv_is_reported(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    request = InstallRequest("x", tmp_path / "pylock.x.toml", tmp_path / "bin/python", "p")
    with pytest.raises(BuildError, match="uv was not found"):
        install(request, Processes(), {})
    assert bench.wheels.is_dir()
