"""Layers for macOS with real wheels, built on Linux: does every compiled file find its libraries?

NumPy, SciPy, scikit-learn and PyArrow for both processors, PyTorch and MLX for `arm64`, which alone has them. Nothing
is started: the headers say which libraries each file needs. Python is a stand-in with the headers of one.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tried_stack import fail, here, say

from tests.support.six_pythons import VERSION, packed_python
from tests.support.specifications import application, framework, runtime
from venvstacks.model.platforms import PLATFORMS

ARM, INTEL = "macosx_arm64", "macosx_x86_64"
LAYERS = (
    framework("numbers", requirements=["numpy==2.5.5", "scipy==1.18.1"])
    + framework("learning", "numbers", requirements=["scikit-learn==1.9.1", "pyarrow==26.0.1"])
    + framework(
        "tensors", "learning", requirements=["torch==2.11.0", "mlx==0.29.3"], platforms=[ARM], macosx_target="13.5"
    )
    + application("flowers", "learning")
    + application("thoughts", "tensors", platforms=[ARM])
)
LEAST = {ARM: 250, INTEL: 235}
"""How many compiled files there are at least in the layers for a platform."""


def macos_wheels(folder: Path) -> None:
    """Build the layers, and compare what the check of headers found."""
    project = folder / "macos"
    _write_stack(project)
    here(project, "lock", limit=900)
    for platform, least in LEAST.items():
        here(project, "build", "--publish", "--platform", platform, limit=1800)
        found = _static_checks(project, platform)
        files = {name: check["compiled_files"] for name, check in found.items()}
        missing = {name: check["missing_libraries"] for name, check in found.items() if check["missing_libraries"]}
        say(f"{platform}: {sum(files.values())} compiled files {files}, missing libraries: {missing or 'none'}")
        if sum(files.values()) < least or missing:
            fail(f"headers of layers for {platform}: {found}")


def _static_checks(project: Path, platform: str) -> dict[str, dict[str, int]]:
    """The results that were published, by layer."""
    manifest = json.loads((project / f"_artifacts/__venvstacks__/venvstacks-{platform}.json").read_bytes())
    layers = [layer for group in manifest["layers"].values() for layer in group]
    return {layer["layer_name"]: layer["venvstacks"]["static_check"] for layer in layers}


def _write_stack(project: Path) -> None:
    project.mkdir(parents=True)
    archives = []
    for platform in LEAST:
        content = packed_python(PLATFORMS[platform])
        (project / f"python-{platform}.tar.gz").write_bytes(content)
        place = {"url": f"python-{platform}.tar.gz", "sha256": hashlib.sha256(content).hexdigest()}
        archives.append(f'{platform} = {{ url = "{place["url"]}", sha256 = "{place["sha256"]}" }}\n')
    head = '[tool.venvstacks]\nruntime-providers = ["archive"]\narchive-level = 1\n\n'
    table = f'[tool.venvstacks.runtime-archives."cpython@{VERSION}"]\n' + "".join(archives) + "\n"
    python = runtime(python_implementation=f"cpython@{VERSION}", platforms=[*LEAST])
    (project / "venvstacks.toml").write_text(head + table + python + LAYERS, "utf-8")
    for name in ("flowers", "thoughts"):
        (project / f"{name}.py").write_text("", "utf-8")
