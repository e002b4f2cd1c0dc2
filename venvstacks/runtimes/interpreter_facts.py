"""What a prepared Python uses, as JSON on standard output: `python -I -B -W ignore interpreter_facts.py MODULE...`.

Run by a runtime's interpreter, and by the one that it was copied from. It prints the texts and flags that are compiled
into the interpreter, which of the modules can be imported, and which files are in its memory after that.
"""

import importlib
import json
import os
import platform
import sys
import sysconfig


def _importable(names: "list[str]") -> "list[str]":
    found = []
    for name in names:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001, S112 - however it fails, it cannot be used
            continue
        found.append(name)
    return found


def _mapped_files() -> "list[str]":
    """Paths of the files that are mapped into this process's memory (Linux); empty on other systems."""
    if not os.path.exists("/proc/self/maps"):  # noqa: PTH110 - only what is asked for is to be loaded
        return []
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:  # noqa: PTH123
        return sorted({line.rstrip("\n").split(None, 5)[5] for line in maps if "/" in line})


def main(names: "list[str]") -> None:
    """Import the modules `names` and print what this interpreter uses."""
    modules = _importable(names)
    answer = {
        "version": platform.python_version(),
        "traits": [sys.version, sys.copyright, sys.platform, sys.platlibdir, sysconfig.get_platform(), repr(sys.flags)],
        "prefix": sys.prefix,
        "packages": sysconfig.get_path("purelib"),
        "config": {name: value for name, value in sysconfig.get_config_vars().items() if isinstance(value, str)},
        "modules": modules,
        "mapped": _mapped_files(),
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
