"""Post-install at work: any Python, any locale, with the layer's own Python doing the compiling."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import findpython
import pytest

from tests.integration.linking.conftest import SITE, VERSIONED, Layers, call
from venvstacks._injected import postinstall
from venvstacks.linking.layer_config import LayerPaths, runtime_config
from venvstacks.model.conventions import LAYER_CONFIG
from venvstacks.tools.files import write_atomically

LOCALES = [
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "C.UTF-8"},
    {"LC_ALL": "en_GB.ISO-8859-1"},
    {},
]


@pytest.fixture
def app(layers: Layers) -> Path:
    """An application on one framework, linked but not yet post-installed."""
    layers.add("framework-pond", {"frog.py": b"", "frog.pth": b"import sys; sys.frog_pth_was_read = 1\n"})
    layers.link("framework-pond")
    layer = layers.add("app", {"newt.py": b"legs = 4\n", "too_new.py": b"match match match\n", "nul.py": b"\0"})
    layers.link("app", "framework-pond")
    (layer / "pyvenv.cfg").unlink()
    return layer


def post_install(
    layer: Path, *options: str, python: Path | str = sys.executable, **variables: str
) -> subprocess.CompletedProcess[str]:
    argv = [python, "-I", layer / "postinstall.py", *options]
    return subprocess.run(argv, env=variables, capture_output=True, encoding="utf-8", errors="replace", check=False)


def bytecode(layer: Path) -> set[str]:
    return {path.name for path in (layer / SITE).rglob("*.pyc")}


TAG = f"{sys.implementation.cache_tag}.pyc"


@pytest.mark.parametrize("variables", LOCALES, ids=lambda variables: variables.get("LC_ALL", "none"))
def test_it_works_in_any_locale_and_silently(app: Path, variables: dict[str, str]) -> None:
    done = post_install(app, **variables)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    home = app.parent / "runtime/bin"
    assert f"home = {home}\n" in (app / "pyvenv.cfg").read_text("utf-8")
    assert bytecode(app) == {f"newt.{TAG}", f"_venvstacks_layers.{TAG}"}


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8", "en_GB.UTF-8"])
def test_what_it_wrote_works_in_every_locale_that_python_can_serve(app: Path, locale: str) -> None:
    """CPython uses UTF-8 in the C and POSIX locales by default, so an environment below such a folder works."""
    post_install(app)
    code = "import sys, frog, newt; print(ascii([sys.prefix, sys.base_prefix, frog.__file__, sys.frog_pth_was_read]))"
    output = call([app / "bin/python", "-c", code], LC_ALL=locale).strip()
    layers = app.parent
    assert output == ascii([str(app), str(layers / "runtime"), str(layers / "framework-pond" / SITE / "frog.py"), 1])


def test_layers_below_come_in_order_and_after_the_layer_s_own(app: Path) -> None:
    post_install(app)
    layers = app.parent
    path = call([app / "bin/python", "-I", "-c", "import sys; print(*sys.path, sep='\\n')"]).splitlines()
    ours = [str(layers / name / SITE) for name in ("app", "framework-pond", "runtime")]
    assert path[-3:] == ours


def test_a_missing_layer_is_named_and_python_still_starts(app: Path) -> None:
    (app.parent / "framework-pond").rename(app.parent / "elsewhere")
    done = post_install(app)
    assert done.returncode == 0
    assert done.stderr == "postinstall: warning: layers are missing, unpack them next to this one: framework-pond\n"
    assert call([app / "bin/python", "-c", "import newt; print(newt.legs)"]) == "4\n"
    (app.parent / "elsewhere").rename(app.parent / "framework-pond")
    assert post_install(app).stderr == ""
    assert bytecode(app)


def test_no_compile_compiles_nothing(app: Path) -> None:
    assert post_install(app, "--no-compile").returncode == 0
    assert bytecode(app) == set()


def test_running_it_again_changes_nothing(app: Path) -> None:
    post_install(app)
    before = {path: path.stat().st_mtime_ns for path in app.rglob("*") if path.is_file()}
    assert post_install(app).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in app.rglob("*") if path.is_file()} == before


def test_bytecode_of_a_replaced_source_is_renewed_even_if_time_and_size_are_the_same(app: Path) -> None:
    """As when a new archive is unpacked over the old: archives set all times."""
    source = app / SITE / "newt.py"
    os.utime(source, (1_000_000_000, 1_000_000_000))
    post_install(app)
    assert call([app / "bin/python", "-c", "import newt; print(newt.legs)"]) == "4\n"
    source.write_bytes(b"legs = 6\n")
    os.utime(source, (1_000_000_000, 1_000_000_000))
    post_install(app)
    assert call([app / "bin/python", "-c", "import newt; print(newt.legs)"]) == "6\n"


def test_bytecode_is_what_compileall_writes(app: Path) -> None:
    (app / SITE / "latin.py").write_bytes("# coding: latin-1\nname = 'Frösche'\n".encode("latin-1"))
    post_install(app)
    ours = {path: path.read_bytes() for path in (app / SITE).rglob("*.pyc")}
    for path in ours:
        path.unlink()
    command = [sys.executable, "-m", "compileall", "-qq", "--invalidation-mode", "timestamp", app / SITE]
    subprocess.run(command, check=False)  # it minds the files that no Python can compile
    theirs = {path: path.read_bytes() for path in (app / SITE).rglob("*.pyc")}
    assert ours == theirs
    assert len(ours) == 3


def test_many_files_are_compiled_by_several_processes(app: Path) -> None:
    names = [f"m{number}" for number in range(120)]
    for name in names:
        (app / SITE / f"{name}.py").write_text(f"x = {name!r}\n", encoding="utf-8")
    assert post_install(app).stderr == ""
    assert {f"{name}.{TAG}" for name in names} <= bytecode(app)


def test_files_of_any_name_are_compiled_and_broken_links_are_not(app: Path) -> None:
    for name in ("two words", "🐸", "-x", "%s"):
        (app / SITE / f"{name}.py").write_text("x = 1\n", encoding="utf-8")
    (app / SITE / "nowhere.py").symlink_to("not-there.py")
    assert post_install(app, LC_ALL="C").stderr == ""
    assert {f"{name}.{TAG}" for name in ("two words", "🐸", "-x", "%s", "newt")} <= bytecode(app)


def test_a_layer_without_sources_compiles_nothing_at_all(app: Path) -> None:
    """Not even a child is started for it."""
    for source in (app / SITE).glob("*.py"):
        source.unlink()
    config = json.loads((app / LAYER_CONFIG).read_text("utf-8"))
    (app / LAYER_CONFIG).write_text(json.dumps({**config, "pylib_dirs": []}), encoding="utf-8")
    (app / "bin/python").unlink()
    (app / "bin/python").write_text("#!/bin/sh\necho started >&2; exit 1\n", encoding="utf-8")
    (app / "bin/python").chmod(0o755)
    done = post_install(app)
    assert (done.returncode, done.stderr, bytecode(app)) == (0, "", set())


def test_a_runtime_compiles_its_standard_library_too(layers: Layers) -> None:
    runtime = layers.folder / "small"
    for path in ("lib/small/std.py", "lib/small/site-packages/third.py"):
        (runtime / path).parent.mkdir(parents=True, exist_ok=True)
        (runtime / path).write_text("x = 1\n", encoding="utf-8")
    (runtime / "bin").mkdir()
    (runtime / "bin/python").symlink_to(layers.folder / "runtime/bin" / VERSIONED)
    config = runtime_config(LayerPaths("small", "bin/python", "lib/small/site-packages"), "3.11.7")
    write_atomically(runtime / LAYER_CONFIG, config.text)
    shutil.copyfile(str(postinstall.__file__), runtime / "postinstall.py")
    done = post_install(runtime)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in runtime.rglob("*.pyc")} == {f"std.{TAG}", f"third.{TAG}"}
    assert not list(runtime.rglob("pyvenv.cfg"))
    assert not list(runtime.rglob("sitecustomize.py"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "cannot read"),
        ("{", "is not valid JSON"),
        ('{"python": "../../x"}', "is missing or not a string"),
    ],
)
def test_a_damaged_layer_is_one_line_and_exit_status_1(app: Path, text: str | None, complaint: str) -> None:
    (app / LAYER_CONFIG).unlink()
    if text is not None:
        (app / LAYER_CONFIG).write_text(text, encoding="utf-8")
    done = post_install(app)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("postinstall: error: ")
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_wrong_usage_is_exit_status_2(app: Path) -> None:
    done = post_install(app, "--compile-everything")
    assert done.returncode == 2
    assert "--compile-everything" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_layer_whose_python_does_not_start_is_a_warning_only(app: Path) -> None:
    (app / "bin/python").unlink()
    done = post_install(app)
    assert done.returncode == 0
    assert "warning: bytecode is not complete: cannot run" in done.stderr
    (app / "bin/python").write_text("#!/bin/sh\necho broken >&2; exit 1\n", encoding="utf-8")
    (app / "bin/python").chmod(0o755)
    assert post_install(app).stderr == "postinstall: warning: bytecode is not complete: broken\n"


@pytest.mark.parametrize("minor", [8, 9, 10, 12, 13, 14])
def test_any_python_runs_it_and_the_layer_s_own_compiles(app: Path, minor: int) -> None:
    other = findpython.find(3, minor)
    if other is None or other.minor == sys.version_info.minor:
        pytest.skip(f"needs Python 3.{minor}")
    for variables in LOCALES:
        done = post_install(app, python=other.executable, **variables)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert bytecode(app) == {f"newt.{TAG}", f"_venvstacks_layers.{TAG}"}
    assert call([app / "bin/python", "-c", "import frog, newt; print(newt.legs)"]) == "4\n"


@pytest.mark.parametrize(("ending", "output"), [("kill -9 $$", "killed by signal 9"), ("exit 0", "exit status 0")])
def test_a_compiling_child_that_vanishes_is_no_success(app: Path, ending: str, output: str) -> None:
    (app / "bin/python").unlink()
    (app / "bin/python").write_text(f"#!/bin/sh\n{ending}\n", encoding="utf-8")
    (app / "bin/python").chmod(0o755)
    done = post_install(app)
    assert done.stderr.startswith("postinstall: warning: bytecode is not complete: the layer's Python ")
    assert output in done.stderr


def test_what_it_writes_is_readable_for_everybody_whatever_the_umask_is(app: Path) -> None:
    line = f"umask 077; exec '{sys.executable}' -I \"$1\""
    subprocess.run(["sh", "-c", line, "sh", app / "postinstall.py"], check=True)
    written = [app / "pyvenv.cfg", *(app / SITE).rglob("*.pyc"), (app / SITE / "__pycache__")]
    assert len(written) > 3
    assert [path for path in written if path.stat().st_mode & 0o044 != 0o044] == []
