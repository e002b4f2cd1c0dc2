"""What a layer provides to the layers above it, in addition to the packages that they import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from venvstacks.linking.dynlibs import SharedLibrary
from venvstacks.linking.linkage import Linkage


@dataclass(frozen=True)
class Provided:
    """The facts about a layer that linking the layers above depends on; they change less often than its files.

    Attributes:
        libraries: Shared libraries in `share/venv/dynlib`: name to the SHA-256 of the content.
        pth_files: Names of the `.pth` files in its site-packages.
        left_out: Names of which the layer has several libraries with different content; those are in no
            `share/venv/dynlib`.
        objects: Its shared libraries, and links of such names: path to what they need.
        data: Files that its packages have outside site-packages: path to the SHA-256 of the content.
        packages: Top-level folders of packages in site-packages: name to a digest of whose files are in it. The lists
            themselves are read from RECORD files where layers share a folder.
        closed: Package folders in site-packages whose `__init__` hides parts of the package in other layers.
        unreached: Libraries that its compiled files and those of the layers below need, and no run path reaches.
        loaded: Libraries that importing its extension modules loads, by run paths.
        dll_folders: Folders that hold DLLs; empty except on Windows.
    """

    libraries: Mapping[str, str] = field(default_factory=dict)
    pth_files: tuple[str, ...] = ()
    left_out: Mapping[str, tuple[SharedLibrary, ...]] = field(default_factory=dict)
    objects: Mapping[str, Linkage] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    closed: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    loaded: tuple[str, ...] = ()
    dll_folders: tuple[str, ...] = ()
