"""Start-up of an application in three layers with 200 shared libraries, against a plain virtual environment.

`python -m benchmarks.layered_start`: both are started in turn, many times, and processor time is counted, so that a
busy machine does not matter. The second pair loads an extension module whose libraries are in the lowest layer. Needs
gcc, uv, and an installed CPython of the version of this Python.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.compiled_wheels import LIBRARY_SOURCE, MODULE_SOURCE, compile_c
from tests.support.handmade_wheels import make_wheel
from venvstacks.api import Request, load_project, run
from venvstacks.loading.options import Options

VERSION = "{}.{}.{}".format(*sys.version_info[:3])
_SPECIFICATION = f"""\
[tool.venvstacks]
runtime-providers = ["host"]

[[runtimes]]
name = "py"
python_implementation = "cpython@{VERSION}"
requirements = []
platforms = ["linux_{platform.machine()}"]

[[frameworks]]
name = "low"
runtime = "py"
requirements = ["libraries"]

[[frameworks]]
name = "middle"
frameworks = ["low"]
requirements = ["middle"]

[[applications]]
name = "layered"
frameworks = ["middle"]
requirements = ["newt"]
launch_module = "probe.py"

[[applications]]
name = "flat"
runtime = "py"
requirements = ["libraries", "middle", "newt"]
launch_module = "probe.py"
"""


def make_stack(base: Path, libraries: int) -> None:
    """Build and export two applications with the same packages: in three layers, and in one."""
    work, wheels, linux = base / "work", base / "wheels", f"manylinux_2_28_{platform.machine()}"
    library = work / "libfrog.so.1"
    compile_c(LIBRARY_SOURCE.replace("@LEGS@", "4"), library, "-Wl,-soname,libfrog.so.1")
    module = work / "newt.abi3.so"
    source = MODULE_SOURCE.replace("@NAME@", "newt")
    compile_c(source, module, f"-L{work}", "-l:libfrog.so.1", "-Wl,-rpath,$ORIGIN/libraries/lib")
    files = {f"libraries/lib/libother{number}.so.1": library.read_bytes() for number in range(libraries - 1)}
    files |= {"libraries/lib/libfrog.so.1": library.read_bytes(), "libraries/__init__.py": b""}
    make_wheel(wheels, "libraries", "1.0", files=files, tag=f"py3-none-{linux}")
    make_wheel(wheels, "middle", "1.0")
    make_wheel(wheels, "newt", "1.0", files={"newt.abi3.so": module.read_bytes()}, tag=f"cp311-abi3-{linux}")
    (base / "probe.py").write_text("import newt\n", "utf-8")
    (base / "venvstacks.toml").write_text(_SPECIFICATION, "utf-8")
    options = Options(local_wheels=("wheels",), use_index=False)
    report = run(load_project(base / "venvstacks.toml", options), Request(("lock", "build", "export")))
    if report.failures:
        raise SystemExit("\n".join(str(outcome.error) for outcome in report.failures))


def alternate(commands: Sequence[Sequence[str | Path]], rounds: int) -> list[list[float]]:
    """Milliseconds of processor time of each start but the first of each command; the commands take turns."""
    taken: list[list[float]] = [[] for _ in commands]
    for number in range(rounds + 1):
        for command, found in zip(commands, taken, strict=True):
            child = os.posix_spawn(command[0], [str(word) for word in command], {"PATH": os.environ["PATH"]})
            _, status, usage = os.wait4(child, 0)
            if status:
                raise SystemExit(f"cannot be started: {command}")
            if number:
                found.append((usage.ru_utime + usage.ru_stime) * 1000)
    return taken


def make_plain(export: Path) -> None:
    """A virtual environment without any chain, `plain`, with the packages of `app-flat`."""
    subprocess.run([export / "py/bin/python", "-m", "venv", "--without-pip", export / "plain"], check=True)
    site = next((export / "app-flat/lib").glob("python*/site-packages"))
    target = export / "plain" / site.relative_to(export / "app-flat")
    shutil.copytree(site, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*venvstacks*"))


def compare(export: Path, code: str, rounds: int) -> dict[str, float]:
    """Medians of both, the median of their differences, and the difference of the least values."""
    pythons = [export / name / "bin/python" for name in ("plain", "app-layered")]
    flat, layered = alternate([[python, "-c", code] for python in pythons], rounds)
    extra = statistics.median(two - one for one, two in zip(flat, layered, strict=True))
    named = {"plain": statistics.median(flat), "layered": statistics.median(layered), "extra": extra}
    named["extra of least"] = min(layered) - min(flat)
    return {name: round(value, 2) for name, value in named.items()}


def main() -> None:
    """Measure, and print milliseconds as JSON."""
    parser = argparse.ArgumentParser(description="Measure the start-up of layered applications.")
    parser.add_argument("--rounds", type=int, default=200, help="starts of each")
    parser.add_argument("--libraries", type=int, default=200, help="shared libraries in the lowest layer")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_stack(Path(folder), options.libraries)
        make_plain(Path(folder, "_export"))
        for what, code in {"start": "pass", "import": "import newt, middle; newt.legs()"}.items():
            print(json.dumps({what: compare(Path(folder, "_export"), code, options.rounds)}), flush=True)


if __name__ == "__main__":
    main()
