"""What an environment looks like from inside, as JSON; runs in it on its own, flat and layered alike.

    python -m probe FOLDER NAME...

writes one file for each distribution (imports, plugins, resources, files, loaded libraries) and `environment.json` for
the environment as a whole (metadata, children, scripts, start-up switches). Each question is answered by a child.
Paths in answers are relative to the environment, so that equal environments give equal answers wherever they are.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.resources
import json
import multiprocessing
import os
import posixpath
import re
import signal
import subprocess
import sys
from importlib.metadata import Distribution, distribution, distributions

_PASSED_OVER = re.compile(r"(^|\.)(tests?|testing|conftest|__main__|setup|antigravity|idlelib)($|\.)")
_MOST = 40
_MOST_MODULES = 80
_SECONDS = 60
_SECONDS_FOR_ALL = 600


def distribution_answers(name: str) -> dict[str, object]:
    """Everything that is asked about one distribution."""
    found = distribution(name)
    files = [posixpath.normpath(str(file)) for file in found.files or ()]
    inner = [file for file in files if not file.startswith("..") and "__pycache__" not in file]
    modules = _modules(inner)
    answers: dict[str, object] = {"version": found.version}
    answers["imports"] = {module: _tried(importlib.import_module, module) for module in modules}
    answers["plugins"] = {
        f"{point.group}:{point.name}": _tried(point.load)
        for point in sorted(found.entry_points)[:_MOST]
        if point.group not in {"console_scripts", "gui_scripts"}
    }
    answers["resources"] = {module: _resources(module) for module in modules if "." not in module}
    answers["data"] = _data_files(files)
    answers["located"] = sum(os.path.exists(str(found.locate_file(file))) for file in inner)
    answers["native"] = {
        file: _tried(ctypes.CDLL, str(found.locate_file(file)))
        for file in [file for file in inner if re.search(r"/lib[^/]*\.so[.\d]*$", file)][:_MOST]
    }
    answers["loaded"] = _loaded_libraries()
    return answers


def _modules(files: list[str]) -> list[str]:
    """Importable names by the distribution's own files.

    These are the top level, and one level further what is compiled, or lies in a package without `__init__`.
    """
    found, packages, compiled = set(), set(), set()
    for file in files:
        parts = file.split("/")
        if not re.search(r"\.(py|pyc|so)$", file) or not all(part.isidentifier() for part in parts[:-1]):
            continue
        stem = parts[-1].split(".")[0]
        if stem == "__init__":
            packages.add(".".join(parts[:-1]))
        if len(parts) <= 2:
            found.add(".".join(parts[:-1] if stem == "__init__" else [*parts[:-1], stem]))
            compiled |= (
                {".".join([*parts[:-1], stem])} if re.search(r"\.(abi3|cpython-\w+(-\w+)*)\.so$", file) else set()
            )
    kept = {name for name in found | packages if name.count(".") == 0}
    kept |= {name for name in found | packages if name.count(".") == 1 and name.split(".")[0] not in packages}
    kept |= compiled
    return sorted(name for name in kept if name and not _PASSED_OVER.search(name))[:_MOST_MODULES]


def _tried(action: object, *arguments: object) -> str:
    try:
        action(*arguments)  # type: ignore[operator] # any callable
    except BaseException as error:
        return f"{type(error).__name__}: {_plain(error)}"
    return "ok"


def _plain(text: object) -> str:
    """Text without what names this place, or differs from run to run."""
    known = re.sub(r"/[^\s'\":]*?/((?:lib/python[^/]*/site-packages|bin|share|etc)\b)", r"<env>/\1", str(text))
    return re.sub(r"0x[0-9a-f]{6,}|\b\d+\.\d+ ?m?s\b", "<n>", known)[:200]


def _resources(module: str) -> object:
    """How many files `importlib.resources` finds directly in a package, apart from bytecode."""
    try:
        spec = importlib.import_module(module).__spec__
        if spec is None or not spec.submodule_search_locations:
            return "no package"
        return sum(entry.name != "__pycache__" for entry in importlib.resources.files(module).iterdir())
    except BaseException as error:
        return f"{type(error).__name__}: {_plain(error)}"


def _data_files(files: list[str]) -> dict[str, bool]:
    """Files that a distribution has outside of site-packages: whether they are below `sys.prefix`."""
    site = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    outer = [posixpath.normpath(f"{site}/{file}") for file in files if file.startswith("..")]
    return {
        place: os.path.exists(os.path.join(sys.prefix, place))
        for place in outer
        if not place.startswith("..") and "__pycache__" not in place
    }


def _loaded_libraries() -> dict[str, str]:
    """Shared libraries that this process has loaded, extension modules apart: name to place in the environment."""
    found = {}
    with open("/proc/self/maps", encoding="utf-8") as maps:
        for line in maps:
            path = line.rstrip().partition("/")[2]
            if ".so" in path and ".cpython-" not in path and ".abi3." not in path:
                real = os.path.realpath(f"/{path}")
                place = re.sub(r"^.*/site-packages/", "site:", real)
                found[os.path.basename(real)] = re.sub(r"^/.*/lib/(?=(python3|lib)[^/]*)", "lib:", place)
    return found


def environment_answers() -> dict[str, object]:
    """Everything that is asked about the environment as a whole."""
    import sqlite3  # noqa: PLC0415 - whose library is what is asked
    import ssl  # noqa: PLC0415

    every = {one.metadata["Name"]: one for one in distributions()}
    points = {(p.group, p.name, p.value) for one in every.values() for p in one.entry_points}
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        spawned = pool.apply(sorted, (["b", "a"],))
    code = "import sys, importlib.metadata as m; print(sorted({d.metadata['Name'] for d in m.distributions()}))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    shell = subprocess.run(["env"], capture_output=True, text=True, check=False).stdout.splitlines()
    return {
        "distributions": {name: one.version for name, one in sorted(every.items())},
        "entry points": sorted(map(list, points)),
        "OpenSSL": ssl.OPENSSL_VERSION,
        "HTTPS": len(ssl.create_default_context().get_ca_certs()) > 0,
        "SQLite": sqlite3.sqlite_version,
        "spawned": spawned,
        "child": child.stdout == f"{sorted(every)}\n",
        "child's variables": sorted(line for line in shell if re.match("LD_|DYLD_|PYTHON", line)),
        "scripts": {script: _script(script) for script in _scripts(every)},
        "switches": {switch: _importable(switch, every) for switch in ("-I", "-E", "-s", "-P", "-B")},
    }


def _scripts(every: dict[str, Distribution]) -> list[str]:
    """Names of all programs that the distributions bring, in Python or not."""
    names = {
        point.name
        for one in every.values()
        for point in one.entry_points
        if point.group in {"console_scripts", "gui_scripts"}
    }
    for one in every.values():
        names |= {os.path.basename(file) for file in map(str, one.files or ()) if re.match(r"(\.\./)+bin/", file)}
    return sorted(names)


def _script(name: str) -> str:
    """How a program of the environment answers `--version`: its exit status, and the first line without numbers."""
    program = os.path.join(sys.prefix, "bin", name)
    if not os.path.exists(program):
        return "missing"
    try:
        child = subprocess.Popen(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_COLOR": "1"},
            start_new_session=True,
        )
        printed = child.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)  # it, and what it has started
        child.wait()
        return "no end"
    except (OSError, UnicodeDecodeError) as error:
        return _plain(f"{type(error).__name__}: {error}")
    lines = "".join(printed).strip().splitlines()
    return f"{child.returncode} {_plain(lines[-1]) if lines else ''}"


def _importable(switch: str, every: dict[str, Distribution]) -> list[str]:
    """Top-level modules that a Python started with `switch` does not find."""
    names = sorted({top for one in every.values() for top in (one.read_text("top_level.txt") or "").split()})
    code = (
        "import importlib.util, json, sys\n"
        "def there(name):\n"
        "    try: return importlib.util.find_spec(name) is not None\n"
        "    except (ImportError, ValueError): return False\n"
        "print(json.dumps([n for n in sys.argv[1:] if not there(n)]))\n"
    )
    done = subprocess.run(
        [sys.executable, switch, "-c", code, *names], capture_output=True, text=True, check=False, cwd="/"
    )
    found: list[str] = json.loads(done.stdout) if done.returncode == 0 else [done.stderr[-200:]]
    return found


def answer(question: str, out: str) -> None:
    """Answer in a child process; nothing that it imports matters for other questions, nor for how this process ends."""
    child = os.fork()
    if not child:
        signal.alarm(_SECONDS_FOR_ALL)
        answers = environment_answers() if question == "environment" else distribution_answers(question)
        _write(answers, out)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        _write({"ended": f"with {os.waitstatus_to_exitcode(status)}"}, out)


def _write(answers: dict[str, object], out: str) -> None:
    with open(out, "w", encoding="utf-8") as file:
        json.dump(answers, file, sort_keys=True)


def main() -> None:
    """Answer all questions."""
    folder, *names = sys.argv[1:]
    for question in ("environment", *names):
        answer(question, os.path.join(folder, f"{question}.json"))


if __name__ == "__main__":
    main()
