"""A small environment with everything that is awkward to pack, and what an archive of it must hold."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Iterable
from pathlib import Path

from tests.support.abilities import has_symbolic_links
from venvstacks.archives.member_contents import Contents
from venvstacks.archives.members import Member, is_shipped, members
from venvstacks.digests import scan_tree

TOP = "framework-frogs@3"
EPOCH = 1_700_000_001
ADDED = {"postinstall.py": b"print('ribbit')\n"}
SITE = "lib/python3.11/site-packages"

FILES: dict[str, tuple[bytes, bool]] = {
    "bin/run": (b"#!/bin/sh\nexit 0\n", True),
    f"{SITE}/frogs/__init__.py": (b"", False),
    f"{SITE}/frogs/🐸/🦎.txt": ("🐸 or 🦎\n".encode(), False),
    f"{SITE}/frogs/{'d' * 120}/{'n' * 150}.py": (b"long = True\n", False),
    f"{SITE}/frogs/block.bin": (bytes(range(256)) * 2, False),
    f"{SITE}/frogs/twin-1.txt": (b"twins\n", False),
    f"{SITE}/frogs/twin-2.txt": (b"twins\n", False),
    f"{SITE}/frogs-1.0.dist-info/RECORD": (b"frogs/__init__.py,,\n", False),
    "share/venv/metadata/venvstacks_layer.json": (b"{}\n", False),
}
NOT_SHIPPED = ("pyvenv.cfg", ".hidden/file", f"{SITE}/frogs/__pycache__/x.cpython-311.pyc")
_LINKS = {
    "lib64": "lib",
    "share/venv/dynlib/libfrog.so": f"../../../{SITE}/frogs/block.bin",
    "share/venv/dynlib/🐸.so": "libfrog.so",
    f"share/{'l' * 130}": f"../{SITE}/frogs/{'d' * 120}/{'n' * 150}.py",
}
LINKS = _LINKS if has_symbolic_links() else {}  # archives for Windows hold none


def make_tree(root: Path, *, backwards: bool = False, hard_links: bool = False) -> Path:
    """Write the environment: in another order, or with twins that share an inode, if wanted."""
    names = sorted([*FILES, *NOT_SHIPPED], reverse=backwards)
    for name in names:
        content, executable = FILES.get(name, (b"not shipped", False))
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(0o755 if executable else 0o644)
    if hard_links:
        twin = root / SITE / "frogs/twin-2.txt"
        twin.unlink()
        os.link(root / SITE / "frogs/twin-1.txt", twin)
    for name in sorted(LINKS, reverse=backwards):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(LINKS[name])
    return root


def add_large_files(root: Path) -> None:
    """Some 36 MiB that compress well: several jobs of zstandard, several blocks of xz and of gzip."""
    chance = random.Random(7)
    words = [chance.randbytes(chance.randrange(20, 400)) for _ in range(300)]
    for number, size in enumerate((9 << 20, 27 << 20)):
        text = b"".join(chance.choices(words, k=size // 200))[:size]
        (root / SITE / "frogs" / f"large-{number}.so").write_bytes(text)


def contents_of(root: Path) -> Contents:
    """What is published of a tree."""
    return Contents(members(scan_tree(root, is_shipped), TOP, added=ADDED), root)


Seen = dict[str, tuple[int, bytes | str | None]]


def expected(listed: Iterable[Member], root: Path) -> Seen:
    """Path to mode with file type, and content or link target, as the members have it."""
    seen: Seen = {}
    for member in listed:
        if member.is_folder:
            seen[member.path] = (stat.S_IFDIR | member.mode, None)
        elif member.target is not None:
            seen[member.path] = (stat.S_IFLNK | member.mode, member.target)
        else:
            content = (root / member.source).read_bytes() if member.source else member.content
            seen[member.path] = (stat.S_IFREG | member.mode, content)
    return seen


def on_disk(folder: Path) -> Seen:
    """The same of everything below a folder."""
    seen: Seen = {}
    for place in sorted(folder.rglob("*")):
        path, mode = place.relative_to(folder).as_posix(), place.lstat().st_mode
        if stat.S_ISLNK(mode):
            seen[path] = (mode, str(place.readlink()))
        else:
            seen[path] = (mode, place.read_bytes() if stat.S_ISREG(mode) else None)
    return seen
