"""Code that import checks run: it changes nothing outside, leaves nothing running, and holds nobody up."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.offline_stacks import has_python, run, write_stack

pytestmark = [
    pytest.mark.skipif(not has_python(), reason="the runtime is made of an installed CPython"),
    pytest.mark.skipif(sys.platform != "linux", reason="Landlock and subreapers are Linux's"),
]

EVIL = b"""
import os, subprocess, sys
places = [PLACES]
for place in places + [os.path.expanduser("~"), os.path.dirname(__file__)]:
    try:
        with open(os.path.join(place, "evil.txt"), "w") as stream:
            stream.write("evil")
    except OSError:
        pass
for folder, _, files in (found for place in places for found in os.walk(place)):
    for name in files:
        try:
            with open(os.path.join(folder, name), "r+b") as stream:
                stream.write(b"evil")
        except OSError:
            pass
with open("/dev/null", "w") as stream:
    stream.write("this may be written to")
subprocess.Popen([sys.executable, "-c", "import os, time; os.setsid(); time.sleep(60)", "DAEMON"])
"""


def warnings_of_imports(shown: str) -> list[str]:
    """Warnings apart from those about this machine's Python, which may need a newer system, or more of it."""
    return [line for line in shown.splitlines() if "warning" in line and "its Python needs " not in line]


def test_an_import_writes_to_no_cache_and_leaves_no_process(tmp_path: Path) -> None:
    spec = write_stack(tmp_path / "stack")
    places = [str(tmp_path / name) for name in ("cache", "home", "uv")]
    daemon = f"daemon of {tmp_path}"
    code = EVIL.replace(b"PLACES", ", ".join(map(repr, places)).encode()).replace(b"DAEMON", daemon.encode())
    make_wheel(spec.parent / "wheels", "alpha", "1.0", files={"alpha.py": code})
    for place in places:
        Path(place).mkdir()
    caches = {"UV_CACHE_DIR": places[2], "VENVSTACKS_CACHE": places[0], "HOME": places[1]}
    options = ("--lock", "--no-index", "--local-wheels", "wheels")
    done = run("venvstacks", "build", spec, *options, cwd=spec.parent, **caches)
    assert done.returncode == 0, done.stderr
    assert warnings_of_imports(done.stderr) == []
    evil = [path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes().startswith(b"evil")]
    assert evil == []
    assert not list(tmp_path.rglob("evil.txt"))
    running = [line for path in Path("/proc").glob("[0-9]*/cmdline") if daemon in (line := read(path))]
    assert running == []


def test_an_import_that_disturbs_another_one_is_no_fault_of_the_layers(tmp_path: Path) -> None:
    """As pip does, which removes the hook of setuptools: what fails is imported again by a process of its own."""
    spec = write_stack(tmp_path / "stack")
    make_wheel(spec.parent / "wheels", "alpha", "1.0", files={"alpha.py": b"import sys; sys.disturbed = True"})
    undisturbed = b"import sys; assert not hasattr(sys, 'disturbed')"
    make_wheel(spec.parent / "wheels", "beta", "1.0", files={"beta.py": undisturbed})
    spec.write_text(spec.read_text("utf-8").replace('"alpha"', '"alpha", "beta"'), "utf-8")
    options = ("--lock", "--no-index", "--local-wheels", "wheels", "--include", "framework-*")
    done = run("venvstacks", "build", spec, *options, cwd=spec.parent)
    assert done.returncode == 0, done.stderr
    assert warnings_of_imports(done.stderr) == []
    assert "check:framework-base" in done.stderr


def test_what_an_ended_process_did_not_reach_is_imported_too(tmp_path: Path) -> None:
    """The first import breaks the second one, which ends the process; the third one is broken by itself."""
    spec = write_stack(tmp_path / "stack")
    sources = {
        "alpha": b"import sys; sys.disturbed = True",
        "beta": b"import os, sys; hasattr(sys, 'disturbed') and os._exit(7)",
        "gamma": b"raise RuntimeError('too wet')",
    }
    for name, source in sources.items():
        make_wheel(spec.parent / "wheels", name, "1.0", files={f"{name}.py": source})
    spec.write_text(spec.read_text("utf-8").replace('"alpha"', '"alpha", "beta", "gamma"'), "utf-8")
    options = ("--lock", "--no-index", "--local-wheels", "wheels", "--include", "framework-*")
    done = run("venvstacks", "build", spec, *options, cwd=spec.parent)
    assert done.returncode == 0, done.stderr
    assert "gamma: RuntimeError: too wet (in one flat environment, too" in done.stderr


def read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def test_a_pth_file_of_a_runtime_runs_in_no_build_without_import_checks(tmp_path: Path) -> None:
    spec = write_stack(tmp_path / "stack")
    mark = tmp_path / "ran"
    line = f"import os; os.close(os.open({str(mark)!r}, os.O_CREAT))\n".encode()
    make_wheel(spec.parent / "wheels", "alpha", "1.0", files={"alpha.py": b"", "alpha.pth": line})
    text = spec.read_text("utf-8").replace("requirements = []", 'requirements = ["alpha"]', 1)
    spec.write_text(text, "utf-8")
    caches = {"UV_CACHE_DIR": str(tmp_path / "uv"), "VENVSTACKS_CACHE": str(tmp_path / "cache")}
    options = ("--lock", "--no-index", "--local-wheels", "wheels", "--no-check-imports")
    done = run("venvstacks", "build", spec, *options, cwd=spec.parent, **caches)
    assert done.returncode == 0, done.stderr
    assert not mark.exists()
