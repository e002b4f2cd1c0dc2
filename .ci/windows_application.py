"""An application for Windows that Linux builds: scikit-learn, and a library of a lower layer that an extension needs.

NumPy, SciPy and a package with a DLL are in frameworks; scikit-learn and an extension module that needs the DLL are in
the application. It is built without an emulator (headers are checked), deployed by Windows' own Python, and started;
and it is started from the build folder through Wine by `venvstacks run --platform`, after its imports were checked.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from tried_stack import fail, here, say
from windows_libraries import importing_library
from wine_machine import PYTHON_VERSION, Machine

from tests.support.handmade_wheels import make_wheel
from tests.support.specifications import application, framework, runtime_of_archive

LAYERS = (
    framework("numbers", requirements=["numpy==2.4.6", "scipy==1.17.1"])
    + framework("tarn", "numbers", requirements=["tarn"])
    + application("flowers", "tarn", requirements=["scikit-learn==1.9.1", "newt"])
)
APPLICATION = """\
import sys
from pathlib import Path

import newt
import sklearn
from sklearn.datasets import load_iris
from sklearn.neighbors import KNeighborsClassifier

iris = load_iris()
known = KNeighborsClassifier().fit(iris.data, iris.target)
kinds = [str(iris.target_names[kind]) for kind in known.predict(iris.data[[0, 75, 149]])]
layers = ("flowers" in sklearn.__file__, "flowers" in newt.__file__, len(newt.UuidCreate()))
understood = (Path("übung 日本.txt").read_text("utf-8") == "Fröschlein", sys.argv[1:] == ["a b", "ü 日本"])
print(sys.platform, *kinds, *layers, *understood)
"""
PRINTED = "win32 setosa versicolor virginica True True 16 True True\n"
WHEELS = ("--local-wheels", "wheels")
ARGUMENTS = ("a b", "ü 日本")
COMPILED_LEAST = {"numbers": 100, "tarn": 1, "flowers": 50}


def application(machine: Machine) -> None:
    """Build the application on this machine, and start it on the other one in both ways."""
    folder = machine.folder / "application/dep ü 日本"
    _write_stack(machine, folder)
    here(folder, "lock", *WHEELS, limit=600)
    here(folder, "build", "--publish", "--platform", "win_amd64", *WHEELS, limit=900)
    _check_headers(folder)
    say("scikit-learn and a DLL of a lower layer: built on this machine, and no library is missing")
    _start_in_both_ways(machine, folder)
    say("scikit-learn and a DLL of a lower layer: deployed and started by Windows' Python, and through the emulator")


def _start_in_both_ways(machine: Machine, folder: Path) -> None:
    """Deploy and start the application on Windows; check its imports and start it through Wine from this machine."""
    for command in (("deploy", "_artifacts", "--to", "deployed"), ("exec", "deployed", "flowers", *ARGUMENTS)):
        done = machine.run_python("-m", "venvstacks", *command, cwd=folder, limit=900)
        if done.status:
            fail(f"`venvstacks {' '.join(command)}` under Wine, exit status {done.status}:\n{done.output}")
    _compare("exec", done.output)
    specification = folder / "venvstacks.toml"
    emulators = f"emulators = {{ win_amd64 = [{json.dumps(str(machine.emulator))}] }}\n"
    specification.write_text(specification.read_text("utf-8").replace("archive-level", f"{emulators}archive-level"))
    _compare("run", here(folder, "run", "--platform", "win_amd64", "flowers", *ARGUMENTS, limit=1800))
    logs = [path.read_text("utf-8") for path in sorted((folder / "_build").rglob("check*.log"))]
    if not any(str(machine.emulator) in log for log in logs):
        fail(f"imports were not checked through the emulator: {logs}")
    for command in (
        ("verify", "--include", "py", *WHEELS),
        ("why", "archive:app-flowers"),
        ("show",),
        ("cache-key",),
    ):
        here(folder, command[0], "--platform", "win_amd64", *command[1:], limit=600)


def _write_stack(machine: Machine, folder: Path) -> None:
    """Write everything that the stack is made of. The DLL is one of Python's extension modules."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    tag = "py3-none-win_amd64"
    library = (machine.python.parent / "DLLs/_uuid.pyd").read_bytes()
    extension = importing_library("newt.pyd", "PyInit_newt", "tarn.dll", "PyInit__uuid")
    make_wheel(wheels, "tarn", "1.0", files={"tarn/__init__.py": b"", "tarn/tarn.dll": library}, tag=tag)
    make_wheel(wheels, "newt", "1.0", files={"newt.pyd": extension}, tag=tag, requires=["tarn"])
    shutil.copy(machine.runtime_archive, folder)
    sha256 = hashlib.sha256(machine.runtime_archive.read_bytes()).hexdigest()
    python = {"platform": "win_amd64", "version": PYTHON_VERSION, "settings": "archive-level = 1\n"}
    text = runtime_of_archive(machine.runtime_archive.name, sha256, **python) + LAYERS
    (folder / "venvstacks.toml").write_text(text, "utf-8")
    (folder / "flowers.py").write_text(APPLICATION, "utf-8")
    (folder / "übung 日本.txt").write_text("Fröschlein", "utf-8")


def _check_headers(folder: Path) -> None:
    """All compiled files were looked at, and find every library that they need."""
    for path in sorted(folder.glob("_artifacts/__venvstacks__/env_metadata/*.json")):
        layer = json.loads(path.read_bytes())
        found = layer["venvstacks"]["static_check"]
        least = COMPILED_LEAST.get(layer["layer_name"].partition("-")[2], 0)
        if found["compiled_files"] < least or found["missing_libraries"]:
            fail(f"headers of {layer['layer_name']}: {found}")


def _compare(command: str, printed: str) -> None:
    if PRINTED not in printed:
        fail(f"`venvstacks {command}` prints: {printed}")
