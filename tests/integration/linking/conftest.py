"""Handmade layers, linked with this program's own texts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from venvstacks._injected import layer_chain, postinstall
from venvstacks.digests import scan_tree
from venvstacks.linking.chain import Chain, LowerPackages, own_pth_files
from venvstacks.linking.dynlibs import LibrarySearch, find_libraries
from venvstacks.linking.layer_config import LayerConfig, LayerPaths, layered_config
from venvstacks.linking.wrapper import needs_wrapper, wrapper_text
from venvstacks.model.conventions import DYNLIB_DIR, LAYER_CONFIG
from venvstacks.model.platforms import PLATFORMS
from venvstacks.tools.files import write_atomically
from venvstacks.tools.symbols import exports_module_init

VERSIONED = f"python{sys.version_info.major}.{sys.version_info.minor}"
SITE = f"lib/{VERSIONED}/site-packages"
RUNTIME = LayerPaths("runtime", "bin/python", SITE)
PY_VERSION = ".".join(map(str, sys.version_info[:3]))


def call(argv: Sequence[str | Path], *, cwd: Path | None = None, **variables: str) -> str:
    """What a child prints; nothing of this process's environment but `variables` reaches it."""
    done = subprocess.run(argv, cwd=cwd, env=variables, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert done.stderr == b""
    return done.stdout.decode()


@dataclass
class Layers:
    """A folder of layers. The runtime in it is a link to the Python that runs the tests."""

    folder: Path

    def add(self, name: str, files: Mapping[str, bytes]) -> Path:
        """A layered environment with `files` in its site-packages, and its shared libraries published."""
        layer = self.folder / name
        call([self.folder / "runtime/bin" / VERSIONED, "-m", "venv", "--without-pip", "--symlinks", layer])
        for path, content in files.items():
            write_atomically(layer / SITE / path, content)
        interpreter = layer / "bin" / VERSIONED
        interpreter.unlink()  # an absolute link would not survive a move
        interpreter.symlink_to(f"../../runtime/bin/{VERSIONED}")
        search = LibrarySearch(PLATFORMS["linux_x86_64"], SITE, lambda path: exports_module_init(layer / path))
        for link, target in find_libraries(name, scan_tree(layer), search).links.items():
            (layer / DYNLIB_DIR).mkdir(parents=True, exist_ok=True)
            (layer / DYNLIB_DIR / link).symlink_to(target)
        return layer

    def paths(self, name: str) -> LayerPaths:
        """Where that layer has what."""
        published = (self.folder / name / DYNLIB_DIR).is_dir()
        return LayerPaths(name, "bin/python", SITE, DYNLIB_DIR if published else None)

    def link(self, name: str, *frameworks: str) -> Path:
        """Link a layer to those below, as the link step does; returns its Python."""
        layer = self.folder / name
        config = layered_config(
            self.paths(name), PY_VERSION, frameworks=[self.paths(lower) for lower in frameworks], runtime=RUNTIME
        )
        write_atomically(layer / LAYER_CONFIG, config.text)
        self._write_chain(layer, config)
        if needs_wrapper(config.dynlib_dirs):
            folders = [f"../{folder}" for folder in config.dynlib_dirs]
            write_atomically(layer / "bin/python", wrapper_text("LD_LIBRARY_PATH", VERSIONED, folders))
            (layer / "bin/python").chmod(0o755)
        shutil.copyfile(str(postinstall.__file__), layer / "postinstall.py")
        return layer / "bin/python"

    def _write_chain(self, layer: Path, config: LayerConfig) -> None:
        below = tuple(LowerPackages(folder, pth_files(layer / folder)) for folder in config.pylib_dirs)
        wrapper = "bin/python" if needs_wrapper(config.dynlib_dirs) else None
        chain = Chain(SITE, PY_VERSION, pth_files(layer / SITE), below, wrapper)
        for path, text in chain.files(Path(layer_chain.__file__).read_text("utf-8")).items():
            write_atomically(layer / path, text)


def pth_files(folder: Path) -> tuple[str, ...]:
    return own_pth_files([f"{SITE}/{path.name}" for path in folder.glob("*.pth")], SITE)


def make_layers(folder: Path) -> Layers:
    """An empty folder of layers with a runtime in it."""
    if sys.platform != "linux":
        pytest.skip("needs Linux")
    folder.mkdir(parents=True)
    (folder / "runtime").symlink_to(sys.base_prefix)
    return Layers(folder)


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    return make_layers(tmp_path / "🐸 and 🦎")
