"""What building for several platforms in one run costs: `python -m benchmarks.all_platforms win_amd64=PYTHON.zip ...`.

The sample stack is built and published for this machine's platform (natively, with import checks), for each other one
alone, and for all in one run, each time in fresh folders and with an empty cache of Pythons; packages come from uv's
cache, which a first run fills. Runtimes are archives: this machine's Python is packed here, those of other platforms
are named on the command line. Figures are processor seconds (user and system) of a run and all its children.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.own_package import processor_seconds
from venvstacks.api import load_project
from venvstacks.digests import sha256_file

_ROOT = Path(__file__).parents[1]
_ONLY_PYTHON = """[tool.venvstacks]
runtime-providers = ["host"]
[[runtimes]]
name = "py"
python_implementation = "{python}"
requirements = []
"""
_BUILD = (sys.executable, "-m", "venvstacks", "build", "venvstacks.toml", "--publish")


def pack_own_python(folder: Path, python: str) -> Path:
    """An archive of a Python of this machine, made relocatable by the provider `host`."""
    folder.mkdir()
    (folder / "venvstacks.toml").write_text(_ONLY_PYTHON.format(python=python), "utf-8")
    processor_seconds([*_BUILD, "--lock-if-needed"], folder)
    runtime = folder / "_build/py"
    shutil.rmtree(runtime / "share/venv")
    return Path(shutil.make_archive(str(folder / "python"), "gztar", folder / "_build", "py"))


def write_project(folder: Path, python: str, archives: Mapping[str, Path]) -> None:
    """The sample stack on one Python, for the platforms of the archives, with locks."""
    made = shutil.ignore_patterns("_build", "_artifacts", "_export", "requirements")
    shutil.copytree(_ROOT / "sample_project", folder, ignore=made)
    spec = folder / "venvstacks.toml"
    text = spec.read_text("utf-8").replace('["standalone", "host"]', '["archive"]')
    text = text.replace("cpython@3.12.1", python).replace("cpython@3.11.7", python)
    platforms = f"platforms = {json.dumps([*archives])}\n"
    text = text.replace("requirements = []\n\n[[frameworks]]", f"requirements = []\n{platforms}\n[[frameworks]]")
    text = text.replace("# shared by everything on this Python\n", f"\n{platforms}")
    text = text.replace('platforms = ["win_amd64", "linux_x86_64", "macosx_arm64"]\n', "")
    lines = [f'[tool.venvstacks.runtime-archives."{python}"]']
    for name, path in archives.items():
        lines.append(f'{name} = {{ url = "{path.resolve()}", sha256 = "{sha256_file(path)}" }}')
    spec.write_text("\n".join([text, *lines, ""]), "utf-8")
    processor_seconds([sys.executable, "-m", "venvstacks", "lock", "venvstacks.toml"], folder)


def measure(folder: Path, platforms: Sequence[str]) -> float:
    """Processor seconds of building and publishing for some platforms, with nothing built before."""
    for name in ("_build", "_artifacts", "cache"):
        shutil.rmtree(folder / name, ignore_errors=True)
    os.environ["VENVSTACKS_CACHE"] = str(folder / "cache")
    return processor_seconds([*_BUILD, *(f"--platform={name}" for name in platforms)], folder)


def main() -> None:
    """Measure, and print the seconds of each run and how they compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default="cpython@3.11.7", help="which Python all archives hold")
    parser.add_argument("archives", nargs="+", metavar="PLATFORM=FILE", help="a Python for another platform")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        own = pack_own_python(Path(place, "python"), arguments.python)
        host = load_project(Path(place, "python/venvstacks.toml")).configuration.host
        assert host is not None  # noqa: S101 - it was built for
        others = (text.partition("=") for text in arguments.archives)
        archives = {host.name: own, **{name: Path(file) for name, _, file in others}}
        folder = Path(place, "sample")
        write_project(folder, arguments.python, archives)
        measure(folder, [*archives])
        found = {name: round(measure(folder, [name]), 2) for name in archives}
        together = round(measure(folder, [*archives]), 2)
    alone = sum(found.values())
    native = found[host.name] * len(found)
    ratios = {"to_each_alone": round(together / alone, 2), "to_native_times": round(together / native, 2)}
    print(json.dumps({"alone": found, "together": together, **ratios}, indent=2))


if __name__ == "__main__":
    main()
