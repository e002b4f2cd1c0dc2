"""A CPython reduced to what makes environments and starts small programs: quick to compress with one thread."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

_LEFT_OUT = (
    *("__pycache__", "include", "config-*", "test", "tests", "ctypes", "curses", "dbm", "distutils", "ensurepip"),
    *("idlelib", "lib2to3", "pydoc_data", "sqlite3", "tkinter", "turtledemo", "unittest", "wsgiref"),
    *("turtle.py", "pydoc.py", "doctest.py", "_pydecimal.py", "cp1*.py", "cp8*.py", "mac_*.py", "iso*.py"),
    *("_codecs_*", "_curses*", "_ctypes*", "_dbm*", "_sqlite3*", "_test*", "_tkinter*", "_xx*", "xxlimited*"),
)
"""Modules that neither pip nor either program needs."""


def reduce_python(tree: Path, place: Path) -> Path:
    """A copy of a relocatable Python for Linux, without large modules and without symbols of compiled files."""
    shutil.copytree(tree, place, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    compiled = [path for path in place.rglob("*.so*") if not path.is_symlink()]
    for path in (*compiled, place / "bin/python3.11"):
        path.chmod(0o755)
        subprocess.run(["strip", "--strip-unneeded", path], check=True)
    return place


def pack_python(tree: Path, archive: Path) -> str:
    """Write a tree as a `.tar.gz` that the provider `archive` takes; returns its SHA-256."""
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        packed.add(tree, "python")
    return hashlib.sha256(archive.read_bytes()).hexdigest()
