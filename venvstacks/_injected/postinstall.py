"""Complete an unpacked layer at the place where it is: `python -I <layer>/postinstall.py [--no-compile]`.

Archives hold no absolute path, and no link to a file of another layer's packages. This program creates what is missing:

- `pyvenv.cfg`, which names the base Python of a layered environment by its absolute path;
- the overlay: links in this layer to files of the layers below, as `share/venv/metadata/venvstacks_overlay.json` lists
  them (hard links or copies where there are no symbolic links);
- bytecode, compiled by the layer's own Python, if the layer's description asks for it.

Any Python from 3.8 on may run this file, so it needs the standard library only. It may be run again at any time,
and must be run again when the folder of the layers has moved. Exit status: 0 done, 1 the layer is damaged or cannot be
written to, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import json
import os
import posixpath
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

LAYER_CONFIG = "share/venv/metadata/venvstacks_layer.json"

OVERLAY = "share/venv/metadata/venvstacks_overlay.json"
_CHAIN = "+venvstacks.pth"
_COMPILE_LISTED = "--compile-listed"  # how the layer's own Python is started to compile; no option for users
_FILES_PER_WORKER = 50  # a further process costs about as much as compiling this many files
_SELF = "\0"  # means the layer's folder in path arithmetic; no file can have this name


class PostInstallError(Exception):
    """The layer cannot be completed; the text is one line for the user."""


def load_layer_config(layer_folder: Path | str) -> dict[str, Any]:
    """Read and check a layer's description of itself.

    Returns:
        `python`, `py_version`, `base_python`, `site_dir`, `bytecode` (strings), `pylib_dirs`, `dynlib_dirs` (lists) and
        whatever else the file holds. All paths are relative to the layer's folder and stay within the one above.

    Raises:
        PostInstallError: The file is missing, is not what it should be, or names a path that leaves that folder.
    """
    place = Path(layer_folder) / LAYER_CONFIG
    config = _read_object(place)
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


def load_overlay(layer_folder: Path | str) -> dict[str, str]:
    """The overlay: links in a layer that lead to files of other layers.

    Returns:
        Path of each link and of the file that it leads to, both relative to the layer's folder. The former stays in
        that folder, the latter (`../<deployed name>/...`) in the folder above. Empty where the layer has no such list.

    Raises:
        PostInstallError: The list is not what it should be, or names a path that leaves those folders.
    """
    place = Path(layer_folder) / OVERLAY
    if not place.exists():
        return {}
    links = _read_object(place).get("links")
    if not isinstance(links, dict):
        raise PostInstallError(f"{place}: 'links' is missing or not an object")
    for path, target in links.items():
        if not _normalised(path).startswith(f"{_SELF}/"):
            raise PostInstallError(f"{place}: a link leaves the layer's folder: {path!r}")
        if not isinstance(target, str) or "/" not in _normalised(target) or _normalised(target).startswith(_SELF):
            raise PostInstallError(f"{place}: a link leads to no other layer: {target!r}")
    return links


def _read_object(place: Path) -> dict[str, Any]:
    try:
        content = json.loads(place.read_bytes())
    except OSError as error:
        raise PostInstallError(f"cannot read {place}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise PostInstallError(f"{place} is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise PostInstallError(f"{place} does not hold a JSON object")
    return content


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
    how the name is written on disk, not how this process decodes it.
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
    """The `sitecustomize.py` of layers from publications of earlier versions, which hold no chain (`+venvstacks.pth`).

    It appends the packages of the layers below to the layer's own, and processes their `.pth` files. Where the wrapper
    finds shared libraries, `sys.executable` becomes the wrapper: children with an environment of their own need it too.
    Arguments as for `pyvenv_cfg_text`.
    """
    folders = [ascii(_absolute(layer_folder, path, flavour)) for path in config["pylib_dirs"]]
    wrapped = [config["python"]] if config.get("dynlib_dirs") else []
    return "\n".join(
        [
            "# Written by venvstacks for this folder; after moving the layer, run postinstall.py again.",
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


def generated_texts(
    config: dict[str, Any], layer_folder: str, *, chained: bool, flavour: ModuleType = os.path
) -> dict[str, str]:
    """Path, relative to the layer's folder, and text of each file that depends on where the layer is.

    Args:
        config: What `load_layer_config` returned.
        layer_folder: Where the layer is, absolute.
        chained: Whether the layer holds its chain (`+venvstacks.pth`).
        flavour: `posixpath` or `ntpath`, after the system that the layer is for.

    Raises:
        PostInstallError: The path cannot be written down in such a file.
    """
    texts = {}
    if config["python"] != config["base_python"]:
        texts["pyvenv.cfg"] = pyvenv_cfg_text(config, layer_folder, flavour)
    if config["pylib_dirs"] and not chained:
        texts[f"{config['site_dir']}/sitecustomize.py"] = sitecustomize_text(config, layer_folder, flavour)
    return texts


def write_generated_files(layer_folder: Path | str) -> list[Path]:
    """Write the files that depend on where the layer is; compile nothing, and leave the overlay as it is.

    A file that holds the right text already is not written.

    Returns:
        The files that were written.

    Raises:
        PostInstallError: The layer's description is wrong, or the place cannot be described or written to.
    """
    folder = _real_folder(layer_folder)
    config = load_layer_config(folder)
    chained = (folder / config["site_dir"] / _CHAIN).exists()
    wrapped = config.get("dynlib_path") if chained else config["dynlib_dirs"]
    if wrapped and os.name == "posix" and set(":;") & set(str(folder)):
        # The dynamic linker splits its list of folders there and knows no way to quote; `venv` refuses colons too.
        raise PostInstallError(f"shared libraries cannot be found below a folder with ':' or ';' in its name: {folder}")
    texts = generated_texts(config, str(folder), chained=chained)
    return [folder / path for path, text in texts.items() if _write_if_changed(folder / path, text.encode("utf-8"))]


def _real_folder(layer_folder: Path | str) -> Path:
    """The layer's folder as an absolute path whose neighbours are the other layers."""
    folder = Path(layer_folder).absolute()
    return folder.resolve() if folder.is_symlink() or ".." in folder.parts else folder


def make_overlay(layer_folder: Path | str) -> None:
    """Create the links of the overlay that are missing or have another target.

    Raises:
        PostInstallError: The list of links is wrong, or a link cannot be created.
    """
    folder = _real_folder(layer_folder)
    made: set[str] = {""}
    for path, target in load_overlay(folder).items():
        place = folder / path
        try:
            _make_folders(folder, posixpath.dirname(path), made)
            if os.name == "posix":
                _make_symbolic_link(place, link_text(path, target), folder / target)
            else:
                _link_or_copy(folder / target, place)
        except OSError as error:
            raise PostInstallError(f"cannot link {place} to {target}: {error.strerror or error}") from None


def link_text(path: str, target: str) -> str:
    """What the link at `path` holds to lead to `target`; both are relative to the layer's folder."""
    return "../" * path.count("/") + target


def _make_folders(folder: Path, inner: str, made: set[str]) -> None:
    """Create `inner` below `folder`, readable for everybody as unpacked folders are, under any umask."""
    if inner not in made:
        _make_folders(folder, posixpath.dirname(inner), made)
        made.add(inner)
        if (folder / inner).is_symlink():
            raise OSError(f"{inner} is a link, behind which may be another layer")
        if not (folder / inner).is_dir():
            (folder / inner).mkdir()
            (folder / inner).chmod(0o755)


def _make_symbolic_link(place: Path, text: str, target: Path) -> None:
    if os.path.lexists(str(place)):
        if place.is_symlink() and os.readlink(str(place)) == text:  # noqa: PTH115 - Python 3.8 has no other
            return
        place.unlink()
    try:
        place.symlink_to(text)
    except OSError:  # a file system without such links
        if not target.is_file():
            raise
        _link_or_copy(target, place)


def _link_or_copy(source: Path, place: Path) -> None:
    """A hard link to `source`, or a copy of it, at `place`, unless an equal file is there."""
    if not source.exists():
        return  # its layer is missing, which `main` reports
    if os.path.lexists(str(place)):
        here, there = place.stat(), source.stat()
        if (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns):
            return
        place.unlink()
    try:
        os.link(str(source), str(place))
    except OSError:
        shutil.copy2(str(source), str(place))


def _write_if_changed(path: Path, content: bytes) -> bool:
    """Replace a file in one step unless it holds `content` already; return whether it was written.

    The file is readable for everybody under any umask, as unpacked files are.
    """
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            if os.name == "posix" and path.stat().st_mode & 0o444 != 0o444:
                path.chmod(0o644)
            return False
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        temporary.chmod(0o644)
        temporary.replace(path)
        # Python compares the size and the time (in seconds) of the source; after a quick move both may be the same.
        for stale in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            stale.unlink()
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise PostInstallError(f"cannot write {path}: {error.strerror or error}") from None
    return True


def compile_bytecode(folder: Path, config: dict[str, Any]) -> str:
    """Compile what the layer in the absolute `folder` holds with its own Python; a runtime's standard library as well.

    Files that this Python cannot compile (such as those for newer ones) are skipped without a message.

    Returns:
        Why not everything was compiled, in one line; empty if all went well.
    """
    import subprocess  # noqa: PLC0415 - slow to import, and not needed where nothing is compiled

    sources = folder / config["site_dir"]
    if config["python"] == config["base_python"]:
        sources = sources.parent
    python = folder / config["python"]
    command = [str(python), "-I", "-S", "-B", "-X", "utf8", "-W", "ignore", __file__, _COMPILE_LISTED]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        shares = _shares(_remove_stale_bytecode(sources))
        with contextlib.ExitStack() as held:
            children: list[Any] = [held.enter_context(subprocess.Popen(command, **pipes)) for _ in shares]
            for child, share in zip(children, shares):  # noqa: B905 - Python 3.8 knows no `strict`
                with contextlib.suppress(BrokenPipeError), child.stdin:  # one that ends early is noticed below
                    child.stdin.write(b"\n".join(share))
            outputs = [(child.stdout.read(), child.stderr.read()) for child in children]
    except OSError as error:
        return f"cannot run {python}: {error.strerror or error}"
    for child, share, (count, complaint) in zip(children, shares, outputs):  # noqa: B905
        if child.returncode or count.strip() != str(len(share)).encode():
            lines = complaint.decode("utf-8", "replace").strip().splitlines()
            return lines[-1] if lines else _ending(child.returncode)
    return ""


def _ending(status: int) -> str:
    """Why compiling is not complete if the child printed no reason."""
    if status < 0:
        return f"the layer's Python was killed by signal {-status}"
    return f"the layer's Python ended too early, with exit status {status}"


def compile_listed() -> int:
    """Compile the files that standard input lists, one a line, and print how many there were; returns the exit status.

    Files are compiled as by an import: current bytecode stays as it is. (`compileall` first loads many modules that
    are not compiled yet, and takes a tenth longer.)
    """
    from importlib.machinery import SourceFileLoader  # noqa: PLC0415 - only those who compile need it

    sys.dont_write_bytecode = False
    paths = sys.stdin.buffer.read().split(b"\n")
    for path in map(os.fsdecode, paths):
        with contextlib.suppress(Exception):  # not for this Python, or damaged: no import would succeed either
            SourceFileLoader("_", path).get_code("_")
    print(len(paths))
    return 0


def _shares(sources: list[str]) -> list[list[bytes]]:
    """The sources for each child process to compile."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = min(cpus, -(-len(sources) // _FILES_PER_WORKER))  # none without sources
    sources.sort(key=lambda path: os.lstat(path).st_size, reverse=True)  # every child gets large and small ones
    return [list(map(os.fsencode, sources[number::count])) for number in range(count)]


def _remove_stale_bytecode(folder: Path) -> list[str]:
    """Remove bytecode that was compiled before its source was unpacked; return all sources, which the same walk finds.

    Python takes bytecode for current if it records the time and size of its source. Archives set times, so that a
    changed file of the same length, unpacked over the old one, looks unchanged. The change time of its inode shows that
    it is not (on Windows nothing does).
    """
    from importlib.util import source_from_cache  # noqa: PLC0415 - as above

    sources = []
    for parent, _, names in os.walk(folder):
        if not parent.endswith("__pycache__"):
            paths = (f"{parent}{os.sep}{name}" for name in names if name.endswith(".py"))
            sources += [path for path in paths if not os.path.islink(path)]  # noqa: PTH114 - there are thousands
            continue
        for name in names:
            bytecode = Path(parent, name)
            with contextlib.suppress(OSError, ValueError):
                source = Path(source_from_cache(str(bytecode)))
                if source.stat().st_ctime_ns >= bytecode.stat().st_mtime_ns:
                    bytecode.unlink()
    return sources


def _missing_layers(layer_folder: Path, config: dict[str, Any]) -> list[str]:
    """The names of layers below whose folders do not exist (yet)."""
    below = [config["base_python"], *config["pylib_dirs"], *config["dynlib_dirs"]]
    names = sorted({_normalised(path).split("/")[0] for path in below} - {_SELF})
    return [name for name in names if not (layer_folder.parent / name).is_dir()]


def main(arguments: list[str] | None = None) -> int:
    """Post-install the layer that this file is in; return the exit status."""
    import argparse  # noqa: PLC0415 - not needed by those who import this module

    parser = argparse.ArgumentParser(description="Complete this unpacked layer at the place where it is.")
    parser.add_argument("--no-compile", action="store_true", help="do not compile bytecode")
    options = parser.parse_args(arguments)
    layer_folder = Path(__file__).absolute().parent
    os.umask(0o022)  # for the bytecode, which is for all users as everything else in the layer
    try:
        write_generated_files(layer_folder)
        make_overlay(layer_folder)
        config = load_layer_config(layer_folder)
        if missing := _missing_layers(layer_folder, config):
            _complain(f"warning: layers are missing, unpack them next to this one: {', '.join(missing)}")
        idle = options.no_compile or missing or config["bytecode"] != "on-deploy"
        problem = "" if idle else compile_bytecode(layer_folder, config)
        if problem:
            _complain(f"warning: bytecode is not complete: {problem}")
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
    sys.exit(compile_listed() if sys.argv[1:] == [_COMPILE_LISTED] else main())
