"""What runs at every start of a layered environment's Python: the hooks of the layers below.

Linking writes this file into the site-packages of each framework and application as `_venvstacks_layers.py`, with
that layer's values at its end. The line `import _venvstacks_layers; _venvstacks_layers.start()` of `+venvstacks.pth`
runs it. Any Python from 3.8 on imports it at every start, so it imports nothing that `site` has not loaded by then.
"""

import os
import site
import sys

BELOW: "tuple[str, ...]" = ()
"""Site-packages of the layers below, nearest first, relative to the folder of this file."""

PTH_FILES: "tuple[tuple[int, str], ...]" = ()
"""The `.pth` files of the layers below in the order of running: place in `BELOW`, and file name."""

DLL_FOLDERS: "tuple[str, ...]" = ()
"""Folders of the layers below that hold DLLs, relative to the folder of this file; empty except on Windows."""

WRAPPER = ""
"""The wrapper that children have to be started with, relative to the folder of this file; empty if there is none."""

LIBRARY_VARIABLE = ""
"""The variable that the wrapper adds a folder to; empty if there is none."""

_started: "list[bool]" = []


def start() -> None:
    """Make the packages of the layers below importable, and run their `.pth` files, lower layers first."""
    if _started:  # up to Python 3.13, a virtual environment processes its .pth files twice
        return
    _started.append(True)
    folders = _folders_below()
    known = {os.path.normcase(path) for path in sys.path}  # else `addpackage` would look at all of them each time
    for index, name in PTH_FILES:
        site.addpackage(folders[index], name, known)
    if WRAPPER:  # children that run this Python need it, too
        sys.executable = os.path.normpath(os.path.join(os.path.dirname(__file__), WRAPPER))
        _restore_variable()
    for folder in DLL_FOLDERS:
        place = os.path.join(_here(), folder)
        if os.path.isdir(place):
            os.add_dll_directory(os.path.normpath(place))  # type: ignore[attr-defined]


def _folders_below() -> "list[str]":
    """The site-packages of the layers below, all of which are on `sys.path` afterwards.

    The lines of the `.pth` file have put them there, unless the layer is reached through a link whose neighbours are
    other folders, or a layer's name is not ASCII: up to Python 3.12, such files are read in the encoding of the locale.
    """
    here = os.path.dirname(__file__)
    folders = [os.path.normpath(os.path.join(here, path)) for path in BELOW]
    for index, folder in enumerate(folders):
        if folder not in sys.path:
            folders[index] = os.path.normpath(os.path.join(_here(), BELOW[index]))
            if folders[index] not in sys.path:
                sys.path.append(folders[index])
    return folders


def _restore_variable() -> None:
    """Take out of the environment what the wrapper has added: it is not for the programs that this process starts.

    The dynamic linker read the variable when the process started.
    """
    added = os.environ.pop("VENVSTACKS_LIBRARY_PATH", None)
    if added is None or LIBRARY_VARIABLE not in os.environ:
        return
    rest = os.pathsep.join(path for path in os.environ[LIBRARY_VARIABLE].split(os.pathsep) if path != added)
    if rest:
        os.environ[LIBRARY_VARIABLE] = rest
    else:
        del os.environ[LIBRARY_VARIABLE]


def _here() -> str:
    """The real folder of this file, whose neighbours are the layers below."""
    return os.path.dirname(os.path.realpath(__file__))
