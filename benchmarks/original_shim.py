"""Starts the original with one function of it replaced: the one that gets a Python for a runtime layer.

Run by the interpreter of the original's own virtual environment, with the original's arguments. The original gets
Pythons by downloading an archive with pdm and unpacking it, every time that it makes a runtime layer's environment.
Machines without access to those downloads could not run it at all, and elsewhere the network would be measured. Here
that step copies a tree that lies ready instead: the one that the other contestant builds its runtime layers from as
well. Copying is less work than downloading and unpacking, so the original gains by it.

Replaced is `venvstacks.stacks._pdm_python_install(target_path, request)`, which returns the folder that it has filled
below `target_path`, for requests such as `cpython@3.11.7`. Nothing else is changed.

Environment:
    BENCHMARK_RUNTIMES: JSON object, request to the folder of the tree.
"""

import importlib
import json
import os
import shutil
import sys
from pathlib import Path

_REPLACED = "_pdm_python_install"


def lay_down_runtime(target_path: Path, request: str) -> Path:
    """Copy the tree that serves `request`, and return where it is now."""
    tree = json.loads(os.environ["BENCHMARK_RUNTIMES"])[request]
    destination = Path(target_path) / request
    shutil.rmtree(destination, ignore_errors=True)
    shutil.copytree(tree, destination, symlinks=True)
    return destination


def main() -> None:
    """Replace the function and hand over to the original's command line."""
    stacks = importlib.import_module("venvstacks.stacks")  # the original's, in its own virtual environment
    if not hasattr(stacks, _REPLACED):
        sys.exit("this release of the original gets its Pythons in another way; the shim has to learn it")
    setattr(stacks, _REPLACED, lay_down_runtime)
    importlib.import_module("venvstacks.cli").main()


if __name__ == "__main__":
    main()
