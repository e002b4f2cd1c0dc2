"""Deltas between two versions of a real layer, beside `zstd --patch-from` on the tar: one command.

    python -m benchmarks.deltas
    python -m benchmarks.deltas --layer onnxruntime
    python -m benchmarks.deltas --kills 200

The layer `scientific` is numpy 2.3.2, scipy 1.16.1 and scikit-learn 1.7.1 for Linux on x86-64, and one patch release
later of each; the other ones are single packages, torch that for Windows. uv fetches the wheels from the index that it
is configured for. Reported are bytes, processor seconds and the largest resident size of each step, each in a process
of its own. What results is compared file by file. The rows of zstd and bsdiff need `zstd` and the package `bsdiff4`.

With `--kills`, updates by deltas of handmade layers are killed, or fail, at steps at random; every file is compared
after each.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.measure import Place, Sample, measure
from tests.support.killed_updates import disturbed_updates
from venvstacks.archives.expected import ExpectedTree, expect
from venvstacks.archives.member_contents import Contents
from venvstacks.archives.members import members
from venvstacks.archives.unpack import unpack_archive
from venvstacks.archives.write_archive import ArchiveRequest, write_archive
from venvstacks.deltas.apply_delta import Update, apply_deltas
from venvstacks.deltas.make_delta import DeltaRequest, write_delta
from venvstacks.deltas.old_version import OldVersion
from venvstacks.digests import scan_tree
from venvstacks.records.file_lists import FileManifest
from venvstacks.tools.process import Processes
from venvstacks.tools.uv import find_uv

LAYERS = {
    "scientific": (
        ("numpy==2.3.2", "scipy==1.16.1", "scikit-learn==1.7.1"),
        ("numpy==2.3.3", "scipy==1.16.2", "scikit-learn==1.7.2"),
    ),
    "onnxruntime": (("onnxruntime==1.22.0",), ("onnxruntime==1.22.1",)),
    "transformers": (("transformers==4.56.1",), ("transformers==4.56.2",)),
    "torch": (("torch==2.12.1",), ("torch==2.13.0",)),
}
PLATFORMS = {"torch": "x86_64-pc-windows-msvc"}
TOP = "framework"
_TARGET = ("--python-version", "3.12", "--only-binary", ":all:", "--python-platform")
_THREADS = 2


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark, or one step of it."""
    if arguments and arguments[0] in _STEPS:
        _STEPS[arguments[0]](Path(arguments[1]))
        return 0
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deltas", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=0, help="disturb so many updates instead of measuring")
    parser.add_argument("--seed", type=int, default=1, help="for the steps that are disturbed (default: 1)")
    parser.add_argument("--begin", type=int, default=0, help="leave out so many of them, which another run has done")
    parser.add_argument("--layer", choices=LAYERS, default="scientific", help="what is updated (default: scientific)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="venvstacks-deltas-") as name:
        if options.kills:
            for line in disturbed_updates(Path(name), options.kills, options.seed, begin=options.begin):
                print(line, flush=True)
            print("each left the old state or the new one, with every file as published")
        else:
            _measure_all(Path(name), options.layer)
    return 0


def _measure_all(folder: Path, layer: str) -> None:
    target = (*_TARGET, PLATFORMS.get(layer, "x86_64-manylinux_2_28"))
    place = Place(Path(__file__).parents[1], dict(os.environ), folder / "log")
    for name, packages in zip(("old", "new"), LAYERS[layer], strict=True):
        tree = [*target, "--target", str(folder / name), "--link-mode", "copy"]
        measure([[str(find_uv()), "pip", "install", "--no-deps", *tree, *packages]], place, Processes())
        with tarfile.open(folder / f"{name}.tar", "w") as tar:
            tar.add(folder / name, TOP, filter=_without_owner)
        (folder / f"{name}.files").write_bytes(FileManifest.of(_contents(folder / name).members).packed())
    steps: Mapping[str, Sequence[str]] = {
        step: [sys.executable, "-m", "benchmarks.deltas", step, str(folder)] for step in _STEPS
    }
    tars = [str(folder / "old.tar"), str(folder / "new.tar"), str(folder / "patch.zst")]
    rows = [
        ("write the full archive", "new.tar.zst", measure([steps["archive"]], place, Processes())),
        ("archive of changed files", "changed.tar.zst", measure([steps["changed"]], place, Processes())),
        ("make the delta", "delta", measure([steps["make"]], place, Processes())),
        ("unpack the full archive", "new.tar.zst", measure([steps["unpack"]], place, Processes())),
        ("apply the delta", "delta", measure([steps["apply"]], place, Processes())),
    ]
    if zstd := shutil.which("zstd"):
        argv = [zstd, "-q", "-10", "--long=28", f"--patch-from={tars[0]}", tars[1], "-o", tars[2]]
        rows.append(("zstd -10 --patch-from", "patch.zst", measure([argv], place, Processes())))
    if importlib.util.find_spec("bsdiff4"):
        rows.append(("bsdiff, file by file", "bsdiff", measure([steps["bsdiff"]], place, Processes())))
    if scan_tree(folder / "updated" / TOP) != scan_tree(folder / "unpacked" / TOP):
        raise SystemExit("the delta gives other files")
    full = (folder / "new.tar.zst").stat().st_size
    print(f"{'':26}{'bytes':>12}{'ratio':>8}{'CPU s':>8}{'MB':>7}")
    for title, file, sample in rows:
        print(_row(title, (folder / file).stat().st_size, full, sample))


def _without_owner(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    return info


def _row(title: str, size: int, full: int, sample: Sample) -> str:
    return f"{title:26}{size:12,}{size / full:8.3f}{sample.cpu_seconds:8.1f}{sample.peak_bytes / 1e6:7.0f}"


def _contents(tree: Path) -> Contents:
    return Contents(members(scan_tree(tree), TOP), tree)


def _expected(tree: Path) -> ExpectedTree:
    return expect(FileManifest.unpack(tree.with_suffix(".files").read_bytes()).entries(), TOP)


def _archive(folder: Path) -> None:
    write_archive(ArchiveRequest(_contents(folder / "new"), folder / "new.tar.zst", 0, threads=_THREADS))


def _changed(folder: Path) -> None:
    """Archive the files whose content the old version does not have."""
    known = {entry.sha256 for entry in scan_tree(folder / "old")}
    listed = members([entry for entry in scan_tree(folder / "new") if entry.sha256 not in known], TOP)
    request = ArchiveRequest(Contents(listed, folder / "new"), folder / "changed.tar.zst", 0, threads=_THREADS)
    write_archive(request)


def _bsdiff(folder: Path) -> None:
    """Write the patch of each changed file that had the same name; an empty file in place of other ones."""
    diff = importlib.import_module("bsdiff4").diff
    known = {entry.sha256 for entry in scan_tree(folder / "old")}
    with (folder / "bsdiff").open("wb") as stream:
        for entry in scan_tree(folder / "new"):
            before = folder / "old" / entry.path
            if not entry.is_link and entry.sha256 not in known:
                old = before.read_bytes() if before.is_file() else b""
                stream.write(diff(old, (folder / "new" / entry.path).read_bytes()))


def _make(folder: Path) -> None:
    old = OldVersion(folder / "old", tuple(_expected(folder / "old").entries.values()))
    with (folder / "delta").open("wb") as stream:
        write_delta(DeltaRequest(old, _contents(folder / "new"), folder, _THREADS), stream)


def _unpack(folder: Path) -> None:
    (folder / "unpacked").mkdir()
    unpack_archive(folder / "new.tar.zst", _expected(folder / "new"), folder / "unpacked")


def _apply(folder: Path) -> None:
    (folder / "updated").mkdir()
    old = OldVersion(folder / "old", tuple(_expected(folder / "old").entries.values()))
    apply_deltas(Update(old, [folder / "delta"], _expected(folder / "new"), folder / "updated"))


_STEPS: Mapping[str, Callable[[Path], None]] = {
    "archive": _archive, "changed": _changed, "bsdiff": _bsdiff, "make": _make, "unpack": _unpack, "apply": _apply
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
