"""Wheels with members that would be placed outside of the environment: found, and reported by package.

uv skips such members, takes them out of RECORD, and reports them in its log alone, once: when it unpacks the wheel
(seen with uv 0.13). A wheel like that is broken or meant to harm, and neither is shipped in silence. Local wheels are
looked into; of others only uv sees the members.
"""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from venvstacks.actions.toolset import Tools
from venvstacks.errors import BuildError, LockError, UnsafeWheelError
from venvstacks.locking.locks import LayerLock
from venvstacks.locking.pylock_text import format_lock
from venvstacks.model.relative_paths import leads_out
from venvstacks.tools.uv import InstallRequest, install

_Error = TypeVar("_Error", LockError, BuildError, UnsafeWheelError)

_MOST_MEMBERS = 5
_HINT = "mistrust where {} came from: take another version, or one from another index, or build its wheel again"


def check_local_wheels(folder: Path, lock: LayerLock, layer: str, error: type[_Error]) -> None:
    """See that no local wheel of a lock has members that lead out.

    Args:
        folder: The folder of the lock file; it may not exist yet.
        lock: The lock.
        layer: What messages call the layer.
        error: What to raise.

    Raises:
        VenvstacksError: Of the type `error`: wheels have such members.
    """
    found = {
        package.name: members
        for package in lock.packages
        if not package.is_shared
        for wheel in package.wheels
        if wheel.is_path and (members := _unsafe_members(os.path.normpath(folder / wheel.location)))
    }
    if found:
        raise _members_error(found, layer, error)


def _unsafe_members(wheel: str) -> tuple[str, ...]:
    with contextlib.suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(wheel) as archive:
        return tuple(filter(leads_out, archive.namelist()))
    return ()  # uv has better words for a wheel that is missing or broken


def name_unsafe_wheels(
    error: UnsafeWheelError, lock: LayerLock, target: str, wanted: InstallRequest, tools: Tools
) -> UnsafeWheelError:
    """The error about wheels whose members uv has skipped, with the names of their packages.

    uv does not say which wheels those are, so each package is fetched and installed alone, into folders of its own.

    Args:
        error: What uv said.
        lock: The lock that was installed.
        target: The target that it was installed for.
        wanted: That installation; its folders are not used any more.
        tools: The shell.
    """
    found: dict[str, Sequence[str]] = {}
    for package in lock.installed(target):
        single = wanted.prefix.with_name(f"pylock.only-{package.name.replace('.', '-')}.toml")
        single.write_text(format_lock(replace(lock, packages=(package,))), "utf-8")
        alone = replace(
            wanted,
            lock_file=single,
            cache=single.with_suffix(".cache"),
            target=single.with_suffix(".installed"),
        )
        try:
            install(alone, tools.processes, tools.environment)
        except UnsafeWheelError as culprit:
            found[package.name] = culprit.details
        except BuildError:
            continue  # it fails for another reason, and is none of those that were unpacked
    return _members_error(found or {"some package": error.details}, wanted.layer, UnsafeWheelError)


def _members_error(found: Mapping[str, Sequence[str]], layer: str, error: type[_Error]) -> _Error:
    names = ", ".join(found)
    lines = []
    for name, members in found.items():
        more = f" and {len(members) - _MOST_MEMBERS} more" if len(members) > _MOST_MEMBERS else ""
        lines.append(f"{name}: {', '.join(members[:_MOST_MEMBERS])}{more}")
    return error(
        f"layer '{layer}': the wheel of {names} holds files that would lie outside of the environment",
        details=tuple(lines),
        hint=_HINT.format(names),
    )
