"""Unpack published archives as a user would, with the system's tar; fit them to their place; run the applications.

Usage: `python unpacked.py ARTIFACTS FOLDER`. Fails if an application does, or does not print what it should.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

EXPECTED = {
    "scipy_import": "hands of 5 out of 52 cards: 2598960",
    "scipy_client": "🐸 frog: +25.0% a year",
    "_launch_pond_survey": "20 animals of 3 kinds",
    "sklearn_import": "flowers recognised: 3",
}
NOTHING_OF_OURS = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


def main(artifacts: Path, folder: Path) -> None:
    """Unpack and run everything that the manifest names."""
    folder.mkdir(parents=True)
    layers = json.loads((artifacts / "__venvstacks__/venvstacks.json").read_text("utf-8"))["layers"]
    for kind in ("runtimes", "frameworks", "applications"):
        for layer in layers[kind]:
            install(artifacts / layer["archive_name"], folder, layer)
    ran = [run(folder, layer) for layer in layers["applications"]]
    if sorted(ran) != sorted(EXPECTED):
        sys.exit(f"ran {ran} instead of {sorted(EXPECTED)}")
    print(f"{len(ran)} applications ran in {folder}")


def install(archive: Path, folder: Path, layer: dict[str, Any]) -> None:
    """Unpack one layer and run its post-install script with the Python of its runtime."""
    subprocess.run(["tar", "--extract", "--zstd", "--file", archive, "--directory", folder], check=True)
    python = folder / layer.get("runtime_layer", layer["install_target"]) / "bin/python3"
    script = folder / layer["install_target"] / "postinstall.py"
    subprocess.run([python, "-I", script], check=True, env=NOTHING_OF_OURS)


def run(folder: Path, layer: dict[str, Any]) -> str:
    """Run one application; its launch module's name."""
    module = str(layer["app_launch_module"])
    command = [folder / layer["install_target"] / "bin/python", "-m", module]
    done = subprocess.run(command, check=True, env=NOTHING_OF_OURS, cwd="/", capture_output=True, text=True)
    print(f"{layer['install_target']}:\n{done.stdout}", end="")
    if EXPECTED[module] not in done.stdout:
        sys.exit(f"{module} did not print {EXPECTED[module]!r}")
    return module


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
