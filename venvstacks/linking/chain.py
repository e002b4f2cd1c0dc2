"""The files that chain a layer to the layers below it: a `.pth` file with their folders, and a module.

`site` reads the `.pth` files of a folder sorted by name, resolves relative lines from that folder, and appends them to
`sys.path`. Its `import` line runs the module, which is `_injected/layer_chain.py`. A name that begins with
`+` comes before those that packages use, so that the `.pth` files of the layer's own packages can import what layers
below hold. Neither file holds an absolute path: both are shipped.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

MODULE = "_venvstacks_layers"
PTH_NAME = "+venvstacks.pth"
START_NAME = "+venvstacks.start"
CHAIN_FILES = (PTH_NAME, f"{MODULE}.py", START_NAME)
_FIRST_WITH_START_FILES = (3, 15)


@dataclass(frozen=True)
class LowerPackages:
    """A layer below, as far as the chain needs it.

    Attributes:
        site_dir: Its site-packages, relative to the folder of the layer above (`../<deployed name>/...`).
        pth_files: Names of the `.pth` files in it.
        dll_folders: Folders with DLLs, relative to the folder of the layer above; empty except on Windows.
    """

    site_dir: str
    pth_files: tuple[str, ...] = ()
    dll_folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chain:
    """A layer's position in its stack.

    Attributes:
        site_dir: Its own site-packages, relative to its folder.
        py_version: `X.Y.Z`.
        pth_files: Names of the `.pth` files of its own packages.
        below: The layers below in import order.
        wrapper: The Python that users start, relative to the layer's folder, if it is a wrapper; else None.
        library_variable: The variable that the wrapper adds a folder to; empty if there is none.
    """

    site_dir: str
    py_version: str
    pth_files: tuple[str, ...]
    below: tuple[LowerPackages, ...]
    wrapper: str | None = None
    library_variable: str = ""

    def files(self, module_code: str) -> dict[str, str]:
        """Path, relative to the layer's folder, and text of each file to write.

        Args:
            module_code: The code of the module, `_injected/layer_chain.py`.
        """
        texts = {PTH_NAME: self._pth_text(), f"{MODULE}.py": module_code + self._assignments()}
        if _major_minor(self.py_version) >= _FIRST_WITH_START_FILES:  # PEP 829; `import` lines end with Python 3.18
            texts[START_NAME] = f"{MODULE}:start\n"
        return {f"{self.site_dir}/{name}": text for name, text in texts.items()}

    def _pth_text(self) -> str:
        folders = [self._from_site(lower.site_dir) for lower in self.below]
        lines = folders if all(folder.isascii() for folder in folders) else []  # else the module adds them, in order
        head = "# Written by venvstacks: the packages of the layers below."
        return "\n".join([head, *lines, f"import {MODULE}; {MODULE}.start()", ""])

    def _assignments(self) -> str:
        values: dict[str, Sequence[object]] = {
            "BELOW": tuple(self._from_site(lower.site_dir) for lower in self.below),
            "PTH_FILES": tuple(self._pth_files_to_run()),
            "DLL_FOLDERS": tuple(self._from_site(path) for lower in self.below for path in lower.dll_folders),
        }
        if self.wrapper:
            values |= {"WRAPPER": self._from_site(self.wrapper), "LIBRARY_VARIABLE": self.library_variable}
        lines = (f"{name} = {value!a}" for name, value in values.items() if value)
        return "\n".join(["", "# The values of this layer", *lines, ""])

    def _pth_files_to_run(self) -> list[tuple[int, str]]:
        """Lower layers first, sorted by name within one; of several with one name only the uppermost layer's."""
        seen = set(self.pth_files)
        found: list[tuple[int, str]] = []
        for index, lower in enumerate(self.below):
            names = sorted(set(lower.pth_files) - seen)
            seen.update(names)
            found = [*((index, name) for name in names), *found]
        return found

    def _from_site(self, path: str) -> str:
        return posixpath.relpath(f"/layers/own/{path}", f"/layers/own/{self.site_dir}")


def own_pth_files(paths: Sequence[str], site_dir: str) -> tuple[str, ...]:
    """Names of the `.pth` files that `site` runs in a layer's site-packages, without the chain's own."""
    names = (path[len(site_dir) + 1 :] for path in paths if path.startswith(f"{site_dir}/") and path.endswith(".pth"))
    return tuple(sorted(name for name in names if "/" not in name and name[0] != "." and name != PTH_NAME))


def _major_minor(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)
