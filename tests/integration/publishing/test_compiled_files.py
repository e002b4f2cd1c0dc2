"""What `_injected/compiling.py` makes, with every Python that this machine has."""

from __future__ import annotations

import importlib.util
import marshal
import os
import random
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import findpython
import pytest

from venvstacks._injected import compiling
from venvstacks.digests import sha256_bytes

SOURCES = {
    "lib/frog.py": (
        b"'''Frogs.'''\nLEGS = {'left', 'right'}\ndef hop(x: int = 3) -> bool:\n    return x in {'a', 'b', 'cc'}\n"
    ),
    "lib/pond/__init__.py": b"",
    "lib/pond/deep.py": (
        b"X = (1.5, -0.0, 0.0, 1 << 70, b'x', 2j, 'a b', '\xc3\xa9', ..., None, True)\nlambda: (lambda: X)\n"
    ),
    "lib/newer.py": b"this is no Python\n",
    "lib/null.py": b"x = 1\0\n",
}
EXPECTED = {"lib/__pycache__/frog", "lib/pond/__pycache__/__init__", "lib/pond/__pycache__/deep"}


@pytest.fixture(scope="module")
def installed() -> dict[int, Path]:
    """Minor version to interpreter."""
    return {python.minor: python.executable for python in findpython.find_all(major=3, allow_prereleases=True)}


@pytest.fixture(params=range(8, 15), ids=lambda minor: f"3.{minor}")
def python(request: pytest.FixtureRequest, installed: dict[int, Path]) -> Path:
    """Each Python of this machine that layers may be made of."""
    if request.param not in installed:
        pytest.skip(f"Python 3.{request.param} is not installed")
    return installed[request.param]


DIES = """
import os, runpy, sys
os.replace = lambda *_: os._exit(9)
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def lay(tree: Path) -> Path:
    for name, content in SOURCES.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)
    return tree


def compile_all(
    python: Path,
    tree: Path,
    cache: Path,
    *,
    timestamps: bool = False,
    names: Sequence[str] | None = None,
    lays_down: bool = True,
    key: bytes = b"a key of the tests",
) -> dict[str, bytes]:
    """Compile a tree; give what was made, by path without Python's tag."""
    paths = names or [path.relative_to(tree).as_posix() for path in sorted(tree.rglob("*.py"))]
    digests = [sha256_bytes((tree / path).read_bytes()) for path in paths]
    rows = [
        (path, sha256_bytes(f"{path} {digest}".encode()), digest) for path, digest in zip(paths, digests, strict=True)
    ]
    request = tree.with_name("request")
    target = str(tree) if lays_down else ""
    wanted = {"source": str(tree), "target": target, "cache": str(cache), "timestamps": timestamps, "files": rows}
    wanted["key"] = key
    request.write_bytes(marshal.dumps(wanted, 2))
    shutil.rmtree(tree / "lib/__pycache__", ignore_errors=True)
    options = ["-s", "-S", "-B", "-X", "utf8", "-W", "ignore"]
    subprocess.run([python, *options, compiling.__file__, request], check=True, env={"PATH": os.environ["PATH"]})
    return {
        path.relative_to(tree).as_posix().partition(".")[0]: path.read_bytes() for path in sorted(tree.rglob("*.pyc"))
    }


def test_what_can_be_compiled_is_and_python_takes_it(python: Path, tmp_path: Path) -> None:
    tree = lay(tmp_path / "tree")
    assert compile_all(python, tree, tmp_path / "cache").keys() == EXPECTED
    (tree / "lib/pond/deep.py").write_bytes(b"raise RuntimeError('compiled anew')\n")  # nobody compares
    code = (
        "import sys; sys.path.insert(0, 'lib'); import frog, pond.deep; "
        "print(ascii((frog.hop('cc'), frog.__doc__, pond.deep.X, frog.hop.__code__.co_filename)))"
    )
    done = subprocess.run([python, "-I", "-c", code], cwd=tree, capture_output=True, text=True, check=True)
    values = (1.5, -0.0, 0.0, 1 << 70, b"x", 2j, "a b", "é", ..., None, True)
    places = (str(tree / "lib/frog.py"), "lib/frog.py")
    assert done.stdout.strip() in {ascii((True, "Frogs.", values, place)) for place in places}


def test_bytes_depend_on_nothing_but_the_source(python: Path, tmp_path: Path) -> None:
    library = Path(subprocess.run([python, "-c", "import os; print(os.path.dirname(os.__file__))"],
                                  capture_output=True, text=True, check=True).stdout.strip())  # fmt: skip
    names = ["ftplib.py", "argparse.py", "asyncio/events.py", "html/entities.py", "functools.py", "inspect.py",
             "_markupbase.py", "difflib.py", "email/message.py", "ctypes/__init__.py", "typing.py"]  # fmt: skip
    one, other = tmp_path / "one/tree", tmp_path / "quite another/place/tree"
    for tree in (one, other):
        for name in names:
            (tree / "lib" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library / name, tree / "lib" / name)
    shuffled = [f"lib/{name}" for name in names]
    random.Random(1).shuffle(shuffled)
    first = compile_all(python, one, tmp_path / "cache-1")
    second = compile_all(python, other, tmp_path / "cache-2", names=shuffled)
    assert len(first) == len(names)
    assert first == second
    assert not any(str(tmp_path).encode() in content for content in first.values())


def test_a_cache_that_cannot_be_written_to_is_not_needed(python: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"")
    assert compile_all(python, lay(tmp_path / "tree"), tmp_path / "cache").keys() == EXPECTED


def test_what_was_compiled_before_is_taken_from_the_cache(python: Path, tmp_path: Path) -> None:
    tree, cache = lay(tmp_path / "tree"), tmp_path / "cache"
    first = compile_all(python, tree, cache)
    kept = sorted(path for path in cache.rglob("*") if path.is_file())
    assert len(kept) == len(SOURCES)
    marked = {path: path.stat().st_mtime_ns for path in kept}
    assert compile_all(python, lay(tmp_path / "again/tree"), cache) == first
    assert {path: path.stat().st_mtime_ns for path in kept} == marked
    for path in kept:
        path.write_bytes(path.read_bytes()[:-1])
    assert compile_all(python, tree, cache) == first, "damaged entries are made again"


def test_what_killed_processes_leave_is_replaced(tmp_path: Path) -> None:
    tree, cache = lay(tmp_path / "tree"), tmp_path / "cache"
    dies = tmp_path / "dies"
    dies.write_text(f"#!/bin/sh\nshift 7\nexec {sys.executable} -c '{DIES}' \"$@\"\n", "utf-8")
    dies.chmod(0o755)
    with pytest.raises(subprocess.CalledProcessError):
        compile_all(dies, tree, cache)
    assert any(path.is_file() for path in cache.rglob("*"))
    assert compile_all(Path(sys.executable), tree, cache).keys() == EXPECTED
    assert len([path for path in cache.rglob("*") if path.is_file()]) == len(SOURCES)


def test_bytecode_may_be_cached_before_it_is_placed(tmp_path: Path) -> None:
    tree, cache, python = lay(tmp_path / "tree"), tmp_path / "cache", Path(sys.executable)
    assert compile_all(python, tree, cache, timestamps=True, lays_down=False) == {}
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}
    assert len(kept) == len(SOURCES)
    assert compile_all(python, lay(tmp_path / "copy/tree"), cache, timestamps=True).keys() == EXPECTED
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_local_bytecode_gives_way_to_an_edited_source(tmp_path: Path) -> None:
    tree = lay(tmp_path / "tree")
    compile_all(Path(sys.executable), tree, tmp_path / "cache", timestamps=True)
    command = [sys.executable, "-I", "-B", "-v", "-c", "import sys; sys.path.insert(0, 'lib'); import frog"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True)
    assert "frog.cpython" in done.stderr
    assert "matches" in next(line for line in done.stderr.splitlines() if "frog.cpython" in line)
    (tree / "lib/frog.py").write_bytes(SOURCES["lib/frog.py"] + b"print('edited')\n")
    assert "edited" in subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True).stdout


def test_what_others_put_into_the_cache_is_not_taken(python: Path, tmp_path: Path) -> None:
    """An entry that was swapped for another one, one with a seal of another key, and one without any."""
    tree, cache = lay(tmp_path / "tree"), tmp_path / "cache"
    honest = compile_all(python, tree, cache)
    kept = sorted(path for path in cache.rglob("*") if path.is_file() and path.stat().st_size > 100)
    contents = [path.read_bytes() for path in kept]
    for path, content in zip(kept, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)
    assert compile_all(python, tree, cache) == honest
    compile_all(python, tree, tmp_path / "foreign", key=b"another")
    for path in (tmp_path / "foreign").rglob("*"):
        if path.is_file():
            (cache / path.relative_to(tmp_path / "foreign")).write_bytes(path.read_bytes()[:-4] + b"evil")
    assert compile_all(python, tree, cache) == honest
    for path in kept:
        path.write_bytes(contents[0][32:])
    assert compile_all(python, tree, cache) == honest


def test_a_pack_holds_what_was_asked_for_and_is_what_it_was_asked_to_be(python: Path, tmp_path: Path) -> None:
    tree, request = lay(tmp_path / "tree"), tmp_path / "request"
    sources = [(str(tree / name), sha256_bytes(content)) for name, content in SOURCES.items()]
    wanted = [*sources[:-1], (str(tree / "lib/pond/deep.py"), "0" * 64)]
    request.write_bytes(marshal.dumps({"pack": str(tmp_path / "pack"), "files": wanted}, 2))
    subprocess.run([python, "-S", compiling.__file__, request], check=True, env={})
    pack = marshal.loads((tmp_path / "pack").read_bytes())
    compilable = ("lib/frog.py", "lib/pond/__init__.py", "lib/pond/deep.py")
    assert pack.keys() == {bytes.fromhex(sha256_bytes(SOURCES[name])) for name in compilable}


def test_a_source_that_is_not_what_was_recorded_is_refused(tmp_path: Path) -> None:
    tree = lay(tmp_path / "tree")
    wanted = {"source": str(tree), "target": str(tree), "cache": str(tmp_path / "cache"), "timestamps": False,
              "key": b"", "files": [("lib/frog.py", "0" * 64, "0" * 64)]}  # fmt: skip
    (tmp_path / "request").write_bytes(marshal.dumps(wanted, 2))
    command = [sys.executable, compiling.__file__, tmp_path / "request"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "lib/frog.py was changed after the build\n"
    assert not list(tmp_path.rglob("*.pyc"))


def test_the_whole_standard_library_means_the_same() -> None:
    """Rewritten code objects are equal to what was compiled; only a constant that is not a number equals nothing."""
    checked = 0
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        code = compile(path.read_bytes(), path.name, "exec", dont_inherit=True)
        rewritten = compiling.Canonical(marshal.dumps(code)).rewrite()
        assert marshal.loads(rewritten) == code, path
        assert compiling.Canonical(marshal.dumps(marshal.loads(rewritten))).rewrite() == rewritten, path
        checked += 1
    assert checked > 100
    assert compiling.compiled(b"x = 1\n", "x")[:4] == importlib.util.MAGIC_NUMBER
