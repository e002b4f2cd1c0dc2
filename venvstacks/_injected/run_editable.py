"""Starts a module with editable packages in place of installed ones: `run_editable.py <folders> <module> [args]`.

The folders, a JSON array, are processed like site-packages (`.pth` files and import hooks of build backends), and are
searched first. Any Python from 3.8 on may run this file, so it needs the standard library only.
"""

from __future__ import annotations

import json
import runpy
import site
import sys


def put_first(folders: list[str]) -> None:
    """Add folders to the places that imports search, before all others."""
    paths, finders = list(sys.path), list(sys.meta_path)
    for folder in folders:
        site.addsitedir(folder)
    sys.path[:] = [path for path in sys.path if path not in paths] + paths
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in finders] + finders


if __name__ == "__main__":
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]  # the folder of this file
    put_first(json.loads(sys.argv[1]))
    sys.argv[:] = sys.argv[2:]
    runpy._run_module_as_main(sys.argv[0])  # type: ignore[attr-defined] # noqa: SLF001 - what `python -m` calls
