"""Handmade layers, linked with this program's own texts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from venvstacks._injected import layer_chain, postinstall
from venvstacks.actions.building.compiled_files import read_compiled_files
from venvstacks.digests import scan_tree
from venvstacks.linking.borrowing import Lower, library_needs, named_libraries
from venvstacks.linking.chain import Chain, LowerPackages, own_pth_files
from venvstacks.linking.dynlibs import LibrarySearch, find_libraries
from venvstacks.linking.layer_config import LayerConfig, LayerPaths, layered_config
from venvstacks.linking.linkage import Linkage
from venvstacks.linking.provided import Provided
from venvstacks.linking.wrapper import wrapper_text
from venvstacks.model.conventions import DYNLIB_DIR, DYNLIB_PATH, LAYER_CONFIG, LAYER_OVERLAY
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
        for link, target in find_libraries(scan_tree(layer), self.search(name)).links.items():
            (layer / DYNLIB_DIR).mkdir(parents=True, exist_ok=True)
            (layer / DYNLIB_DIR / link).symlink_to(target)
        return layer

    def search(self, name: str) -> LibrarySearch:
        layer = self.folder / name
        return LibrarySearch(PLATFORMS["linux_x86_64"], SITE, lambda path: exports_module_init(layer / path))

    def provided(self, name: str) -> Provided:
        """What a layer provides to those above it."""
        layer = self.folder / name
        entries = scan_tree(layer / SITE)
        compiled = read_compiled_files(layer, [replace(entry, path=f"{SITE}/{entry.path}") for entry in entries])
        found = find_libraries(scan_tree(layer), self.search(name))
        objects = {one.path: compiled.get(one.path, Linkage()) for one in found.libraries}
        return Provided({one.name: one.sha256 for one in found.libraries}, pth_files(layer / SITE), objects=objects)

    def paths(self, name: str) -> LayerPaths:
        """Where that layer has what."""
        return LayerPaths(name, "bin/python", SITE)

    def link(self, name: str, *frameworks: str) -> Path:
        """Link a layer to those below, as the link step does; returns its Python."""
        layer = self.folder / name
        lower = [Lower(one, one, self.provided(one)) for one in frameworks]
        own = read_compiled_files(layer, scan_tree(layer))
        links = named_libraries(library_needs(own, own, lower).unreached, lower, DYNLIB_PATH)
        config = layered_config(
            self.paths(name), PY_VERSION, frameworks=[self.paths(lower) for lower in frameworks], runtime=RUNTIME
        )
        config = replace(config, dynlib_path=DYNLIB_PATH if links else None)
        write_atomically(layer / LAYER_CONFIG, config.text)
        write_atomically(layer / LAYER_OVERLAY, json.dumps({"links": links}))
        self._write_chain(layer, config)
        if links:
            self._write_wrapper(layer)
        shutil.copyfile(str(postinstall.__file__), layer / "postinstall.py")
        return layer / "bin/python"

    def _write_wrapper(self, layer: Path) -> None:
        inner = f"libexec/{VERSIONED}"
        for path, target in {inner: f"../../runtime/bin/{VERSIONED}", f"bin/{VERSIONED}": "python"}.items():
            (layer / path).parent.mkdir(exist_ok=True)
            (layer / path).unlink(missing_ok=True)
            (layer / path).symlink_to(target)
        write_atomically(layer / "bin/python", wrapper_text("LD_LIBRARY_PATH", inner, DYNLIB_PATH))
        (layer / "bin/python").chmod(0o755)

    def _write_chain(self, layer: Path, config: LayerConfig) -> None:
        below = tuple(LowerPackages(folder, pth_files(layer / folder)) for folder in config.pylib_dirs)
        wrapper = "bin/python" if config.dynlib_path else None
        chain = Chain(SITE, PY_VERSION, pth_files(layer / SITE), below, wrapper, "LD_LIBRARY_PATH")
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
