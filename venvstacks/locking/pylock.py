"""A layer's lock as text (PEP 751), and back.

A shared package is listed without wheels under a marker that never holds. That marker tells the three readers apart:
installers pass the package over, people see that it is there, and this module finds its provider in the tool table. An
excluded package is listed with its wheels, which tell its size, under another such marker.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC
from functools import lru_cache
from typing import Any

from packaging.markers import InvalidMarker, Marker
from packaging.utils import canonicalize_name

from venvstacks.locking.locks import LayerLock, LockedPackage, Wheel
from venvstacks.locking.merge import sort_packages
from venvstacks.locking.uv_resolution import UnusableLockError, load_document, make_wheel_entry, packages_of
from venvstacks.model.platforms import PLATFORMS, PythonImplementation

SHARED_MARKER = "sys_platform == 'from_lower_layer'"
LEFT_OUT_MARKER = "sys_platform == 'left_out'"
_CREATOR = "venvstacks"
_UNKNOWN_PROVIDER = "lower layer"


def format_lock(lock: LayerLock) -> str:
    """The exact text of a lock: the same lock always gives the same bytes."""
    lines = [
        'lock-version = "1.0"',
        *_array("environments", (_quote(PLATFORMS[target].marker) for target in lock.targets)),
        f"requires-python = {_quote(lock.requires_python)}",
        f"created-by = {_quote(_CREATOR)}",
    ]
    if not lock.packages:
        lines.append("packages = []")
    for package in lock.packages:
        lines += ["", *_package_lines(package, lock.targets)]
    return "\n".join(lines) + "\n"


def _package_lines(package: LockedPackage, targets: Sequence[str]) -> Iterator[str]:
    yield "[[packages]]"
    yield f"name = {_quote(package.name)}"
    yield f"version = {_quote(package.version)}"
    marker = simplest_marker(package.targets, targets)
    if package.provider is not None:
        yield f"marker = {_quote(f'{SHARED_MARKER} and ({marker})' if marker else SHARED_MARKER)}"
        yield f"tool = {{ {_CREATOR} = {{ provided-by = {_quote(package.provider)} }} }}"
        return
    if package.left_out_by is not None:
        yield f"marker = {_quote(f'{LEFT_OUT_MARKER} and ({marker})' if marker else LEFT_OUT_MARKER)}"
        yield f"tool = {{ {_CREATOR} = {{ left-out-by = {_quote(package.left_out_by)} }} }}"
    elif marker:
        yield f"marker = {_quote(marker)}"
    yield from _array("wheels", (_wheel_text(wheel) for wheel in package.wheels))


def _array(key: str, elements: Iterable[str]) -> Iterator[str]:
    yield f"{key} = ["
    yield from (f"    {element}," for element in elements)
    yield "]"


def _wheel_text(wheel: Wheel) -> str:
    parts = [f"{'path' if wheel.is_path else 'url'} = {_quote(wheel.location)}"]
    if wheel.upload_time is not None:
        moment = wheel.upload_time.astimezone(UTC).isoformat()
        parts.append(f"upload-time = {moment.replace('+00:00', 'Z')}")
    if wheel.size is not None:
        parts.append(f"size = {wheel.size}")
    hashes = ", ".join(f"{algorithm} = {_quote(value)}" for algorithm, value in wheel.hashes)
    parts.append(f"hashes = {{ {hashes} }}")
    return f"{{ {', '.join(parts)} }}"


def _quote(text: str) -> str:
    """A TOML basic string; JSON's escapes are a part of TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def simplest_marker(chosen: Sequence[str], targets: Sequence[str]) -> str | None:
    """A short marker that, among `targets`, holds exactly on `chosen`; None where that is all of them.

    Systems of which all targets are chosen are named as a whole, the others target by target.
    """
    if set(chosen) == set(targets):
        return None
    terms = []
    for system in dict.fromkeys(PLATFORMS[target].sys_platform for target in targets):
        all_of_it = [target for target in targets if PLATFORMS[target].sys_platform == system]
        wanted = [target for target in all_of_it if target in chosen]
        if wanted == all_of_it:
            terms.append(f"sys_platform == '{system}'")
        else:
            terms += [PLATFORMS[target].marker for target in wanted]
    if len(terms) == 1:
        return terms[0]
    return " or ".join(f"({term})" if " and " in term else term for term in terms)


def parse_lock(text: str, python: PythonImplementation) -> LayerLock:
    """Read a lock that this or another program wrote.

    Args:
        text: The lock file.
        python: The Python that markers are evaluated for.

    Raises:
        UnusableLockError: It is not a usable PEP 751 lock.
    """
    document = load_document(text)
    try:
        targets = _targets(document.get("environments"), python)
        entries = [_parse_package(table, targets, python) for table in packages_of(document)]
        return LayerLock(
            str(document.get("requires-python", "")),
            targets,
            sort_packages([entry for entry in entries if entry.targets], targets),
        )
    except InvalidMarker as error:
        raise UnusableLockError(f"a marker cannot be read: {str(error).splitlines()[0]}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnusableLockError(f"the lock cannot be read: {error}") from error


@lru_cache(maxsize=1 << 12)  # all locks of a stack name the same few targets
def _where(marker: str, python: PythonImplementation) -> tuple[str, ...]:
    """Names of the platforms on which a marker holds."""
    parsed = Marker(marker)
    return tuple(name for name, target in PLATFORMS.items() if parsed.evaluate(target.marker_environment(python)))


def _targets(environments: Any, python: PythonImplementation) -> tuple[str, ...]:  # noqa: ANN401 - checked by use
    if environments is None:
        return tuple(PLATFORMS)
    meant = {name for marker in environments for name in _where(marker, python)}
    return tuple(name for name in PLATFORMS if name in meant)


def _parse_package(table: dict[str, Any], targets: tuple[str, ...], python: PythonImplementation) -> LockedPackage:
    marker = table.get("marker", "")
    provider = excluder = None
    ours = table.get("tool", {}).get(_CREATOR, {})
    if marker.startswith(SHARED_MARKER):
        provider = ours.get("provided-by", _UNKNOWN_PROVIDER)
    elif marker.startswith(LEFT_OUT_MARKER):
        excluder = ours.get("left-out-by", _UNKNOWN_PROVIDER)
    if provider or excluder:
        marker = marker.removeprefix(SHARED_MARKER).removeprefix(LEFT_OUT_MARKER).removeprefix(" and ")
    meant = _where(marker, python) if marker else targets
    wheels = tuple(
        make_wheel_entry(wheel.get("path") or wheel["url"], wheel, is_path="path" in wheel)
        for wheel in table.get("wheels", ())
    )
    if not wheels and provider is None:
        raise UnusableLockError(f"{table['name']} has no wheels")
    return LockedPackage(
        str(canonicalize_name(table["name"])),
        table["version"],
        tuple(target for target in targets if target in meant),
        wheels,
        provider,
        excluder,
    )


def pins_text(lock: LayerLock, target: str, unpinned: Collection[str] = ()) -> str:
    """A lock of what one target installs or leaves out, as a seed from which uv prefers its versions.

    uv ignores markers in a seed, so a seed never holds what belongs to other targets.

    Args:
        lock: The lock.
        target: Name of the target.
        unpinned: Packages whose versions are not to be kept.
    """
    lines = ['lock-version = "1.0"', f"created-by = {_quote(_CREATOR)}"]
    chosen = (*lock.installed(target), *lock.left_out(target))
    pinned = [package for package in chosen if package.name not in unpinned]
    if not pinned:
        lines.append("packages = []")  # uv refuses a lock without that key
    for package in pinned:
        lines += ["", "[[packages]]", f"name = {_quote(package.name)}", f"version = {_quote(package.version)}"]
    return "\n".join(lines) + "\n"
