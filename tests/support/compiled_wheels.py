"""Two small packages in C, as wheels: `frog` carries a shared library, `newt` an extension module that needs it.

`newt` is linked without a run path, so that only the dynamic linker's search path can lead from one to the other: the
situation of PyTorch in one layer and of what was compiled against it in the next.
"""

from __future__ import annotations

import base64
import hashlib
import platform
import shutil
import subprocess
import sysconfig
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

LIBRARY_SOURCE = "int frog_legs(void) { return @LEGS@; }\n"

MODULE_SOURCE = """\
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
int frog_legs(void);
static PyObject *legs(PyObject *self, PyObject *unused) { return PyLong_FromLong(frog_legs()); }
static PyMethodDef methods[] = {{"legs", legs, METH_NOARGS, "How many legs a frog has."}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "@NAME@", NULL, -1, methods};
PyMODINIT_FUNC PyInit_@NAME@(void) { return PyModule_Create(&module); }
"""


@dataclass(frozen=True)
class FrogWheels:
    """The two wheels; `newt` requires `frog`."""

    frog: Path
    newt: Path


def need_compiler() -> None:
    """Skip the calling test where C cannot be compiled for this Python."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        pytest.skip("needs the headers of this Python")


def compile_c(source: str, output: Path, *options: str) -> None:
    """Compile `source` into the shared library `output`; `options` follow it (libraries to link against)."""
    output.parent.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-shared", "-fPIC", "-O1", f"-I{sysconfig.get_path('include')}", "-x", "c", "-", "-x", "none"]
    subprocess.run([*command, *options, "-o", str(output)], input=source, text=True, check=True)


def compile_library(output: Path, *, legs: int = 4) -> None:
    """A shared library with one function, known to those who link against it by its file name."""
    compile_c(LIBRARY_SOURCE.replace("@LEGS@", str(legs)), output, f"-Wl,-soname,{output.name}")


def compile_module(output: Path, library: Path) -> None:
    """An extension module named after its file, linked against `library` without a run path."""
    source = MODULE_SOURCE.replace("@NAME@", output.name.partition(".")[0])
    compile_c(source, output, f"-L{library.parent}", f"-l:{library.name}")


def make_wheel(
    folder: Path, name: str, version: str, tag: str, files: Mapping[str, bytes], *, requires: str = ""
) -> Path:
    """A wheel from a dict of bytes, with the same bytes for the same input."""
    info = f"{name}-{version}.dist-info"
    requirement = f"Requires-Dist: {requires}\n" if requires else ""
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requirement}".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
    }
    record = "".join(f"{path},sha256={_record_hash(data)},{len(data)}\n" for path, data in content.items())
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    wheel = folder / f"{name}-{version}-{tag}.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in content.items():
            member = zipfile.ZipInfo(path)
            member.external_attr = (0o755 if path.endswith(".so") else 0o644) << 16
            archive.writestr(member, data)
    return wheel


def _record_hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def make_frog_wheels(folder: Path, *, legs: int = 4, version: str = "1.0") -> FrogWheels:
    """Both wheels, for CPython 3.11 and later on this machine's kind of Linux.

    `frog` holds `frog/libfrog.so`; `newt` holds `newt.abi3.so`, whose `newt.legs()` asks that library.
    """
    need_compiler()
    work = folder / "compiled"
    library, module = work / "libfrog.so", work / "newt.abi3.so"
    compile_library(library, legs=legs)
    compile_module(module, library)
    place = f"manylinux_2_28_{platform.machine()}"
    frog = {"frog/__init__.py": b"", "frog/libfrog.so": library.read_bytes()}
    newt = {"newt.abi3.so": module.read_bytes()}
    return FrogWheels(
        make_wheel(folder, "frog", version, f"py3-none-{place}", frog),
        make_wheel(folder, "newt", version, f"cp311-abi3-{place}", newt, requires="frog"),
    )
