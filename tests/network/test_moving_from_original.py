"""Projects that releases of the original locked, built and published go on with this program in the same folder.

The original's download of a Python is replaced by a copy of a local one (benchmarks/original_shim.py), of which little
is left: the original compresses with one thread.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from benchmarks.pythons import prepare_pythons
from tests.support.handmade_wheels import make_wheel
from tests.support.small_pythons import pack_python, reduce_python
from venvstacks.tools.process import Processes
from venvstacks.tools.uv import find_uv

pytestmark = pytest.mark.network

SHIM = Path(__file__).parents[2] / "benchmarks/original_shim.py"
PYTHON = "cpython@3.11.7"
SPECIFICATION = """\
[[runtimes]]
name = "cpython-3.11"
python_implementation = "cpython@3.11.7"
requirements = []
platforms = ["linux_x86_64"]

[[frameworks]]
name = "cli"
runtime = "cpython-3.11"
requirements = ["frog==1.0"]
platforms = ["linux_x86_64"]
versioned = true

[[applications]]
name = "plain"
launch_module = "plain.py"
frameworks = ["cli"]
requirements = ["newt"]
platforms = ["linux_x86_64"]

[[applications]]
name = "numbered"
launch_module = "numbered.py"
frameworks = ["cli"]
requirements = ["newt"]
platforms = ["linux_x86_64"]
versioned = true
"""
LAUNCH = "import frog, newt\nprint('frog', frog.__version__)\n"
OFFLINE = ("--no-index", "--local-wheels", "wheels")
VARIABLES = {**os.environ, "COLUMNS": "200"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small relocatable Python, which both programs make the runtime layer of."""
    folder = tmp_path_factory.mktemp("pythons")
    return reduce_python(prepare_pythons([PYTHON], folder / "cache", Processes())[PYTHON], folder / "small")


@pytest.fixture
def original(request: pytest.FixtureRequest, tree: Path, tmp_path: Path) -> list[str]:
    """The command line of a release of the original, from the package index."""
    venv, uv = tmp_path / "original", str(find_uv())
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, venv], check=True)
    install = [uv, "pip", "install", "-q", "--python", venv / "bin/python", f"venvstacks=={request.param}", "hishel<1"]
    subprocess.run(install, check=True)
    runtimes = f"BENCHMARK_RUNTIMES={json.dumps({PYTHON: str(tree)})}"
    return ["env", runtimes, str(venv / "bin/python"), "-I", "-W", "ignore", str(SHIM)]


def run(argv: list[str], folder: Path, expected: int = 0) -> str:
    done = subprocess.run(argv, cwd=folder, env=VARIABLES, capture_output=True, text=True, check=False)
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout + done.stderr


def ours(command: str, folder: Path, *options: str, expected: int = 0) -> str:
    return run([sys.executable, "-m", "venvstacks", command, "venvstacks.toml", *options], folder, expected)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.tar.*")}


def names(artifacts: Path) -> dict[str, str]:
    """Environment name to deployed name, from the published metadata."""
    (manifest,) = (artifacts / "__venvstacks__").glob("venvstacks*.json")
    layers = json.loads(manifest.read_text(encoding="utf-8"))["layers"]
    return {layer["layer_name"]: layer["install_target"] for group in layers.values() for layer in group}


def run_original_application(artifacts: Path, place: Path, application: str, module: str) -> str:
    """Deploy a publication of the original by hand, as its manual says, and start an application."""
    deployed = names(artifacts)
    for env_name in ("cpython-3.11", "framework-cli", application):
        (archive,) = artifacts.glob(f"{deployed[env_name]}-linux_x86_64-*.tar.xz")
        with tarfile.open(archive) as packed:
            packed.extractall(place, filter="fully_trusted")
        post_install = [sys.executable, "-I", place / deployed[env_name] / "postinstall.py"]
        subprocess.run(post_install, check=True, capture_output=True)
    return run([str(place / deployed[application] / "bin/python"), "-I", "-m", module], place).strip()


@pytest.mark.parametrize("original", ["0.4.1", "0.5.1", "0.6.0", "0.7.0"], indirect=True)
def test_a_project_goes_on(original: list[str], tree: Path, tmp_path: Path) -> None:
    base = tmp_path / "project"
    base.mkdir()
    specification = base / "venvstacks.toml"
    specification.write_text(SPECIFICATION, encoding="utf-8")
    for name in ("plain.py", "numbered.py"):
        (base / name).write_text(LAUNCH, encoding="utf-8")
    make_wheel(base / "wheels", "frog", "1.0")
    make_wheel(base / "wheels", "frog", "1.1")
    make_wheel(base / "wheels", "newt", "1.0", requires=["frog"])
    run([*original, "lock", "venvstacks.toml", *OFFLINE], base)
    specification.write_text(SPECIFICATION.replace("frog==1.0", "frog>=1.1"), encoding="utf-8")
    run([*original, "lock", "venvstacks.toml", *OFFLINE], base)
    # --clean, since 0.5.1 takes the folders that its own lock leaves behind for environments
    run([*original, "build", "venvstacks.toml", "--clean", "--no-lock", "--publish", "--tag-outputs", *OFFLINE], base)
    artifacts = base / "_artifacts"
    published, deployed = digests(artifacts), names(artifacts)
    assert deployed["framework-cli"] == "framework-cli@2"
    assert run_original_application(artifacts, tmp_path / "by-hand", "app-plain", "plain") == "frog 1.1"

    text = specification.read_text(encoding="utf-8")
    source = f'{{ url = "python.tar.gz", sha256 = "{pack_python(tree, base / "python.tar.gz")}" }}'
    archives = f'[tool.venvstacks.runtime-archives."{PYTHON}"]\nlinux_x86_64 = {source}\n'
    options = f'[tool.venvstacks]\nruntime-providers = ["archive"]\n\n{archives}\n'
    specification.write_text(options + text, encoding="utf-8")
    make_wheel(base / "wheels", "frog", "2.0")
    assert "has the form of venvstacks 0.2 to 0.7" in ours("build", base, *OFFLINE, expected=4)
    printed = ours("lock", base, *OFFLINE)
    assert "frog" not in printed
    ours("build", base, "--publish", "--tag-outputs", *OFFLINE)
    assert names(artifacts) == deployed
    assert {name: digest for name, digest in digests(artifacts).items() if name in published} == published
    deploy = [sys.executable, "-m", "venvstacks", "deploy", str(artifacts), "--to", str(tmp_path / "installed")]
    run(deploy, base)
    for application in ("plain", "numbered"):
        start = [sys.executable, "-m", "venvstacks", "exec", str(tmp_path / "installed"), application]
        assert run(start, base).strip() == "frog 1.1"

    ours("lock", base, "--upgrade", *OFFLINE)
    ours("build", base, "--publish", "--tag-outputs", *OFFLINE)
    assert names(artifacts)["framework-cli"] == "framework-cli@3"
    assert {name: digest for name, digest in digests(artifacts).items() if name in published} == published
