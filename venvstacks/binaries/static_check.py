"""The static check of a layer: what the headers of its compiled files say about whether it can run on its platform.

Two things are faults: code for another processor where an import would load it, and files that need a newer system than
the layer declares. A library that nobody brings is reported as a warning, because it is missing in one flat environment
as well, and packages do bring parts that only work where another program is installed. The check cannot see what code
does: an import check on the platform itself, or through an emulator, finds more.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from venvstacks.binaries.compiled_file import CompiledFile
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.system_libraries import is_system_library

_EXTENSION = re.compile(r".+\.pyd|.+\.(cpython-\d|abi3|pypy\d|graalpy\d)[^.]*\.so")
_OTHER_SYSTEM = re.compile(r"-(win_?\w+\.pyd|\w+-linux-\w+\.so)$")
_SYSTEMS = {"linux": "glibc", "macosx": "macOS", "win": "Windows"}
_WINDOWS_10 = (10, 0)


@dataclass(frozen=True)
class LayerFiles:
    """What a static check looks at.

    Attributes:
        layer: The layer's name, for messages.
        platform: Its platform.
        oldest: The oldest glibc or macOS that it is to run on, `X.Y`.
        compiled: Path of each compiled file of the platform's format to what its headers say.
        damaged: Path of each file that looks like one, and cannot be read, to the reason.
        supplied: Paths of the files that belong to Python itself, as a provider supplied it.
        noted: Libraries that Python itself needs and that a warning names already.
        names: Names of all files of the layer and of the layers below.
    """

    layer: str
    platform: TargetPlatform
    oldest: str
    compiled: Mapping[str, CompiledFile]
    damaged: Mapping[str, str] = field(default_factory=dict)
    supplied: Collection[str] = ()
    noted: Collection[str] = ()
    names: Collection[str] = ()


@dataclass(frozen=True)
class Findings:
    """The result of a static check.

    Attributes:
        faults: What cannot work.
        warnings: What people should know.
        files: How many compiled files there are for the platform.
        newest: The newest system that one of them needs, such as `glibc 2.17`; empty where none says.
        system_libraries: Libraries of the operating system that they need.
        missing: Libraries that they need and nobody brings.
        mach_files: Paths of all Mach-O files of a layer for macOS, for any processor; otherwise None.
    """

    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    files: int
    newest: str
    system_libraries: tuple[str, ...]
    missing: tuple[str, ...]
    mach_files: tuple[str, ...] | None = None


def check_files(layer: LayerFiles) -> Findings:
    """Judge the compiled files of a layer."""
    system = layer.platform.system
    fitting = {path: file for path, file in layer.compiled.items() if _fits(file, layer.platform)}
    used = {name for file in fitting.values() for name in file.needed}
    missing = _missing(layer, fitting)
    newest = max((file.system for file in fitting.values()), default=())
    too_new = {path: file for path, file in fitting.items() if _is_too_new(file, layer)}
    foreign = [path for path in layer.compiled.keys() - fitting.keys() if _is_loaded(path, layer)]
    faults = [f"{path} is not for {layer.platform.machine}" for path in foreign]
    newer = {path: f"{path} needs {_named(layer, file.system)}" for path, file in too_new.items()}
    faults += [text for path, text in newer.items() if path not in layer.supplied]
    warnings = [text for path, text in newer.items() if path in layer.supplied]
    warnings += [f"{path} cannot be read: {reason}" for path, reason in layer.damaged.items()]
    warnings += _missing_texts(layer, missing)
    return Findings(
        tuple(sorted(faults)),
        tuple(f"layer '{layer.layer}': {text}" for text in sorted(warnings)),
        len(fitting),
        _named(layer, newest),
        tuple(sorted(name for name in used if is_system_library(name, system))),
        tuple(sorted(missing)),
        tuple(sorted(layer.compiled)) if system == "macosx" else None,
    )


def _fits(file: CompiledFile, platform: TargetPlatform) -> bool:
    return platform.machine in file.processors


def _named(layer: LayerFiles, version: tuple[int, ...]) -> str:
    return f"{_SYSTEMS[layer.platform.system]} {'.'.join(map(str, version))}" if version else ""


def _is_too_new(file: CompiledFile, layer: LayerFiles) -> bool:
    is_windows = layer.platform.is_windows
    return file.system > (_WINDOWS_10 if is_windows else tuple(int(part) for part in layer.oldest.split(".")))


def _is_loaded(path: str, layer: LayerFiles) -> bool:
    """Whether Python would load a file: as an extension module, or as part of itself.

    Packages also bring programs and libraries for several processors, and choose among them when they run.
    """
    if path in layer.supplied:
        return not path.startswith("Lib/")  # in which launchers for other processors are
    name = posixpath.basename(path)
    platform = layer.platform
    own_tag = f"-{platform.name}.pyd" if platform.is_windows else f"-{platform.machine}-linux-gnu.so"
    return bool(_EXTENSION.fullmatch(name)) and (name.endswith(own_tag) or not _OTHER_SYSTEM.search(name))


def _missing(layer: LayerFiles, files: Mapping[str, CompiledFile]) -> dict[str, list[str]]:
    """Libraries that are neither in a layer nor part of the system, and who needs them."""
    fold = str.lower if layer.platform.is_windows else str
    known = {fold(name) for name in layer.names}
    found: dict[str, list[str]] = {}
    for path, name in _needs(files):
        in_layers = not name.startswith("/") and fold(posixpath.basename(name)) in known
        if not in_layers and not is_system_library(name, layer.platform.system):
            found.setdefault(name, []).append(path)
    return found


def _needs(files: Mapping[str, CompiledFile]) -> Iterator[tuple[str, str]]:
    for path, file in files.items():
        yield from ((path, name) for name in file.needed)


def _missing_texts(layer: LayerFiles, missing: Mapping[str, list[str]]) -> Iterator[str]:
    """A sentence for Python itself, and one for each library that packages need."""
    of_python = {name for name, paths in missing.items() if set(paths) <= set(layer.supplied)}
    if unknown := of_python - set(layer.noted):
        yield f"its Python needs libraries of the system that not every machine has: {', '.join(sorted(unknown))}"
    for name in missing.keys() - of_python:
        first, *others = sorted(missing[name])
        more = f" and {len(others)} more need" if others else " needs"
        yield f"{first}{more} {name}, which is in no layer (nor in one flat environment) and no part of the system"
