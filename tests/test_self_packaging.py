"""What ships: exactly the package, as committed, in the wheel; the package and what builds it in the sdist."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from pyproject_hooks import BuildBackendHookCaller, quiet_subprocess_runner

ROOT = Path(__file__).resolve().parents[1]


def checked_in(*under: str) -> set[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *under]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name for name in listed.split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of a checkout that also holds many other files."""
    source, dist = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in checked_in():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    for stray in ("venvstacks/__pycache__/cli.cpython-311.pyc", "sample_project/_build/x.py", "_docs/index.html"):
        (source / stray).parent.mkdir(parents=True, exist_ok=True)
        (source / stray).write_bytes(b"stray")
    backend = BuildBackendHookCaller(source, "pdm.backend", runner=quiet_subprocess_runner)
    backend.build_wheel(dist)
    backend.build_sdist(dist)
    return dist


def test_the_wheel_holds_the_package_alone(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    info = f"{wheel.name.split('-py3')[0]}.dist-info"
    beside = {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    assert set(names) == checked_in("venvstacks") | beside
    assert len(names) == len(set(names))


def test_the_wheel_fits_every_platform(built: Path) -> None:
    assert [wheel.name.split("-", 2)[2] for wheel in built.glob("*.whl")] == ["py3-none-any.whl"]


def test_the_sdist_holds_the_package_and_what_builds_it(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    assert names == checked_in("venvstacks") | {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}


def test_commands_and_plugins_are_declared(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        (name,) = (name for name in content.namelist() if name.endswith("entry_points.txt"))
        text = content.read(name).decode()
    assert "venvstacks = venvstacks.cli:main" in text
    assert "venvstacks = venvstacks.engine.doit_state:StateBackend" in text
