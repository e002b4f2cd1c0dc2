"""What an interpreter is, as JSON on standard output: `python -I -S -B interpreter_identity.py`.

Run by the interpreters that are found on this machine, without `site` and `sysconfig`, in 10 ms. A virtual environment
answers for the Python that it is based on. What does not run this file is no CPython that could become a runtime.
"""

import json
import os
import sys


def _loaded_libpython() -> "str | None":
    if not os.path.exists("/proc/self/maps"):  # noqa: PTH110 - pathlib would take longer than everything else
        return None
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:  # noqa: PTH123
        loaded = sorted({line.rstrip("\n").split(None, 5)[5] for line in maps if "/libpython" in line})
    return loaded[0] if loaded else None


def main() -> None:
    """Print what this interpreter is."""
    own = os.path.join(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")  # noqa: PTH118
    answer = {
        "implementation": sys.implementation.name,
        "version": ".".join(map(str, sys.version_info[:3])),
        "variant": sys.abiflags + ("" if sys.version_info[3] == "final" else sys.version_info[3]),
        "system": sys.platform,
        "machine": os.uname().machine,
        "prefix": sys.base_prefix,
        "executable": os.path.realpath(own if os.path.exists(own) else sys.executable),  # noqa: PTH110
        "library": os.path.dirname(os.__file__),  # noqa: PTH120
        "libpython": _loaded_libpython(),
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
