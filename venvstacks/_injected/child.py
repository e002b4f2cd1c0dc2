"""What an environment's own Python is asked to do while it is built: `python -I -B child.py <cache> <task> ...`.

Tasks: `venv <folder>` makes a virtual environment as `python -m venv` does; `imports <report> <request>` imports what
a layer declares. Any Python from 3.8 on may run this file, so it needs the standard library only.

The Pythons of environments carry no bytecode. That of whatever is imported here is kept in `<cache>`, by the content of
its source: it serves every environment and build folder, and what was cached for another source is never taken.
`compiling.py` takes it from there for exports.
"""

from __future__ import annotations

import _frozen_importlib_external as external
import _imp
import marshal
import os
import sys

TYPE_CHECKING = False  # typing itself, like everything that is imported before the bytecode cache, would be compiled
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

_POLLUTION = {"benchmarks", "docs", "examples", "scripts", "test", "tests"}
"""Folders that wheels install at the top by mistake; nobody declares a distribution for their sake."""


def use_bytecode_cache(folder: str) -> None:
    """Let imports of this process take bytecode from `folder`, and keep it there."""
    folder = f"{folder}/imported-{sys.implementation.name}-{sys.hexversion:x}-{external.MAGIC_NUMBER.hex()}"
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - pathlib would be one import more
    key = int.from_bytes(external.MAGIC_NUMBER, "little")

    def get_code(self: external.SourceFileLoader, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        place = f"{folder}/{_imp.source_hash(key, source).hex()}-{len(source)}"
        content = _fetch(place, key)
        if content:
            code: CodeType = marshal.loads(content)  # noqa: S302 - as Python does with its own bytecode
            _imp._fix_co_filename(code, path)  # type: ignore[attr-defined] # noqa: SLF001 - as above
        else:
            code = self.source_to_code(source, path)
            content = marshal.dumps(code)
            _keep(place, _imp.source_hash(key, content) + content)
        return code

    external.SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]


def _fetch(place: str, key: int) -> bytes:
    """What was kept at `place`; empty if nothing was, or it has been damaged."""
    try:
        with open(place, "rb", buffering=0) as stream:  # noqa: PTH123
            kept = stream.read()
    except OSError:
        return b""
    return kept[8:] if _imp.source_hash(key, kept[8:]) == kept[:8] else b""


def _keep(place: str, data: bytes) -> None:
    temporary = f"{place}.{os.getpid()}"
    try:
        with open(temporary, "wb") as stream:  # noqa: PTH123
            stream.write(data)
        os.replace(temporary, place)  # noqa: PTH105
    except OSError:
        if os.path.exists(temporary):  # noqa: PTH110
            os.unlink(temporary)  # noqa: PTH108


def make_venv(folder: str) -> None:
    """Make a virtual environment of this Python, without pip."""
    import venv  # noqa: PLC0415 - the bytecode cache comes first

    venv.EnvBuilder(symlinks=os.name != "nt").create(folder)


def top_level_modules(distribution: Any) -> list[str]:  # noqa: ANN401 - importlib.metadata's Distribution
    """The modules that a distribution installs, by the files that it lists, without those that begin with `_`."""
    found: dict[str, None] = {}
    for file in distribution.files or []:
        first, is_module = file.parts[0], file.suffix in {".py", ".so", ".pyd"}
        if len(file.parts) == 1:
            first = first.partition(".")[0]
        if is_module and first.isidentifier() and not first.startswith("_") and first not in _POLLUTION:
            found[first] = None
    return list(found)


def check_distribution(name: str, *, load: bool) -> str:
    """Import the modules of a distribution.

    Args:
        name: The distribution.
        load: Whether to import them in any case. Else it is enough that they are found where the distribution is:
            they were imported there before.

    Returns:
        What is wrong; empty if nothing is.
    """
    import importlib.metadata  # noqa: PLC0415 - the bytecode cache comes first

    sys.argv[:] = ["-c"]  # what packages see that look at it
    try:
        distribution = importlib.metadata.distribution(name)
        place = str(distribution.locate_file(""))
        for module in top_level_modules(distribution):
            if load or not is_found_in(place, module):
                importlib.import_module(module)
    except BaseException as error:  # noqa: BLE001 - whatever a package does when it is imported
        return f"{type(error).__name__}: {error}".strip()
    return ""


def is_found_in(folder: str, module: str) -> bool:
    """Whether `module` is what an import finds, and lies in `folder`."""
    import importlib.util  # noqa: PLC0415 - the bytecode cache comes first

    spec = importlib.util.find_spec(module)
    origin = spec.origin if spec else None
    return bool(origin) and os.path.realpath(str(origin)).startswith(os.path.realpath(folder) + os.sep)


def check_module(name: str, site_dir: str) -> str:
    """Look up a launch or support module, which is not run; say what is wrong."""
    import importlib.util  # noqa: PLC0415 - the bytecode cache comes first

    spec = importlib.util.find_spec(name)
    if spec is None:
        return "there is no such module in the environment"
    if spec.origin and not is_found_in(site_dir, name):
        return f"an import finds {spec.origin} instead: rename the module"
    return ""


def check_imports(report: str, request_text: str) -> None:
    """Check what a layer declares, and write to the file `report` how far it came and what is wrong.

    Args:
        report: Gets one JSON value a line: the name of what is imported next; in the end all `[name, what is wrong]`.
        request_text: A JSON object: `distributions` (name to whether it is imported in any case), `modules`, and their
            `site_dir`.
    """
    import json  # noqa: PLC0415 - the bytecode cache comes first

    with open(report, "w", encoding="utf-8") as stream:  # noqa: PTH123
        request = json.loads(request_text)
        failures = []
        for name, load in request["distributions"].items():
            print(json.dumps(name), file=stream, flush=True)
            failures.append([name, check_distribution(name, load=load)])
        failures += [[name, check_module(name, request["site_dir"])] for name in request["modules"]]
        print(json.dumps([failure for failure in failures if failure[1]]), file=stream, flush=True)


def main(arguments: list[str]) -> None:
    """Do what the command line asks for; see the module's description."""
    cache, task, *rest = arguments
    use_bytecode_cache(cache)
    if task == "venv":
        make_venv(rest[0])
    else:
        check_imports(*rest)


if __name__ == "__main__":
    main(sys.argv[1:])
