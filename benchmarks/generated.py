"""Stacks of any number of layers over handmade wheels: many small layers, so that what a layer costs can be seen.

One runtime; half of the rest are frameworks, every fourth of which stands on the one before; the other half are
applications on one or two frameworks. Every layer but the runtime brings a package of its own, and all of those need
one package that the runtime provides.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.support.handmade_wheels import make_wheel

_MODULES = 20
_DATA_BLOCKS = 2_000  # of 32 bytes that do not compress


def write_generated(layers: int, folder: Path, spec: str, provider: str) -> None:
    """Write a stack of `layers` layers into `folder`: the specification, launch modules, and wheels for all of it."""
    frameworks = [f"f{number:03}" for number in range(1, (layers - 1) // 2 + 1)]
    applications = [f"a{number:03}" for number in range(1, layers - len(frameworks))]
    modules = folder / "modules"
    modules.mkdir()
    for name in applications:
        (modules / f"{name}.py").write_text(f"import bench_{name}\n\nprint(bench_{name}.__name__)\n", encoding="utf-8")
    make_wheel(folder / "wheels", "bench-base", "1.0", files=_files("base"))
    for name in (*frameworks, *applications):
        make_wheel(folder / "wheels", f"bench-{name}", "1.0", files=_files(name), requires=["bench-base"])
    tables = [_runtime(provider)]
    tables += [_framework(name, number) for number, name in enumerate(frameworks)]
    tables += [_application(name, number, frameworks) for number, name in enumerate(applications)]
    (folder / spec).write_text("\n".join(tables), encoding="utf-8")


def _files(name: str) -> dict[str, bytes]:
    package = f"bench_{name}"
    data = b"".join(hashlib.sha256(f"{name} {block}".encode()).digest() for block in range(_DATA_BLOCKS))
    files = {f"{package}/__init__.py": f'"""Package of layer {name}."""\n'.encode(), f"{package}/data.bin": data}
    for number in range(_MODULES):
        lines = [f"def function_{line}(value):\n    return value * {line} + {number}\n" for line in range(20)]
        files[f"{package}/module_{number:02}.py"] = "\n".join(lines).encode()
    return files


def _runtime(provider: str) -> str:
    return f"""\
[tool.venvstacks]
runtime-providers = ["{provider}"]

[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
requirements = ["bench-base"]
"""


def _framework(name: str, number: int) -> str:
    below = f'frameworks = ["f{number:03}"]' if number % 4 == 3 else 'runtime = "py"'  # the one before: counted from 1
    return f"""\
[[frameworks]]
name = "{name}"
{below}
requirements = ["bench-{name}"]
"""


def _application(name: str, number: int, frameworks: list[str]) -> str:
    # Later frameworks come first: one that stands on another has to be named before it.
    chosen = sorted({frameworks[number % len(frameworks)], frameworks[number * 7 % len(frameworks)]}, reverse=True)
    return f"""\
[[applications]]
name = "{name}"
launch_module = "modules/{name}.py"
frameworks = [{", ".join(f'"{framework}"' for framework in chosen)}]
requirements = ["bench-{name}"]
"""
