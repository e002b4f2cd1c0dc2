"""An extension module in one layer finds a shared library in the layer below it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.integration.linking.conftest import VERSIONED, Layers, call, make_layers
from tests.support.compiled_wheels import FrogWheels, compile_library, compile_module, make_frog_wheels, need_compiler
from venvstacks.model.conventions import DYNLIB_DIR
from venvstacks.tools.symbols import exports_module_init


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> FrogWheels:
    return make_frog_wheels(tmp_path_factory.mktemp("wheels"))


def unpacked(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def build(layers: Layers, wheels: FrogWheels) -> None:
    layers.add("framework-frog", unpacked(wheels.frog))
    layers.add("app-newt", unpacked(wheels.newt))
    for layer in (layers.link("framework-frog"), layers.link("app-newt", "framework-frog")):
        call([sys.executable, "-I", layer.parent.parent / "postinstall.py", "--no-compile"])


def test_the_upper_layer_calls_into_the_lower_one(layers: Layers, wheels: FrogWheels) -> None:
    build(layers, wheels)
    assert (layers.folder / "framework-frog" / DYNLIB_DIR / "libfrog.so").is_file()
    assert not (layers.folder / "app-newt" / DYNLIB_DIR).exists()
    assert (layers.folder / "framework-frog/bin/python").is_symlink()
    assert call([layers.folder / "app-newt/bin/python", "-c", "import frog, newt; print(newt.legs())"]) == "4\n"


def test_without_the_wrapper_it_would_not(layers: Layers, wheels: FrogWheels) -> None:
    build(layers, wheels)
    interpreter = next((layers.folder / "app-newt/libexec").glob("python3.*"))
    done = subprocess.run([interpreter, "-c", "import newt"], env={}, capture_output=True, text=True, check=False)
    assert "ImportError: libfrog.so: cannot open shared object file" in done.stderr


def test_every_name_of_the_interpreter_is_the_wrapper(layers: Layers, wheels: FrogWheels) -> None:
    build(layers, wheels)
    for name in ("python", "python3", VERSIONED):
        program = layers.folder / "app-newt/bin" / name
        assert call([program, "-c", "import newt; print(newt.legs())"], PATH=os.environ["PATH"]) == "4\n"


@pytest.mark.parametrize("before", [{}, {"LD_LIBRARY_PATH": "/mine:/other"}])
def test_programs_that_it_starts_see_the_user_s_environment(
    layers: Layers, wheels: FrogWheels, before: dict[str, str]
) -> None:
    build(layers, wheels)
    parent = "import subprocess, newt; subprocess.run(['env'], check=True)"
    output = call([layers.folder / "app-newt/bin/python", "-c", parent], PATH=os.environ["PATH"], **before)
    seen = dict(line.partition("=")[::2] for line in output.splitlines())
    assert seen.get("LD_LIBRARY_PATH") == before.get("LD_LIBRARY_PATH")
    assert not any(name.startswith("VENVSTACKS") for name in seen)


def test_children_started_with_sys_executable_find_it_too(layers: Layers, wheels: FrogWheels) -> None:
    build(layers, wheels)
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import newt; print(newt.legs())'])"
    assert call([layers.folder / "app-newt/bin/python", "-c", parent]) == "4\n"


def test_moved_layers_work_after_post_install(tmp_path: Path, wheels: FrogWheels) -> None:
    layers = make_layers(tmp_path / "here")
    build(layers, wheels)
    there = tmp_path / "it's $THERE now"
    layers.folder.rename(there)
    call([sys.executable, "-I", there / "app-newt/postinstall.py", "--no-compile"])
    assert call([there / "app-newt/bin/python", "-c", "import frog, newt; print(newt.legs(), frog.__file__)"]) == (
        f"4 {next((there / 'framework-frog').glob('lib/python3.*/site-packages'))}/frog/__init__.py\n"
    )


def test_the_nearer_of_two_libraries_of_one_name_is_used(layers: Layers, wheels: FrogWheels, tmp_path: Path) -> None:
    compile_library(tmp_path / "libfrog.so", legs=6)
    layers.add("framework-mutant", {"mutant/libfrog.so": (tmp_path / "libfrog.so").read_bytes()})
    build(layers, wheels)
    python = layers.link("app-newt", "framework-mutant", "framework-frog")
    call([sys.executable, "-I", layers.folder / "app-newt/postinstall.py", "--no-compile"])
    assert call([python, "-c", "import newt; print(newt.legs())"]) == "6\n"


def test_an_extension_module_is_known_by_what_it_exports(tmp_path: Path) -> None:
    need_compiler()
    library, module = tmp_path / "libfrog.so", tmp_path / "newt.so"
    compile_library(library)
    compile_module(module, library)
    assert exports_module_init(module)
    assert not exports_module_init(library)
    renamed = module.rename(tmp_path / "eft.so")
    assert not exports_module_init(renamed)
