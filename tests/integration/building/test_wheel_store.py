"""Exactly the content of the locked wheels is installed, also if caches hold other files."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.index_servers import Index, running
from tests.support.offline_stacks import has_python, run, write_stack
from venvstacks.errors import ExitCode
from venvstacks.tools.uv import find_uv

pytestmark = pytest.mark.skipif(not has_python(), reason="the runtime is made of an installed CPython")

SITE = "_build/framework-base/lib/python3.11/site-packages"


def call(spec: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    home = spec.parents[1]
    caches = {"UV_CACHE_DIR": str(home / "uv"), "VENVSTACKS_CACHE": str(home / "cache"), "HOME": str(home / "home")}
    return run("venvstacks", *arguments[:1], spec, *arguments[1:], cwd=spec.parent, **caches, **variables)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    make_wheel(tmp_path / "served", "alpha", "1.0", requires=["beta"], files={"alpha.py": b"x = 1\n", "data.txt": b"a"})
    make_wheel(tmp_path / "served", "beta", "1.0", files={"beta.py": b"y = 1\n"})
    with running(Index(tmp_path / "served")) as served:
        yield served


@pytest.fixture
def spec(tmp_path: Path, index: Index) -> Path:
    spec = write_stack(tmp_path / "stack")
    uv = f'[[tool.uv.index]]\nname = "i"\nurl = "{index.url}"\ndefault = true\n\n'
    spec.write_text(uv + spec.read_text("utf-8"), "utf-8")
    return spec


def built(spec: Path) -> dict[str, bytes]:
    """The installed files of both packages."""
    folder = spec.parent / SITE
    names = ("alpha*", "beta*", "data.txt", "*.pth")
    found = (path for name in names for path in folder.rglob(name) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found if "+" not in path.name}


def again(spec: Path) -> None:
    """Leave nothing of the last build but caches."""
    subprocess.run(["rm", "-rf", spec.parent / "_build"], check=True)


def test_poison_in_uv_s_cache_reaches_no_environment(spec: Path, tmp_path: Path, index: Index) -> None:
    assert call(spec, "lock").returncode == 0
    fill_uv_cache(tmp_path, index)
    (tree,) = (path.parent for path in (tmp_path / "uv").glob("archive-v*/*/alpha.py"))
    (tree / "alpha.py").write_text("evil = 1\n", "utf-8")
    (tree / "evil.pth").write_text("import os\n", "utf-8")
    done = call(spec, "build")
    assert done.returncode == 0, done.stderr
    assert built(spec)["alpha.py"] == b"x = 1\n"
    assert "evil.pth" not in built(spec)
    assert (tree / "evil.pth").exists(), "the user's cache is left alone"


def fill_uv_cache(tmp_path: Path, index: Index) -> None:
    target = tmp_path / "elsewhere"
    command = [find_uv(), "pip", "install", "--no-config", "--index-url", index.url, "--target", target, "alpha"]
    environment = {"UV_CACHE_DIR": str(tmp_path / "uv"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    subprocess.run(command, check=True, capture_output=True, env=environment)


@pytest.mark.parametrize("damage", ["changed", "added", "missing", "unlisted"])
def test_a_store_that_was_tampered_with_is_filled_again(spec: Path, tmp_path: Path, damage: str) -> None:
    assert call(spec, "build", "--lock").returncode == 0
    before = built(spec)
    assert before["alpha.py"] == b"x = 1\n"
    (place,) = (tmp_path / "cache/wheels").rglob("alpha.py")
    match damage:
        case "changed":
            place.write_bytes(b"evil = 1\n")  # this edits the built environment, too
        case "unlisted":
            record = place.parent / "alpha-1.0.dist-info/RECORD"
            record.write_text(record.read_text("utf-8").replace("alpha.py", "other.py"), "utf-8")
        case "added":
            (place.parent / "evil.pth").write_text("import os\n", "utf-8")
        case _:
            place.unlink()
    again(spec)
    unfinished = tmp_path / "cache/wheels/unfinished" / f"{place.parents[1].name}.killed_1"
    (unfinished / "cache").mkdir(parents=True)
    done = call(spec, "build")
    assert done.returncode == 0, done.stderr
    assert built(spec) == before
    if damage != "added":  # a file that no list names is not taken, so that nothing has to be fetched
        assert list(unfinished.parent.iterdir()) == [], "what a killed run has left goes with the next one"


def test_without_an_index_uv_s_cache_serves_as_long_as_it_is_whole(spec: Path, tmp_path: Path, index: Index) -> None:
    assert call(spec, "lock").returncode == 0
    fill_uv_cache(tmp_path, index)
    done = call(spec, "build", "--no-index")
    assert done.returncode == 0, done.stderr
    assert "the wheel of alpha 1.0 is taken from uv's cache, and was compared with its own RECORD alone" in done.stderr
    before = built(spec)
    (place,) = (tmp_path / "uv").glob("archive-v*/*/data.txt")
    place.unlink()
    again(spec)
    done = call(spec, "build", "--no-index")
    said = " ".join(done.stderr.split())
    assert done.returncode == ExitCode.BUILDING
    assert "uv's cache holds the wheel of alpha 1.0 with missing or changed files data.txt" in said
    assert "clear it with `uv cache clean alpha`" in said
    assert call(spec, "build").returncode == 0
    assert built(spec) == before


def test_a_wheel_that_is_not_the_locked_one_is_refused(spec: Path, tmp_path: Path) -> None:
    assert call(spec, "lock").returncode == 0
    make_wheel(tmp_path / "served", "beta", "1.0", files={"beta.py": b"z = 1\n"})
    done = call(spec, "build")
    assert done.returncode == ExitCode.BUILDING
    assert "hash mismatch" in done.stderr.lower()
