"""The hashes of the original venvstacks (0.5 to 0.8): over joined text, as its lock metadata records them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from venvstacks.digests import prefixed, sha256_bytes
from venvstacks.model.stack import Layer

_CLAUSE = "sys_platform == 'from_lower_layer'"
_DEFAULT_GLIBC = "2.28"


def hash_strings(texts: Iterable[str]) -> str:
    """`sha256:<hex>` of the concatenated texts."""
    return prefixed(sha256_bytes("".join(texts).encode()))


def hash_requirements(lines: Iterable[str]) -> str:
    """The hash of a requirements file: sorted, without comments, options that give hashes, and line continuations."""
    cleaned = (line.rstrip("\\").partition("#")[0].strip() for line in lines)
    return hash_strings(sorted(line for line in cleaned if line and "--hash" not in line))


def hash_requirements_with_hashes(lines: Iterable[str]) -> str:
    """The hash of a locked requirements file as 0.5 to 0.7 made it: every line that is no comment counts."""
    cleaned = (line.strip().partition("#")[0].strip() for line in lines)
    return hash_strings(sorted(filter(None, cleaned)))


def requirement_spellings(requirements: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Declared requirements as written (0.5 to 0.7), and as `packaging` writes them (0.8)."""
    written = tuple(requirements)
    try:
        return written, tuple(str(Requirement(text)) for text in written)
    except InvalidRequirement:
        return (written,)


def hash_lock_entries(packages: Iterable[Mapping[str, Any]]) -> str:
    """The hash of a PEP 751 lock as 0.8 made it: over its sorted entries and wheels, not over the file's text.

    Raises:
        ValueError: An entry is not of the form that 0.8 wrote.
    """
    try:
        return hash_strings(sorted(line for package in packages for line in _entry_lines(package)))
    except (KeyError, TypeError, AttributeError, InvalidMarker, InvalidVersion) as error:
        raise ValueError(f"an entry is not of the form that venvstacks 0.8 writes: {error}") from None


def _entry_lines(package: Mapping[str, Any]) -> Iterator[str]:
    marker = _marker_without_clause(package.get("marker", ""))
    pin = f"{package['name']}=={Version(package['version'])}{f' ; {marker}' if marker else ''}"
    yield f"{pin} from {package.get('index', 'unspecified index')}"
    for wheel in package.get("wheels", ()):
        for algorithm, digest in wheel["hashes"].items():
            yield f"{_file_name(wheel)}:{algorithm}:{digest}"


def _marker_without_clause(text: str) -> str:
    if not text:
        return ""
    marker = str(Marker(text)).replace('"', "'")
    if marker == _CLAUSE:
        return ""
    if not marker.endswith(f" and {_CLAUSE}"):
        return marker
    return marker.removesuffix(f" and {_CLAUSE}").removeprefix("(").removesuffix(")")


def _file_name(wheel: Mapping[str, Any]) -> str:
    named = wheel.get("name") or posixpath.basename(
        (wheel.get("path") or urlsplit(wheel["url"]).path).replace("\\", "/")
    )
    return unquote(named)


def hash_module_file(name: str, sha256: str) -> str:
    """The hash of a launch or support module that is one file.

    Args:
        name: The file's name.
        sha256: Hex digest of its content.
    """
    return prefixed(sha256_bytes(f"{name}{prefixed(sha256)}".encode()))


def hash_module_folder(name: str, files: Mapping[str, str]) -> str:
    """The hash of a launch or support module that is a folder: folder by folder, files before subfolders.

    Args:
        name: The folder's name.
        files: Paths relative to it to hex digests of their content.
    """
    return hash_strings(_folder_texts(name, files)).replace(":", "/", 1)


def _folder_texts(name: str, files: Mapping[str, str]) -> Iterator[str]:
    yield name
    for path in sorted(path for path in files if "/" not in path):
        yield path
        yield prefixed(files[path])
    folders = sorted({path.partition("/")[0] for path in files if "/" in path})
    for folder in folders:
        inside = {path.partition("/")[2]: digest for path, digest in files.items() if path.startswith(f"{folder}/")}
        yield from _folder_texts(folder, inside)


def other_inputs_hashes(layer: Layer) -> frozenset[str]:
    """All values that 0.6 to 0.8 may have recorded as `other_inputs_hash` of `layer`.

    There are several, because the original hashes a target as it is written, also where that is the default, whereas
    here a target that is written and the same target by default mean the same.
    """
    systems = {target.system for target in layer.platforms}
    linux = [f"linux_target=glibc@{layer.glibc}", *(["linux_target=glibc"] if layer.glibc == _DEFAULT_GLIBC else [])]
    macos = [f"macosx_target={layer.macos}"]
    if layer.macos.endswith(".0"):
        macos.append(f"macosx_target={layer.macos.removesuffix('.0')}")
    elif "." not in layer.macos:
        macos.append(f"macosx_target={layer.macos}.0")
    python = [f"py_version={layer.python.short_version}"]
    below = [layer.runtime.env_name, *(lower.name for lower in layer.frameworks)] if layer.runtime else []
    oldest = [linux if "linux" in systems else [""], macos if "macosx" in systems else [""]]
    spellings = {hash_strings([*python, *below])}  # 0.6 and 0.7 knew no targets
    return frozenset(spellings | {hash_strings([*python, *targets, *below]) for targets in product(*oldest)})


def version_inputs_hash(layer: Layer, modules: Iterable[str]) -> str:
    """What 0.6 to 0.8 recorded as `version_inputs_hash`.

    Args:
        layer: The layer.
        modules: Hashes of launch module and support modules by the original's algorithm, in declared order.
    """
    return hash_strings([f"env_name={layer.env_name}", f"is_versioned_layer={layer.versioned}", *modules])


def mixed_inputs_hash(layer: Layer, modules: Iterable[str]) -> str:
    """What 0.5 recorded as `other_inputs_hash`: what later versions split into two."""
    below = [layer.runtime.env_name, *(lower.name for lower in layer.frameworks)] if layer.runtime else []
    texts = [
        f"env_name={layer.env_name}",
        f"py_version={layer.python.short_version}",
        f"is_versioned_layer={layer.versioned}",
    ]
    return hash_strings([*texts, *modules, *below])
