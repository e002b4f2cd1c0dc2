"""PyTorch for CUDA in one layer, NVIDIA's libraries in the layer below: locked, built, published, deployed, updated.

    python -m benchmarks.cuda_layers --local-wheels FOLDER... [--output FILE]

Needs 20 GB of disk, an installed CPython 3.11.7, and an index for what the folders do not have. Nothing is excluded by
hand. A graphics card is not needed: importing loads all of NVIDIA's libraries.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.measure import Place, Sample, measure
from venvstacks.tools.process import Processes

_NVIDIA = (
    "cuda-toolkit[cublas,cudart,cufft,cufile,cupti,curand,cusolver,cusparse,nvjitlink,nvrtc,nvtx]==13.0.3",
    "nvidia-cudnn-cu13==9.24.0.43",
    "nvidia-cusparselt-cu13==0.8.1",
    "nvidia-nccl-cu13==2.30.7",
    "nvidia-nvshmem-cu13==3.4.5",
)
"""What torch 2.14.1 requires: layers are locked from the lowest up, so the lowest one has to name these versions."""

_SPECIFICATION = f"""\
[tool.venvstacks]
runtime-providers = ["host"]

[[runtimes]]
name = "python"
python_implementation = "cpython@3.11.7"
requirements = []
platforms = ["linux_x86_64"]

[[frameworks]]
name = "cuda"
runtime = "python"
requirements = {json.dumps(_NVIDIA)}

[[frameworks]]
name = "torch"
frameworks = ["cuda"]
requirements = ["torch==2.14.1"]

[[applications]]
name = "check"
frameworks = ["torch"]
launch_module = "check.py"
requirements = []
"""
_APPLICATION = """\
import torch, torch.distributed
print(torch.__version__, torch.version.cuda, (torch.ones(3, 3) @ torch.ones(3, 3)).sum().item())
"""


class _Stack:
    """The stack in its folder."""

    def __init__(self, folder: Path, local_wheels: list[str]) -> None:
        self.folder = folder
        self.wheels = [option for one in local_wheels for option in ("--local-wheels", one)]
        environment = {**os.environ, "VENVSTACKS_CACHE": str(folder / "cache")}
        self.place = Place(folder, environment, folder / "log.txt")
        (folder / "venvstacks.toml").write_text(_SPECIFICATION, "utf-8")
        (folder / "check.py").write_text(_APPLICATION, "utf-8")

    def run(self, command: str, *arguments: str) -> Sample:
        """Run a command of this product.

        Raises:
            MeasurementError: It failed.
        """
        taken = measure([[sys.executable, "-m", "venvstacks", command, *arguments]], self.place, Processes())
        shown = f"{taken.seconds:.1f} s, CPU {taken.cpu_seconds:.1f} s, {taken.peak_bytes / 1e6:.0f} MB"
        print(f"{command}: {shown}", flush=True)
        return taken

    def change_one_line(self) -> None:
        """Change the application."""
        with (self.folder / "check.py").open("a", encoding="utf-8") as module:
            module.write("print('changed')\n")

    def sizes(self) -> dict[str, int]:
        """Bytes of each archive."""
        return {path.name: path.stat().st_size for path in sorted((self.folder / "_artifacts").glob("*.tar.*"))}


def run_all(stack: _Stack) -> dict[str, Sample]:
    """Every step once, from nothing; what each took."""
    spec, deploy = "venvstacks.toml", ("deploy", "_artifacts", "--to", "products")
    taken = {
        "lock": stack.run("lock", spec, *stack.wheels),
        "build": stack.run("build", spec, *stack.wheels),
        "publish": stack.run("publish", spec),
        "deploy": stack.run(*deploy),
        "start": stack.run("exec", "products", "check"),
    }
    taken["start again"] = stack.run("exec", "products", "check")
    stack.change_one_line()
    taken["one line changed: build and publish"] = stack.run("build", spec, "--publish")
    taken["one line changed: deploy"] = stack.run(*deploy)
    return taken


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cuda_layers", description=__doc__.splitlines()[0])
    parser.add_argument("--local-wheels", action="append", required=True, help="a folder of wheels")
    parser.add_argument("--output", type=Path, help="a file that takes the results as JSON")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="venvstacks-cuda-"))
    try:
        stack = _Stack(folder, options.local_wheels)
        taken = run_all(stack)
        print(stack.place.log.read_text("utf-8").splitlines()[-1], stack.sizes())
        if options.output:
            found = {"steps": {name: asdict(one) for name, one in taken.items()}, "archives": stack.sizes()}
            options.output.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
