"""Fake Pythons for all six platforms, in the shape and under the names of python-build-standalone's archives."""

from __future__ import annotations

import struct

from tests.support.mach_files import mach_file
from tests.support.packed_pythons import pack
from venvstacks.model.platforms import TargetPlatform

VERSION = "3.12.11"
_ELF = {"x86_64": 62, "aarch64": 183}
_PE = {"amd64": 0x8664, "arm64": 0xAA64}
_HEADER = f'#define PY_VERSION "{VERSION}"\n'.encode()


def program(platform: TargetPlatform) -> bytes:
    """The headers of a program for a platform."""
    if platform.system == "linux":
        return b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack("<HHI", 2, _ELF[platform.machine], 1) + bytes(40)
    if platform.system == "macosx":
        return mach_file(platform.machine)
    return b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80) + bytes(64) + b"PE\0\0" + _pe(platform) + bytes(40)


def _pe(platform: TargetPlatform) -> bytes:
    return struct.pack("<H", _PE[platform.machine])


def packed_python(platform: TargetPlatform) -> bytes:
    """A `.tar.gz` with a Python for a platform below `python/`."""
    if platform.is_windows:
        files = {
            "python.exe": program(platform), "pythonw.exe": program(platform), "python312.dll": program(platform),
            "include/patchlevel.h": _HEADER, "Lib/os.py": b"# os\n", "Lib/site-packages/pip/__init__.py": b"",
            "Lib/venv/scripts/nt/python.exe": program(platform), "Lib/venv/scripts/nt/pythonw.exe": program(platform),
            "Scripts/pip.exe": program(platform),
        }  # fmt: skip
        return pack(files, {})
    files = {
        "bin/python3.12": program(platform), "bin/pip3": b"#!/install/bin/python3.12\n",
        "include/python3.12/patchlevel.h": _HEADER, "lib/python3.12/os.py": b"# os\n",
        "lib/python3.12/site-packages/pip/__init__.py": b"",
    }  # fmt: skip
    return pack(files, {"bin/python3": "python3.12", "bin/python": "python3.12"})
