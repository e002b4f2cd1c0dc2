"""Whether a layer takes packages from where the files of other projects take them."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from venvstacks.errors import ForeignSourceError
from venvstacks.locking.locks import Wheel
from venvstacks.model.declared import required_names
from venvstacks.model.specification import UvTable
from venvstacks.model.stack import Gathered, Layer

_Chosen = Mapping[str, Mapping[str, Sequence[Wheel]]]
"""Target name to package name to the wheels that were chosen."""


def assigned_names(layer: Layer, uv: UvTable) -> frozenset[str]:
    """Packages whose source the specification itself names: an index, an address, an entry of `[tool.uv.sources]`."""
    addressed = {r.name for r in map(Requirement, layer.requirements) if r.url}
    names = (*layer.package_indexes, *uv.get("sources", ()), *addressed)
    return frozenset(str(canonicalize_name(name)) for name in names)


def check_required(layer: Layer, uv: UvTable, known: Mapping[str, Collection[str]]) -> None:
    """Check, before anything is resolved, that what a layer requires has a source.

    Args:
        layer: The layer.
        uv: uv settings as written.
        known: Target name to packages that a lower layer or a local wheel provides there.

    Raises:
        ForeignSourceError: A file sends a required package to a source that the specification does not name.
    """
    if any(gathered.sources for gathered in layer.gathered):
        names = {
            target.name: set(required_names(layer, target)) - set(known[target.name]) for target in layer.platforms
        }
        _raise(layer, dict(_unfollowed(layer, assigned_names(layer, uv), names)))


def check_chosen(layer: Layer, uv: UvTable, chosen: _Chosen) -> None:
    """Check that the packages which were chosen come from where other projects' files take them.

    Raises:
        ForeignSourceError: A package comes from another source, is another file than a lock lists, or has another hash
            than a requirements file allows.
    """
    if not any(gathered.sources or gathered.files or gathered.hashes for gathered in layer.gathered):
        return
    assigned = assigned_names(layer, uv)
    indexed = {
        target: {
            name: [wheel for wheel in wheels if not wheel.is_path and not wheel.is_archive]
            for name, wheels in packages.items()
            if name not in assigned
        }
        for target, packages in chosen.items()
    }
    names = {target: {name for name, wheels in found.items() if wheels} for target, found in indexed.items()}
    faults = dict(_unfollowed(layer, assigned, names))
    for gathered in layer.gathered:
        for packages in indexed.values():
            for name, wheels in packages.items():
                faults |= {line: _OTHER_FILE_HINT for wheel in wheels for line in _unlisted(gathered, name, wheel)}
        for resolved in chosen.values():
            for name, every in resolved.items():
                faults |= {line: _OTHER_HASH_HINT for wheel in every for line in _of_other_hash(gathered, name, wheel)}
    _raise(layer, faults)


_OTHER_FILE_HINT = "assign the package to the index that the lock names: package_indexes = { ... }"
_OTHER_HASH_HINT = (
    "list the hashes of all files of that version, as pip-compile and uv do when they generate them, or take the "
    "package from the index that the hashes are from: package_indexes = { ... }"
)


def _unfollowed(
    layer: Layer, assigned: Collection[str], names: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, str]]:
    """(what is wrong, what to do) for each package that a file takes from another source on one of the targets."""
    for gathered in layer.gathered:
        for source in gathered.sources:
            concerned = [t for t in layer.platforms if source.name in names[t.name] and source.name not in assigned]
            environments = [target.marker_environment(layer.python) for target in concerned]
            if any(source.holds(environment) for environment in environments):
                yield f"{source.name}: {gathered.origin} takes it from {source.place}", source.cure


def _of_other_hash(gathered: Gathered, name: str, wheel: Wheel) -> Iterator[str]:
    """What is wrong with a wheel whose hash is none of those that a requirements file lists for its package."""
    allowed, digest = gathered.hashes.get(name), dict(wheel.hashes).get("sha256")
    if allowed and digest not in allowed and not wheel.is_own and wheel.hashes:
        yield f"{name}: {_file_name(wheel)} has none of the hashes that {gathered.origin} lists"


def _file_name(wheel: Wheel) -> str:
    return unquote(posixpath.basename(urlsplit(wheel.location).path))


def _unlisted(gathered: Gathered, name: str, wheel: Wheel) -> Iterator[str]:
    """What is wrong with a wheel that differs from the files which a lock lists for its version; nothing if none is."""
    file = _file_name(wheel)
    version = str(parse_wheel_filename(file)[1])
    listed = [each for each in gathered.files if each.name == name and each.version == version]
    digest = dict(wheel.hashes).get("sha256", "")
    host = urlsplit(wheel.location).hostname
    same = [each for each in listed if each.file == file]
    if not listed or any(each.sha256 == digest for each in same):
        return
    if not any(each.sha256 for each in same) and any(each.host == host for each in listed):
        return  # a file that was added later, or that the lock lists without a hash
    hosts = ", ".join(sorted({each.host for each in listed if each.host})) or "another index"
    yield f"{name}: {file} from {host} is not the file that {gathered.origin} lists (from {hosts})"


def _raise(layer: Layer, faults: Mapping[str, str]) -> None:
    if faults:
        raise ForeignSourceError(
            f"layer '{layer.env_name}' would take packages from another source than the files that it refers to, or "
            "other files",
            details=tuple(faults),
            hint="; ".join(dict.fromkeys(faults.values())),
        )
