"""Imports what a layer declares, with the layer's own Python: `python -I -B child.py <report> <request> <bytecode>`.

The process runs code of wheels, so nothing that it writes is trusted, and it is started where it can write to no cache
(`confine.py`). It reads bytecode from one file that was made for it: the Pythons of environments carry none. It
reports which sources it had to compile itself, for another process to do that for the next time (`compiling.py`).

Any Python from 3.8 on may run this file, so it needs the standard library only.
"""

from __future__ import annotations

import _frozen_importlib_external as external
import _imp
import marshal
import os
import sys

TYPE_CHECKING = False  # typing itself, like everything that is imported before the bytecode is there, would be compiled
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType
    from typing import Any

_STRAY_FOLDERS = {"benchmarks", "docs", "examples", "scripts", "test", "tests"}
"""Folders that wheels install at the top by mistake; nobody declares a distribution for their sake."""

_SUFFIXES = {".py", ".so", ".pyd", ".pyc"}


def _find_sha256() -> Callable[[bytes], Any]:
    for name in ("_sha2", "_sha256", "hashlib"):  # the last one takes longest to import
        try:
            found: Callable[[bytes], Any] = __import__(name).sha256
        except ImportError:
            continue
        return found
    raise SystemExit("this Python has no SHA-256")


def use_bytecode(place: str) -> list[str]:
    """Let imports of this process take bytecode from the file `place`; its keys are digests of sources.

    Returns:
        Paths of the sources that had to be compiled; grows with each import.
    """
    sha256 = _find_sha256()
    known: dict[bytes, bytes] = {}
    if place:
        with open(place, "rb", buffering=0) as stream:  # noqa: PTH123 - pathlib would be one import more
            known = marshal.loads(stream.read())  # noqa: S302 - as Python does with its own bytecode
    compiled: list[str] = []

    def get_code(self: external.SourceFileLoader, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        content = known.get(sha256(source).digest())
        if content is None:
            compiled.append(path)
            return self.source_to_code(source, path)
        code: CodeType = marshal.loads(content)  # noqa: S302 - as above
        _imp._fix_co_filename(code, path)  # type: ignore[attr-defined] # noqa: SLF001 - as Python does
        return code

    external.SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]
    return compiled


def modules_of(files: Iterable[str], shared: frozenset[str] = frozenset()) -> list[str]:
    """The modules that a distribution installs, by the files that it lists: those at the top, without `_private` ones.

    Args:
        files: Paths relative to the folder of packages.
        shared: Top-level packages to which several distributions contribute: of these, the modules and packages in
            them are meant, since importing the top alone says nothing about a part.
    """
    found: dict[str, None] = {}
    for file in files:
        parts = file.split("/")
        name, _, suffix = parts[-1].rpartition(".")
        if f".{suffix}" not in _SUFFIXES or "__pycache__" in parts or parts[0] in _STRAY_FOLDERS:
            continue
        parts[-1] = name.partition(".")[0]
        inner = [part for part in parts[:2] if part != "__init__"]
        if len(inner) > 1 and inner[0] not in shared:
            inner = inner[:1]
        if all(part.isidentifier() and not part.startswith("_") for part in inner):
            found[".".join(inner)] = None
    whole = {module for module in found if "." not in module and module in shared}
    return [module for module in found if module not in whole or len(found) == 1]


def listed_files(distribution: Any) -> list[str]:  # noqa: ANN401 - importlib.metadata's Distribution
    """The paths in the RECORD of a distribution."""
    import csv  # noqa: PLC0415 - importlib.metadata has loaded it

    text = distribution.read_text("RECORD") or ""
    return [row[0] for row in csv.reader(text.splitlines()) if row]


def shared_packages(listed: Iterable[Iterable[str]]) -> frozenset[str]:
    """Top-level packages in which several distributions have files; given is what each of them lists."""
    counts: dict[str, int] = {}
    for files in listed:
        tops = {file.partition("/")[0] for file in files if "/" in file and "." + file.rpartition(".")[2] in _SUFFIXES}
        for top in tops:
            counts[top] = counts.get(top, 0) + 1
    return frozenset(top for top, count in counts.items() if count > 1)


def check_distribution(name: str, *, load: bool, shared: frozenset[str] = frozenset()) -> list[list[str]]:
    """Import the modules of a distribution.

    Args:
        name: The distribution.
        load: Whether to import them in any case. Else it is enough that they are found where the distribution is:
            they were imported there before.
        shared: As for `modules_of`.

    Returns:
        `[module, what is wrong]` for each module that cannot be imported.
    """
    import importlib.metadata  # noqa: PLC0415 - the bytecode comes first

    sys.argv[:] = ["-c"]  # what packages see that look at it
    try:
        distribution = importlib.metadata.distribution(name)
        place, modules = str(distribution.locate_file("")), modules_of(listed_files(distribution), shared)
    except Exception as error:  # noqa: BLE001 - a damaged distribution
        return [["", _described(error)]]
    failures = []
    for module in modules:
        try:
            if load or not is_found_in(place, module):
                importlib.import_module(module)
        except BaseException as error:  # noqa: BLE001 - whatever a package does when it is imported
            failures.append([module, _described(error)])
    return failures


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".strip()


def is_found_in(folder: str, module: str) -> bool:
    """Whether `module` is what an import finds, and is in `folder`."""
    import importlib.util  # noqa: PLC0415 - the bytecode comes first

    spec = importlib.util.find_spec(module)
    origin = spec.origin if spec else None
    return bool(origin) and os.path.realpath(str(origin)).startswith(os.path.realpath(folder) + os.sep)


def check_module(name: str, site_dir: str) -> str:
    """Look up a launch or support module, which is not run; say what is wrong."""
    import importlib.util  # noqa: PLC0415 - the bytecode comes first

    spec = importlib.util.find_spec(name)
    if spec is None:
        return "there is no such module in the environment"
    if spec.origin and not is_found_in(site_dir, name):
        return f"an import finds {spec.origin} instead: rename the module"
    return ""


def check_launch(target: str) -> str:
    """Look up a module of a package, or a function in one, which is not called; say what is wrong."""
    import importlib.util  # noqa: PLC0415 - the bytecode comes first

    module, _, function = target.partition(":")
    try:
        if not function:
            return "" if importlib.util.find_spec(module) else "there is no such module in the layers"
        found = importlib.import_module(module)
        for name in function.split("."):
            found = getattr(found, name)
    except BaseException as error:  # noqa: BLE001 - whatever a package does when it is imported
        return _described(error)
    return "" if callable(found) else "is nothing that can be called"


def check_imports(report: str, request_file: str, compiled: list[str]) -> None:
    """Check what a layer declares, and write to the file `report` how far it came and what is wrong.

    Args:
        report: Gets one JSON value a line: the name of what is imported next; at the end an object with `failures`
            (all `[distribution, module, what is wrong]`) and `compiled`.
        request_file: A JSON object: `distributions` (name to whether it is imported in any case), `modules`,
            their `site_dir`, and `launches` (modules and entry points of packages).
        compiled: Paths of sources that had to be compiled; grows with each import.
    """
    import importlib.metadata  # noqa: PLC0415 - the bytecode comes first
    import json  # noqa: PLC0415

    with open(request_file, encoding="utf-8") as stream:  # noqa: PTH123
        request = json.load(stream)
    with open(report, "w", encoding="utf-8") as stream:  # noqa: PTH123
        print(json.dumps(""), file=stream, flush=True)
        failures = []
        shared = shared_packages(map(listed_files, importlib.metadata.distributions()))
        for name, load in request["distributions"].items():
            print(json.dumps(name), file=stream, flush=True)
            failures += [[name, *failure] for failure in check_distribution(name, load=load, shared=shared)]
        checked = [["", name, check_module(name, request["site_dir"])] for name in request["modules"]]
        checked += [["", target, check_launch(target)] for target in request.get("launches", ())]
        failures += [failure for failure in checked if failure[2]]
        print(json.dumps({"failures": failures, "compiled": compiled}), file=stream, flush=True)


if __name__ == "__main__":
    check_imports(sys.argv[1], sys.argv[2], use_bytecode(sys.argv[3]))
