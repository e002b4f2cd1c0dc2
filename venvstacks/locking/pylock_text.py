"""The text of a layer's lock (PEP 751), and of the seeds: locks from which uv takes the versions that it prefers.

A shared package is listed with its provider's wheels under a marker that never holds: installers skip the package, any
reader of PEP 751 accepts the file, and the tool table names the provider. A package that is left out is listed in the
same way under another such marker.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC

from venvstacks.locking.locks import LayerLock, LockedPackage, Wheel
from venvstacks.locking.names_in_text import CREATOR, SHARED
from venvstacks.model.platforms import PLATFORMS

LEFT_OUT = "left_out"


def format_lock(lock: LayerLock) -> str:
    """The exact text of a lock: the same lock always gives the same bytes."""
    lines = [
        'lock-version = "1.0"',
        *_array("environments", (_quote(PLATFORMS[target].marker) for target in lock.targets)),
        f"requires-python = {_quote(lock.requires_python)}",
        f"created-by = {_quote(CREATOR)}",
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
        yield f"marker = {_quote(_never(SHARED, marker))}"
        yield f"tool = {{ {CREATOR} = {{ provided-by = {_quote(package.provider)} }} }}"
    elif package.left_out_by is not None:
        yield f"marker = {_quote(_never(LEFT_OUT, marker))}"
        yield f"tool = {{ {CREATOR} = {{ left-out-by = {_quote(package.left_out_by)} }} }}"
    elif marker:
        yield f"marker = {_quote(marker)}"
    if any(not wheel.hashes for wheel in package.wheels):
        yield f"directory = {{ path = {_quote(package.wheels[0].location)} }}"
    elif any(wheel.is_archive for wheel in package.wheels):
        yield f"archive = {_wheel_text(package.wheels[0])}"
    elif package.wheels:
        yield from _array("wheels", map(_wheel_text, package.wheels))


def _never(system: str, marker: str | None) -> str:
    clause = f"sys_platform == '{system}'"
    return f"{clause} and ({marker})" if marker else clause


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
    """A short marker that, among `targets`, holds exactly on `chosen`; None if all of them are chosen.

    If all targets of an operating system are chosen, the marker names the system; otherwise each target is named.
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


def pins_text(lock: LayerLock, target: str, unpinned: Collection[str] = ()) -> str:
    """A lock of what one target installs or leaves out, as a seed from which uv prefers its versions.

    uv ignores markers in a seed, so there is one seed for each target. For a target that the lock does not cover yet,
    the seed holds the versions of another target, of the same system if possible, so that both get the same versions.

    Args:
        lock: The lock.
        target: Name of the target.
        unpinned: Packages whose versions are not to be kept.
    """
    lines = ['lock-version = "1.0"', f"created-by = {_quote(CREATOR)}"]
    source = target if target in lock.targets else _nearest(target, lock.targets)
    chosen = (*lock.installed(source), *lock.left_out(source))
    pinned = [package for package in chosen if package.name not in unpinned]
    if not pinned:
        lines.append("packages = []")  # uv refuses a lock without that key
    for package in pinned:
        lines += ["", "[[packages]]", f"name = {_quote(package.name)}", f"version = {_quote(package.version)}"]
    return "\n".join(lines) + "\n"


def _nearest(target: str, known: Sequence[str]) -> str:
    system = PLATFORMS[target].system
    return next((other for other in known if PLATFORMS[other].system == system), known[0] if known else target)
