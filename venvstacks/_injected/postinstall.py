"""Fit an unpacked layer to the place where it lies: `python -I <layer>/postinstall.py [--no-compile]`.

Archives hold no absolute path. What Python wants to be absolute is written here, from the relative paths in
`share/venv/metadata/venvstacks_layer.json`: `pyvenv.cfg` (which base Python this environment belongs to) and
`sitecustomize.py` (the packages of the layers below). Then the layer's own Python compiles bytecode, if that is wanted.

Any Python from 3.8 on may run this file, so it needs the standard library only. It may be run again at any time,
and must be when the folder of the layers has moved. Exit status: 0 done, 1 the layer is damaged or cannot be written
to, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import json
import os
import posixpath
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

LAYER_CONFIG = "share/venv/metadata/venvstacks_layer.json"

# As an import does it: what is compiled is left alone. `compileall` first loads much that is not: a tenth slower.
_COMPILER = """
import os, sys; from importlib.machinery import SourceFileLoader; sys.dont_write_bytecode = False
for path in map(os.fsdecode, sys.stdin.buffer.read().split(b"\\n")):
    try: SourceFileLoader("_", path).get_code("_")
    except Exception: pass
"""
_FILES_PER_WORKER = 50  # a further process costs about as much as compiling this many files
_SELF = "\0"  # stands for the layer's folder in path arithmetic; no real name can be this


class PostInstallError(Exception):
    """The layer cannot be fitted to its place; the text is one line for the user."""


def load_layer_config(layer_folder: Path | str) -> dict[str, Any]:
    """Read and check a layer's description of itself.

    Returns:
        `python`, `py_version`, `base_python`, `site_dir`, `bytecode` (strings), `pylib_dirs`, `dynlib_dirs` (lists) and
        whatever else the file holds. All paths are relative to the layer's folder and stay within the one above.

    Raises:
        PostInstallError: The file is missing, is not what it should be, or names a path that leaves that folder.
    """
    place = Path(layer_folder) / LAYER_CONFIG
    try:
        config = json.loads(place.read_bytes())
    except OSError as error:
        raise PostInstallError(f"cannot read {place}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise PostInstallError(f"{place} is not valid JSON: {error}") from None
    if not isinstance(config, dict):
        raise PostInstallError(f"{place} does not hold a JSON object")
    for key in ("python", "py_version", "base_python", "site_dir"):
        if not isinstance(config.get(key), str):
            raise PostInstallError(f"{place}: '{key}' is missing or not a string")
    for key in ("pylib_dirs", "dynlib_dirs"):
        value = config.get(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise PostInstallError(f"{place}: '{key}' is missing or not a list of strings")
    if config.setdefault("bytecode", "on-deploy") not in ("on-deploy", "shipped", "none"):
        raise PostInstallError(f"{place}: 'bytecode' is not one of on-deploy, shipped and none")
    _check_values(config, place)
    return config


def _check_values(config: dict[str, Any], place: Path) -> None:
    for key in ("python", "site_dir"):
        if not _normalised(config[key]).startswith(f"{_SELF}/"):
            raise PostInstallError(f"{place}: '{key}' leaves the layer's folder: {config[key]!r}")
    for key in ("base_python", "pylib_dirs", "dynlib_dirs"):
        value = config[key]
        for path in [value] if isinstance(value, str) else value:
            if _normalised(path) in ("", ".", _SELF):
                raise PostInstallError(f"{place}: '{key}' leaves the folder of the layers: {path!r}")
    if not re.fullmatch(r"[0-9][0-9A-Za-z.+]*", config["py_version"]):
        raise PostInstallError(f"{place}: 'py_version' is not a version: {config['py_version']!r}")


def _normalised(path: str) -> str:
    r"""`path` relative to the folder that holds the layers; empty if it leaves that or could on some system.

    Refused everywhere is therefore what only Windows takes for a path, backslashes and drives, and what no file name
    should hold, control characters and lone surrogates.
    """
    if not path or re.match("/|[A-Za-z]:", path) or re.search(r"[\x00-\x1f\\\ud800-\udfff]", path):
        return ""
    plain = posixpath.normpath(f"{_SELF}/{path}")
    return "" if plain.split("/")[0] == ".." else plain


def _absolute(layer_folder: str, relative: str, flavour: ModuleType) -> str:
    """An absolute path as text that every locale reads alike.

    CPython reads `pyvenv.cfg` as UTF-8, line by line, in every locale (`getpath`, `site`). What counts is therefore
    how the name is spelt on disk, not what this process takes it for.
    """
    path = str(flavour.normpath(flavour.join(layer_folder, relative)))
    try:
        text = os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        raise PostInstallError(f"Python cannot start from a folder whose name is not UTF-8: {path!a}") from None
    if re.search(r"[\r\n]", text):
        raise PostInstallError(f"Python cannot start from a folder with a line break in its name: {path!a}")
    return text


def pyvenv_cfg_text(config: dict[str, Any], layer_folder: str, flavour: ModuleType = os.path) -> str:
    """The `pyvenv.cfg` of a layered environment at the absolute path `layer_folder`.

    Args:
        config: What `load_layer_config` returned.
        layer_folder: Where the layer is, or will be.
        flavour: `posixpath` or `ntpath`, after the system that the layer is for.

    Raises:
        PostInstallError: The path cannot be written down in such a file.
    """
    executable = _absolute(layer_folder, config["base_python"], flavour)
    return (
        f"home = {flavour.dirname(executable)}\n"
        "include-system-site-packages = false\n"
        f"version = {config['py_version']}\n"
        f"executable = {executable}\n"
    )


def sitecustomize_text(config: dict[str, Any], layer_folder: str, flavour: ModuleType = os.path) -> str:
    """The `sitecustomize.py` that puts the packages of the layers below behind the layer's own, `.pth` files included.

    It runs at every start: it imports nothing that Python has not loaded by then, and hands `addsitedir` the known
    paths, which would otherwise look at all of them again for every folder. Where shared libraries of layers below are
    found by the wrapper, `sys.executable` becomes the wrapper: children that get an environment of their own need it
    too. Arguments as for `pyvenv_cfg_text`.
    """
    folders = [ascii(_absolute(layer_folder, path, flavour)) for path in config["pylib_dirs"]]
    wrapped = [config["python"]] if config.get("dynlib_dirs") else []
    return "\n".join(
        [
            "# Written by venvstacks for the place where this layer lies; postinstall.py writes it anew.",
            "import os",
            "import site",
            "import sys",
            "",
            "_known = {os.path.normcase(path) for path in sys.path}",
            *(f"site.addsitedir({folder}, _known)" for folder in folders),
            *(f"sys.executable = {_absolute(layer_folder, python, flavour)!a}" for python in wrapped),
            "",
        ]
    )


def relink(layer_folder: Path | str) -> list[Path]:
    """Write `pyvenv.cfg` and `sitecustomize.py` where the layer needs them; compile nothing.

    A file that holds the right text already is left alone.

    Returns:
        The files that were written.

    Raises:
        PostInstallError: The layer's description is wrong, or the place cannot be described or written to.
    """
    folder = Path(layer_folder).absolute()
    if folder.is_symlink() or ".." in folder.parts:  # the neighbours are those of the real folder
        folder = folder.resolve()
    config = load_layer_config(folder)
    if config["dynlib_dirs"] and os.name == "posix" and set(":;") & set(str(folder)):
        # The dynamic linker splits its list of folders there and knows no way to quote; `venv` refuses colons too.
        raise PostInstallError(f"shared libraries cannot be found below a folder with ':' or ';' in its name: {folder}")
    wanted = {}
    if config["python"] != config["base_python"]:
        wanted[folder / "pyvenv.cfg"] = pyvenv_cfg_text(config, str(folder))
    if config["pylib_dirs"]:
        wanted[folder / config["site_dir"] / "sitecustomize.py"] = sitecustomize_text(config, str(folder))
    return [path for path, text in wanted.items() if _write_if_changed(path, text.encode("utf-8"))]


def _write_if_changed(path: Path, content: bytes) -> bool:
    """Replace a file in one step unless it holds `content` already; say whether it was written."""
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return False
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
        # Bytecode is known by its source's size and second; a folder renamed within a second could keep both.
        for stale in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            stale.unlink()
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise PostInstallError(f"cannot write {path}: {error.strerror or error}") from None
    return True


def compile_bytecode(folder: Path, config: dict[str, Any]) -> str:
    """Compile what the layer in the absolute `folder` holds with its own Python; a runtime's standard library as well.

    Files that this Python cannot compile (such as those for newer ones) are passed over in silence.

    Returns:
        Why nothing was compiled, in one line; empty if all went well.
    """
    import subprocess  # noqa: PLC0415 - slow to import, and not needed where nothing is compiled

    sources = folder / config["site_dir"]
    if config["python"] == config["base_python"]:
        sources = sources.parent
    command = [str(folder / config["python"]), "-I", "-S", "-B", "-X", "utf8", "-W", "ignore", "-c", _COMPILER]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        shares = _shares(_without_stale_bytecode(sources))
        with contextlib.ExitStack() as held:
            children: list[Any] = [held.enter_context(subprocess.Popen(command, **pipes)) for _ in shares]
            for child, share in zip(children, shares):  # noqa: B905 - Python 3.8 knows no `strict`
                with contextlib.suppress(BrokenPipeError), child.stdin:  # one that ends early says why
                    child.stdin.write(share)
            told = b"".join(child.stderr.read() for child in children).decode("utf-8", "replace").strip()
    except OSError as error:
        return f"cannot run {folder / config['python']}: {error.strerror or error}"
    return told.splitlines()[-1] if told and any(child.returncode for child in children) else ""


def _shares(sources: list[str]) -> list[bytes]:
    """Sources by child, a line each."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = min(cpus, -(-len(sources) // _FILES_PER_WORKER))  # none without sources
    sources.sort(key=lambda path: os.lstat(path).st_size, reverse=True)  # every child gets large and small ones
    return [b"\n".join(map(os.fsencode, sources[number::count])) for number in range(count)]


def _without_stale_bytecode(folder: Path) -> list[str]:
    """All sources, after removing bytecode that is older than the arrival of its source.

    Python knows bytecode by the time and size of its source. Archives set times, so that a changed file of the same
    length, unpacked over the old one, looks unchanged. Its inode's change time tells (on Windows nothing does).
    """
    from importlib.util import source_from_cache  # noqa: PLC0415 - as above

    sources = []
    for parent, _, names in os.walk(folder):
        if not parent.endswith("__pycache__"):
            sources += [f"{parent}{os.sep}{name}" for name in names if name.endswith(".py")]
            continue
        for name in names:
            bytecode = Path(parent, name)
            with contextlib.suppress(OSError, ValueError):
                source = Path(source_from_cache(str(bytecode)))
                if source.stat().st_ctime_ns >= bytecode.stat().st_mtime_ns:
                    bytecode.unlink()
    return sources


def _missing_layers(layer_folder: Path, config: dict[str, Any]) -> list[str]:
    """The folders of layers below that are not there (yet)."""
    below = [config["base_python"], *config["pylib_dirs"], *config["dynlib_dirs"]]
    names = sorted({_normalised(path).split("/")[0] for path in below} - {_SELF})
    return [name for name in names if not (layer_folder.parent / name).is_dir()]


def main(arguments: list[str] | None = None) -> int:
    """Post-install the layer that this file lies in; returns the exit status."""
    import argparse  # noqa: PLC0415 - not needed by those who import this module

    parser = argparse.ArgumentParser(description="Fit this unpacked layer to the place where it lies.")
    parser.add_argument("--no-compile", action="store_true", help="do not compile bytecode")
    options = parser.parse_args(arguments)
    layer_folder = Path(__file__).absolute().parent
    try:
        relink(layer_folder)
        config = load_layer_config(layer_folder)
        if missing := _missing_layers(layer_folder, config):
            _complain(f"warning: not there yet, unpack beside this layer: {', '.join(missing)}")
        idle = options.no_compile or missing or config["bytecode"] != "on-deploy"
        problem = "" if idle else compile_bytecode(layer_folder, config)
        if problem:
            _complain(f"warning: no bytecode was compiled: {problem}")
    except PostInstallError as error:
        _complain(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _complain(text: str) -> None:
    """Print one line to standard error, which escapes what its encoding does not know."""
    print("postinstall:", *text.splitlines(), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
