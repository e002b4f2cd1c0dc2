"""The description of a layer, `venvstacks_layer.json`, with relative paths to the layers below it.

Post-install reads it on the user's machine, and so do programs that embed layers. All its paths are relative to the
layer's own folder; `../<deployed name>/...` leads to another layer, whose folder is in the same folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from venvstacks.model.conventions import DYNLIB_DIR

ON_DEPLOY = "on-deploy"


@dataclass(frozen=True)
class LayerPaths:
    """The paths in a layer that other layers refer to, relative to that layer's own folder, with forward slashes.

    Attributes:
        deployed_name: Name of the layer's folder where it is deployed.
        python: What users start.
        site_dir: The folder that its packages are installed into.
        dynlib_dir: The folder of its published shared libraries, which is missing where it publishes none.
    """

    deployed_name: str
    python: str
    site_dir: str
    dynlib_dir: str = DYNLIB_DIR

    def next_to(self, path: str) -> str:
        """`path`, relative to this layer's folder, as another layer refers to it."""
        return f"../{self.deployed_name}/{path}"


@dataclass(frozen=True)
class LayerConfig:
    """The content of `venvstacks_layer.json`.

    Attributes:
        python: What users start, below the layer's own folder.
        py_version: The Python's version, `X.Y.Z`.
        base_python: The Python of the runtime; equals `python` in a runtime.
        site_dir: Where the layer's own packages are.
        pylib_dirs: Where the packages of the layers below are, in import order; empty in a runtime.
        dynlib_dirs: Where each layer below publishes its shared libraries if it has any, in import order. A layer's own
            libraries are not in it: its packages find those by their own means, as they do in any environment.
        launch_module: What an application is run with after `-m`; None for other layers.
        launch_names: What an application is run with under other names, by name; the file has it only if there are any.
        desktop: How desktops show an application, with the path of its icon in the layer; None where nothing is said.
        bytecode: When bytecode is made: `on-deploy` (by post-install; the file does not name this default), `shipped`
            with the layer, or `none`: by the first import of each module.
        dynlib_path: The folder of libraries that the layer's Python is a wrapper for; None where it is no wrapper.
    """

    python: str
    py_version: str
    base_python: str
    site_dir: str
    pylib_dirs: tuple[str, ...] = ()
    dynlib_dirs: tuple[str, ...] = ()
    launch_module: str | None = None
    launch_names: Mapping[str, str] = field(default_factory=dict)
    desktop: Mapping[str, object] | None = None
    bytecode: str = ON_DEPLOY
    dynlib_path: str | None = None

    @property
    def text(self) -> str:
        """The exact text of the file: sorted keys, two-space indent, ASCII only, final newline."""
        content: dict[str, object] = {
            "base_python": self.base_python,
            "dynlib_dirs": self.dynlib_dirs,
            "py_version": self.py_version,
            "pylib_dirs": self.pylib_dirs,
            "python": self.python,
            "site_dir": self.site_dir,
        }
        if self.launch_module is not None:
            content["launch_module"] = self.launch_module
        if self.launch_names:
            content["launch_names"] = dict(self.launch_names)
        if self.desktop:
            content["desktop"] = dict(self.desktop)
        if self.bytecode != ON_DEPLOY:
            content["bytecode"] = self.bytecode
        if self.dynlib_path is not None:
            content["dynlib_path"] = self.dynlib_path
        return json.dumps(content, sort_keys=True, indent=2) + "\n"


def runtime_config(layer: LayerPaths, py_version: str) -> LayerConfig:
    """The description of a runtime: a Python of its own, with nothing below it."""
    return LayerConfig(layer.python, py_version, layer.python, layer.site_dir)


def layered_config(
    layer: LayerPaths,
    py_version: str,
    *,
    frameworks: Sequence[LayerPaths] = (),
    runtime: LayerPaths,
    launch_module: str | None = None,
) -> LayerConfig:
    """The description of a framework or application.

    Args:
        layer: The layer itself.
        py_version: `X.Y.Z`.
        frameworks: All frameworks below, in import order (C3, nearest first).
        runtime: The runtime below; it is searched last.
        launch_module: For applications.
    """
    below = (*frameworks, runtime)
    return LayerConfig(
        python=layer.python,
        py_version=py_version,
        base_python=runtime.next_to(runtime.python),
        site_dir=layer.site_dir,
        pylib_dirs=tuple(lower.next_to(lower.site_dir) for lower in below),
        dynlib_dirs=tuple(lower.next_to(lower.dynlib_dir) for lower in below),
        launch_module=launch_module,
    )
