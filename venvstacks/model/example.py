"""The example stack that `venvstacks init` writes."""

from __future__ import annotations

from collections.abc import Mapping

SPECIFICATION = "venvstacks.toml"
APPLICATION = "hello"

_IGNORED = ("_build", "_artifacts", "_export")

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


def example_files(version: tuple[int, int, int]) -> Mapping[str, str]:
    """The files by name: a specification, the module that it launches, and the files for git to ignore.

    Args:
        version: The version of the runtime's Python.
    """
    major, minor, _ = version
    specification = _SPECIFICATION.format(
        minor=f"{major}.{minor}", version=".".join(map(str, version)), application=APPLICATION
    )
    return {
        SPECIFICATION: specification,
        f"{APPLICATION}.py": _LAUNCH_MODULE,
        ".gitignore": "".join(f"/{folder}/\n" for folder in _IGNORED),
    }
