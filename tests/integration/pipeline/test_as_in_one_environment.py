"""What works in one flat environment works in layers: hooks, data, programs, scripts, libraries, split packages.

One stack holds packages of all awkward kinds twice: in a single layer (`flat`), and split over layers (`layered`).
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.compiled_wheels import LIBRARY_SOURCE, MODULE_SOURCE, compile_c, need_compiler
from tests.support.handmade_wheels import make_wheel
from tests.support.sample_stack import ran
from tests.support.specifications import HOST, application, framework, runtime
from venvstacks.api import Report, Request, deployments, load_project, run
from venvstacks.loading.options import Options

LOW = ["lowmod", "pondlook", "toolbox", "part-a", "owner", "toad-lib"]
HIGH = ["hook", "brand", "part-b", "upper", "toad-user", "plain-user"]
SPECIFICATION = (
    HOST
    + runtime(platforms=["linux_x86_64"])
    + framework("low", requirements=LOW, versioned=True)
    + application("layered", "low", requirements=[*LOW, *HIGH], launch_module="probe.py")
    + application("flat", requirements=[*LOW, *HIGH], launch_module="probe.py")
)

PROBE = """\
import json, os, subprocess, sys
import lowmod, shared.core, shared.extra, toad_user, upper

found = {
    "pth": lowmod.SEEN, "brand": getattr(sys, "branded", None), "split": [shared.core.X, shared.extra.X],
    "data": open(os.path.join(sys.prefix, "share/pondlook/page.html")).read(),
    "own library": upper.legs(), "library in lib": toad_user.legs(),
    "variables": [name for name in os.environ if "LIBRARY" in name],
    "path": [name for name in sys.path if not os.path.isabs(name)],
}
for name in ("lowcmd", "pyscript", "tool"):
    done = subprocess.run([os.path.join(sys.prefix, "bin", name), "a b", "🐸"], capture_output=True, text=True)
    found[name] = done.stdout + done.stderr
for module in sys.argv[1:]:
    found[module] = __import__(module).legs()
print(json.dumps(found))
"""


def make_module(work: Path, name: str, library: str, legs: int, run_path: str) -> dict[str, bytes]:
    """An extension module `name`, and the library that it needs, as bytes."""
    (work / name).mkdir(parents=True)
    place = work / name / library
    compile_c(LIBRARY_SOURCE.replace("@LEGS@", str(legs)), place, f"-Wl,-soname,{library}")
    module = work / name / f"{name}.abi3.so"
    options = [f"-L{place.parent}", f"-l:{library}", *([f"-Wl,-rpath,{run_path}"] if run_path else [])]
    compile_c(MODULE_SOURCE.replace("@NAME@", name), module, *options)
    return {"module": module.read_bytes(), "library": place.read_bytes()}


def make_wheels(wheels: Path, work: Path) -> None:
    linux = f"cp311-abi3-manylinux_2_28_{platform.machine()}"
    lowmod = b"import sys\nSEEN = []\ndef main(): print('lowcmd', sys.prefix, *sys.argv[1:])\n"
    make_wheel(wheels, "lowmod", "1.0", files={"lowmod.py": lowmod}, entry_points={"lowcmd": "lowmod:main"})
    data = "pondlook-1.0.data/data/share/pondlook/page.html"
    make_wheel(wheels, "pondlook", "1.0", files={"pondlook.py": b"", data: b"<p>pond</p>"})
    scripts = "toolbox-1.0.data/scripts"
    tools = {
        f"{scripts}/tool": b'#!/bin/sh\necho tool "$@"\n',
        f"{scripts}/pyscript": b"#!python\nimport sys, lowmod\nprint('pyscript', sys.prefix, *sys.argv[1:])\n",
    }
    make_wheel(wheels, "toolbox", "1.0", files={"toolbox.py": b"", **tools}, executables=list(tools))
    make_wheel(wheels, "part-a", "1.0", files={"shared/__init__.py": b"", "shared/core.py": b"X = 'core'\n"})
    make_wheel(wheels, "part-b", "1.0", files={"shared/__init__.py": b"", "shared/extra.py": b"X = 'extra'\n"})
    make_wheel(wheels, "brand", "1.0", files={"sitecustomize.py": b"import sys\nsys.branded = 'yes'\n"})
    make_wheel(wheels, "hook", "1.0", files={"hook.pth": b"import lowmod; lowmod.SEEN = ['by hook']\n"})
    owned = make_module(work, "low_legs", "libfrog.so.1", 1, "$ORIGIN/lib")
    make_wheel(wheels, "owner", "1.0", files={"owner/lib/libfrog.so.1": owned["library"]}, tag=linux)
    upper = make_module(work, "upper", "libfrog.so.1", 2, "$ORIGIN/lib")
    make_wheel(
        wheels, "upper", "1.0", tag=linux,
        files={"upper.abi3.so": upper["module"], "lib/libfrog.so.1": upper["library"]},
    )  # fmt: skip
    toad = make_module(work, "toad_user", "libtoad.so.1", 3, "$ORIGIN/../..")
    library = {"toad_lib-1.0.data/data/lib/libtoad.so.1": toad["library"], "toad_lib.py": b""}
    make_wheel(wheels, "toad-lib", "1.0", tag=linux, files=library)
    make_wheel(wheels, "toad-user", "1.0", tag=linux, files={"toad_user.abi3.so": toad["module"]})
    make_wheel(wheels, "plain-user", "1.0", files={"plain_user.py": b""})


def build(base: Path, *operations: Any, **options: Any) -> Report:
    variables = {**os.environ, "VENVSTACKS_CACHE": str(base / "cache"), "UV_CACHE_DIR": str(base / "uv")}
    chosen = Options(local_wheels=("wheels",), use_index=False, **options)
    return run(load_project(base / "venvstacks.toml", chosen, variables), Request(operations))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_compiler()
    base = tmp_path_factory.mktemp("flat") / "with spaces"
    base.mkdir()
    make_wheels(base / "wheels", base / "work")
    (base / "venvstacks.toml").write_text(SPECIFICATION, "utf-8")
    (base / "probe.py").write_text(PROBE, "utf-8")
    ran(build(base, "lock", "build", "publish", "export"))
    return base


def probed(layer: Path, *arguments: str) -> dict[str, Any]:
    command = [layer / "bin/python", "-P", "-m", "probe", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)
    return {
        name: said.replace(str(layer), "<layer>") if isinstance(said, str) else said for name, said in found.items()
    }


EXPECTED = {
    "pth": ["by hook"],
    "brand": "yes",
    "split": ["core", "extra"],
    "data": "<p>pond</p>",
    "own library": 2,
    "library in lib": 3,
    "variables": [],
    "path": [],
    "lowcmd": "lowcmd <layer> a b 🐸\n",
    "pyscript": "pyscript <layer> a b 🐸\n",
    "tool": "tool a b 🐸\n",
}


@pytest.mark.parametrize("folder", ["_build", "_export"])
@pytest.mark.parametrize("application", ["flat", "layered"])
def test_layers_are_as_one_flat_environment(stack: Path, folder: str, application: str) -> None:
    assert probed(stack / folder / f"app-{application}") == EXPECTED


def test_so_are_unpacked_layers_wherever_they_are_moved(stack: Path, tmp_path: Path) -> None:
    for name in ("py", "framework-low@1", "app-layered"):
        subprocess.run(["tar", "--zstd", "-xf", stack / f"_artifacts/{name}.tar.zst", "-C", tmp_path], check=True)
        subprocess.run(["python3", "-I", tmp_path / name / "postinstall.py"], check=True)
    assert probed(tmp_path / "app-layered") == EXPECTED
    moved = tmp_path / "🐸 it's $HERE"
    moved.mkdir()
    for name in ("py", "framework-low@1", "app-layered"):
        (tmp_path / name).rename(moved / name)
    subprocess.run(["python3", "-I", moved / "app-layered/postinstall.py", "--no-compile"], check=True)
    assert probed(moved / "app-layered") == EXPECTED


def test_so_are_deployed_ones_and_every_link_is_known(stack: Path, tmp_path: Path) -> None:
    deployments.deploy(str(stack / "_artifacts"), tmp_path / "d", ["layered"])
    application = tmp_path / "d/current/apps/layered"
    assert probed(application) == EXPECTED
    assert deployments.status(tmp_path / "d", verify=True).differences == ()
    link = application.resolve() / "share/pondlook/page.html"
    assert link.is_symlink()
    link.unlink()
    (application.resolve() / "bin/tool").unlink()
    (application.resolve() / "bin/tool").symlink_to("python")
    found = {(one.path, one.kind) for one in deployments.status(tmp_path / "d", verify=True).differences or ()}
    assert found == {("app-layered/share/pondlook/page.html", "missing"), ("app-layered/bin/tool", "changed")}


def test_scripts_start_through_links_from_anywhere(stack: Path, tmp_path: Path) -> None:
    layer = stack / "_build/app-layered"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/frog").symlink_to(layer / "bin/lowcmd")
    (tmp_path / "again").symlink_to("mine/frog")
    for command in ([tmp_path / "again"], ["mine/frog"], [layer / "bin/lowcmd"]):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout == f"lowcmd {layer}\n"
    done = subprocess.run([stack / "_build/framework-low/bin/lowcmd"], capture_output=True, text=True, check=True)
    assert done.stdout == f"lowcmd {stack}/_build/framework-low\n", "in its own layer, it starts that layer's Python"


@pytest.mark.parametrize("shell", ["dash", "bash", "zsh", "busybox sh"])
def test_scripts_start_in_every_shell(stack: Path, shell: str) -> None:
    name, *options = shell.split()
    if shutil.which(name) is None:
        pytest.skip(f"needs {name}")
    script = stack / "_build/app-layered/bin/lowcmd"
    done = subprocess.run(
        [str(shutil.which(name)), *options, script, "a b"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"lowcmd {stack}/_build/app-layered a b\n"


def test_records_list_launchers_as_they_are(stack: Path) -> None:
    site = stack / "_build/framework-low/lib/python3.11/site-packages"
    code = (
        "from importlib.metadata import files\n"
        "for f in [*files('lowmod'), *files('toolbox')]:\n"
        "    if '/bin/' in str(f): print(f.name, f.hash.value, f.size, f.locate().stat().st_size)"
    )
    python = stack / "_build/framework-low/bin/python"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == ["lowcmd", "pyscript", "tool"]
    assert all(row[2] == row[3] for row in rows)
    assert (site / "lowmod-1.0.dist-info/RECORD").read_text("utf-8").count("bin/lowcmd") == 1


def test_a_changed_link_is_noticed_where_environments_are_checked(stack: Path) -> None:
    link = stack / "_build/app-layered/share/pondlook/page.html"
    target = link.readlink()
    variables = {**os.environ, "VENVSTACKS_CACHE": str(stack / "cache"), "UV_CACHE_DIR": str(stack / "uv")}
    project = load_project(stack / "venvstacks.toml", Options(local_wheels=("wheels",), use_index=False), variables)
    assert ran(run(project, Request(("build",), check_environments=True))) == set()
    link.unlink()
    assert "build:app-layered" in ran(run(project, Request(("build",), check_environments=True)))
    assert link.readlink() == target


def test_without_scripts_there_are_none(stack: Path, tmp_path: Path) -> None:
    shutil.copytree(
        stack, tmp_path / "s", symlinks=True, ignore=shutil.ignore_patterns("_build", "_artifacts", "_export")
    )
    place = tmp_path / "s/venvstacks.toml"
    place.write_text(SPECIFICATION.replace("[tool.venvstacks]", "[tool.venvstacks]\nscripts = false"), "utf-8")
    ran(build(tmp_path / "s", "build"))
    names = {path.name for path in (tmp_path / "s/_build/framework-low/bin").iterdir()}
    assert names == {"python", "python3", "python3.11", "python_", "tool"}
