"""The example stack that `venvstacks init` writes."""

from __future__ import annotations

from collections.abc import Mapping

SPECIFICATION = "venvstacks.toml"
APPLICATION = "hello"

IGNORED = "/_build/\n/_artifacts/\n/_export/\n"
"""What git ignores: everything that can be made again."""

_SPECIFICATION = """\
# A stack of layered Python environments, for venvstacks. Layers refer to layers that are declared above them.

# A Python, and packages that all layers above share.
[[runtimes]]
name = "cpython-{minor}"
python_implementation = "cpython@{version}"
requirements = []
# Default: all six. Every package needs a wheel for each.
# platforms = ["linux_x86_64", "macosx_arm64", "win_amd64"]

# Packages that several applications use.
[[frameworks]]
name = "text"
runtime = "cpython-{minor}"
requirements = ["rich"]

# A module to launch, and all packages that it imports, also those of frameworks.
[[applications]]
name = "{application}"
launch_module = "{application}.py"
frameworks = ["text"]
requirements = ["rich"]

[tool.venvstacks]
# Where Pythons come from, in order: portable builds, or else an installed Python of exactly this version.
runtime-providers = ["standalone", "host"]
"""

_LAUNCH_MODULE = '''\
"""Say hello, and with which Python."""

import platform

from rich.console import Console

if __name__ == "__main__":
    Console().print(f"Hello from Python [bold]{platform.python_version()}[/bold]")
'''


_SECOND = """
# A second application on the same framework: its users fetch the framework only once.
[[applications]]
name = "layers"
launch_module = "layers.py"
frameworks = ["text"]
requirements = ["rich"]
"""

_SECOND_MODULE = '''\
"""Show where packages are imported from: each folder is a layer."""

import sys

from rich.console import Console

if __name__ == "__main__":
    for place in sys.path:
        Console().print(place)
'''


def example_files(version: tuple[int, int, int], *, is_shared: bool = False) -> Mapping[str, str]:
    """The files by name: a specification, the modules that it launches, and the files for git to ignore.

    Args:
        version: The version of the runtime's Python.
        is_shared: Whether there are two applications, which share the framework.
    """
    major, minor, _ = version
    specification = _SPECIFICATION.format(
        minor=f"{major}.{minor}", version=".".join(map(str, version)), application=APPLICATION
    )
    files = {SPECIFICATION: specification, f"{APPLICATION}.py": _LAUNCH_MODULE, ".gitignore": IGNORED}
    if is_shared:
        before, tools, after = specification.partition("\n[tool.venvstacks]")
        files |= {SPECIFICATION: f"{before}{_SECOND}{tools}{after}", "layers.py": _SECOND_MODULE}
    return files
