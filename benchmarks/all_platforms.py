"""Benchmark of building for several platforms in one run, against one run for each platform.

    python -m benchmarks.all_platforms --python cpython@3.11.7 win_amd64=PYTHON.zip linux_aarch64=PYTHON.tar.gz

The sample stack is built and published, each time in fresh folders and with an empty cache of Pythons: for this
machine's platform alone (natively, with import checks), for each other one alone, and for all in one run. The runs take
turns. Packages come from uv's cache, which a first run fills. Runtimes are archives: this machine's Python is packed
here, and those of other platforms are named on the command line. They may be other patch versions, since nothing is
started: they are packed again without C headers, which are all that declares the version.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.measure import Place, Sample, measure
from benchmarks.own_package import processor_seconds
from venvstacks.api import load_project
from venvstacks.digests import sha256_file
from venvstacks.tools.process import Processes

_ROOT = Path(__file__).parents[1]
_ONLY_PYTHON = """[tool.venvstacks]
runtime-providers = ["host"]
[[runtimes]]
name = "py"
python_implementation = "{python}"
requirements = []
"""
_VENVSTACKS = (sys.executable, "-m", "venvstacks")
_BUILD = (*_VENVSTACKS, "build", "venvstacks.toml", "--publish", "--locked")


def pack_own_python(folder: Path, python: str) -> Path:
    """An archive of a Python of this machine, made relocatable by the provider `host`."""
    folder.mkdir()
    (folder / "venvstacks.toml").write_text(_ONLY_PYTHON.format(python=python), "utf-8")
    processor_seconds([*_VENVSTACKS, "build", "venvstacks.toml", "--lock-if-needed"], folder)
    runtime = folder / "_build/py"
    shutil.rmtree(runtime / "share/venv")
    return Path(shutil.make_archive(str(folder / "python"), "gztar", folder / "_build", "py"))


def pack_without_headers(archive: Path, folder: Path) -> Path:
    """A copy of a Python's archive, for another platform, that declares no patch version."""
    unpacked = folder / "unpacked"
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as pack:
            pack.extractall(unpacked)  # noqa: S202 - named by whoever runs the benchmark
    else:
        with tarfile.open(archive) as pack:
            pack.extractall(unpacked, filter="tar")
    for headers in [path for path in unpacked.rglob("[Ii]nclude") if path.is_dir()]:
        shutil.rmtree(headers)
    return Path(shutil.make_archive(str(folder / "python"), "gztar", unpacked))


def write_project(folder: Path, python: str, archives: Mapping[str, Path]) -> None:
    """The sample stack on one Python, for the platforms of the archives, with locks."""
    made = shutil.ignore_patterns("_build", "_artifacts", "_export", "requirements")
    shutil.copytree(_ROOT / "sample_project", folder, ignore=made)
    spec = folder / "venvstacks.toml"
    text = spec.read_text("utf-8").replace('["standalone", "host"]', '["archive"]')
    text = text.replace("cpython@3.12.1", python).replace("cpython@3.11.7", python)
    platforms = f"platforms = {json.dumps([*archives])}\n"
    text = text.replace('platforms = ["win_amd64", "linux_x86_64", "macosx_arm64"]\n', "")
    text = text.replace(f'python_implementation = "{python}"\n', f'python_implementation = "{python}"\n{platforms}')
    lines = [f'[tool.venvstacks.runtime-archives."{python}"]']
    for name, path in archives.items():
        lines.append(f'{name} = {{ url = "{path.resolve()}", sha256 = "{sha256_file(path)}" }}')
    spec.write_text("\n".join([text, *lines, ""]), "utf-8")
    processor_seconds([*_VENVSTACKS, "lock", "venvstacks.toml"], folder)


@dataclass
class Runs:
    """What the runs took, with a project to run in.

    Attributes:
        folder: The project's folder.
        samples: What each run took, by the platform that it was for, or `all`.
        archives: How many archives a run for it published.
    """

    folder: Path
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    archives: dict[str, int] = field(default_factory=dict)

    def run(self, platform: str) -> None:
        """Build and publish for a platform, or for all, with nothing built before."""
        for name in ("_build", "_artifacts", "cache"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        environment = {**os.environ, "VENVSTACKS_CACHE": str(self.folder / "cache")}
        place = Place(self.folder, environment, self.folder / "log.txt")
        taken = measure([[*_BUILD, "--platform", platform]], place, Processes())
        self.samples.setdefault(platform, []).append(taken)
        self.archives[platform] = len([*(self.folder / "_artifacts").glob("*.tar.zst")])
        print(f"{platform}: {taken.cpu_seconds:.1f} s CPU, {taken.seconds:.1f} s", file=sys.stderr, flush=True)

    def medians(self, platform: str) -> dict[str, float]:
        """Seconds of processors and of the clock."""
        samples = self.samples[platform]
        seconds = {"cpu": [one.cpu_seconds for one in samples], "wall": [one.seconds for one in samples]}
        return {name: round(median(values), 2) for name, values in seconds.items()}


def compare(runs: Runs, host: str) -> dict[str, object]:
    """The figures of all runs, and those of the run for all platforms relative to the others."""
    figures = {platform: runs.medians(platform) for platform in runs.samples}
    together = figures.pop("all")
    ratios = {
        kind: {
            "to_each_alone": round(together[kind] / sum(alone[kind] for alone in figures.values()), 2),
            "to_native_times": round(together[kind] / (len(figures) * figures[host][kind]), 2),
        }
        for kind in together
    }
    return {"alone": figures, "all": together, "all_relative": ratios, "archives": runs.archives}


def main() -> None:
    """Measure, and print the seconds of each run and how they compare, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default="cpython@3.11.7", help="this machine's Python, named for all platforms")
    parser.add_argument("--turns", type=int, default=3, help="how often each run is measured")
    parser.add_argument("archives", nargs="+", metavar="PLATFORM=FILE", help="a Python for another platform")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        own = pack_own_python(Path(place, "python"), arguments.python)
        host = load_project(Path(place, "python/venvstacks.toml")).configuration.host
        assert host is not None  # noqa: S101 - it was built for
        archives = {host.name: own}
        for name, _, file in (text.partition("=") for text in arguments.archives):
            archives[name] = pack_without_headers(Path(file), Path(place, name))
        runs = Runs(Path(place, "sample"))
        write_project(runs.folder, arguments.python, archives)
        runs.run("all")
        runs.samples.clear()
        for _ in range(arguments.turns):
            for name in (*archives, "all"):
                runs.run(name)
    print(json.dumps(compare(runs, host.name), indent=2))


if __name__ == "__main__":
    main()
