"""Bytecode compared with its sources: `python -I -S -B compare_bytecode.py LIST`, run by a layer's own Python.

LIST is a JSON file with a list of pairs: a bytecode file and its source. Printed is a JSON list of the indexes at which
Python would run bytecode that is not what it compiles from the source. Bytecode that Python would not use, such as that
of an older source, is passed over. Standard library only; the bytecode is loaded as a value, and never run.
"""

import importlib.util
import json
import marshal
import re
import sys
import types
from pathlib import Path

_HEADER = 16
_HASHED = 0b01


def differs(bytecode: Path, source: Path) -> bool:
    """Whether Python would run something else than the source."""
    data = bytecode.read_bytes()
    if len(data) < _HEADER or data[:4] != importlib.util.MAGIC_NUMBER:
        return False
    content, info = source.read_bytes(), source.stat()
    times = (int(info.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little"), (info.st_size & 0xFFFFFFFF).to_bytes(4, "little")
    if not data[4] & _HASHED and data[8:_HEADER] != b"".join(times):
        return False  # Python compiles the source again
    level = re.search(r"\.opt-([12])\.pyc$", bytecode.name)
    try:
        found = marshal.loads(data[_HEADER:])  # noqa: S302 - makes values, and is not run
        wanted = compile(content, str(source), "exec", dont_inherit=True, optimize=int(level[1]) if level else 0)
    except Exception:  # noqa: BLE001 - damaged bytecode, or a source that cannot be compiled
        return True
    return not isinstance(found, types.CodeType) or _placeless(found) != _placeless(wanted)


def _placeless(code: types.CodeType) -> bytes:
    """Everything that a code object holds, except the name of its file, in one spelling."""
    return marshal.dumps([_plain(code)], 2)  # version 2 has no references, which depend on what else is loaded


def _plain(value: object) -> object:
    if isinstance(value, types.CodeType):
        names = [name for name in dir(value) if name.startswith("co_") and name not in {"co_filename", "co_consts"}]
        parts = [(name, getattr(value, name)) for name in names if not callable(getattr(value, name))]
        return [
            *((name, part) for name, part in parts if name != "co_lnotab"),
            [_plain(one) for one in value.co_consts],
        ]
    if isinstance(value, tuple):
        return tuple(_plain(one) for one in value)
    if isinstance(value, frozenset):
        return ("frozenset", sorted(repr(one) for one in value))
    return value


def main(listing: str) -> None:
    """Compare all pairs."""
    pairs = json.loads(Path(listing).read_bytes())
    sys.stdout.write(json.dumps([number for number, pair in enumerate(pairs) if differs(*map(Path, pair))]))


if __name__ == "__main__":
    main(sys.argv[1])
