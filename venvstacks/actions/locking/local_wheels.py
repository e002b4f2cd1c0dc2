"""Local wheels: those that a lock depends on, and an index of them, from which uv takes the packages that they hold."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from venvstacks.actions.locking.lock_request import LockRequest
from venvstacks.digests import prefixed
from venvstacks.tools.files import path_from

if TYPE_CHECKING:
    from venvstacks.model.platforms import PythonImplementation


def wheels_now(
    request: LockRequest, recorded: Mapping[str, str], lock_text: str | None, hash_file: Callable[[Path], str]
) -> dict[str, str | None]:
    """Present hashes of the recorded local wheels and of wheels that were added since; None for missing wheels.

    Only folders that the request names are searched for new wheels: without such folders a lock stays valid.
    """
    places = {path: request.base / path for path in recorded}
    if request.local_wheel_dirs and lock_text is not None:
        names = _locked_names(lock_text, request.layer.python)
        places |= {relative_to_base(request, path): path for path in local_wheels(request, names)}
    return {path: prefixed(hash_file(place)) if place.is_file() else None for path, place in places.items()}


def _locked_names(lock_text: str, python: PythonImplementation) -> frozenset[str]:
    from venvstacks.locking.names_in_text import names_chosen_in  # noqa: PLC0415 - only with folders of local wheels

    if (names := names_chosen_in(lock_text)) is not None:
        return names
    from venvstacks.locking.pylock import read_lock  # noqa: PLC0415 - only for locks of other programs
    from venvstacks.locking.uv_resolution import UnusableLockError  # noqa: PLC0415

    try:
        return read_lock(lock_text, python).lock.chosen_names
    except UnusableLockError:
        return frozenset()  # that the lock is damaged is reported as a reason of its own


def local_wheels(request: LockRequest, names: frozenset[str]) -> Iterator[Path]:
    """Wheels in the request's local folders that belong to one of the distributions `names`."""
    for folder in request.local_wheel_dirs:
        # not Path.glob: 0.12 instead of 0.17 s for the plan of 40 layers over 320 wheels
        found = os.listdir(folder) if folder.is_dir() else ()  # noqa: PTH208
        wheels = (name for name in found if name.endswith(".whl") and _distribution_of(name) in names)
        yield from (folder / name for name in sorted(wheels))


@lru_cache(maxsize=1 << 14)  # each layer looks for its own among all of them
def _distribution_of(wheel: str) -> str:
    return str(canonicalize_name(wheel.partition("-")[0]))


def relative_to_base(request: LockRequest, path: Path) -> str:
    """A path relative to the specification's folder, forward slashes; may lead out of it."""
    return path_from(request.base, path)


LOCAL_INDEX = "venvstacks-local-wheels"
"""The name for uv of the index that holds local wheels."""


def local_names(request: LockRequest, provided: Collection[str]) -> frozenset[str]:
    """Names of packages that local wheels hold, without those that lower layers provide or that have another source.

    Args:
        request: The layer and its surroundings.
        provided: Names of packages that the layers below hold.
    """
    from venvstacks.locking.source_check import assigned_names  # noqa: PLC0415 - only to lock

    found = {_distribution_of(wheel.name) for folder in request.local_wheel_dirs for wheel in folder.glob("*.whl")}
    return frozenset(found) - assigned_names(request.layer, request.uv) - frozenset(provided)


def with_local_index(request: LockRequest, names: Collection[str], folder: Path) -> LockRequest:
    """A request in which the packages `names`, which local wheels hold, come from there and from no index.

    uv prefers a folder of wheels to an index only among equal versions, so the wheels become an index (PEP 503) that
    the packages are assigned to.

    Args:
        request: The layer and its surroundings.
        names: The packages.
        folder: Gets the pages of the index.
    """
    if not names or not request.use_index or request.uv.get("no-index"):
        return request
    from html import escape  # noqa: PLC0415 - only to lock

    for name in sorted(names):
        wheels = local_wheels(request, frozenset({name}))
        links = (f'<a href="{escape(wheel.as_uri())}">{escape(wheel.name)}</a>\n' for wheel in wheels)
        (folder / name).mkdir(parents=True)
        (folder / name / "index.html").write_text("".join(links), encoding="utf-8")
    index = {"name": LOCAL_INDEX, "url": folder.as_uri(), "explicit": True}
    assigned = {**request.layer.package_indexes, **dict.fromkeys(names, LOCAL_INDEX)}
    # its pages name no times of upload, and uv takes a file without one for newer than `exclude-newer`
    newest = {**request.uv.get("exclude-newer-package", {}), **dict.fromkeys(names, False)}
    return replace(
        request,
        layer=replace(request.layer, package_indexes=assigned),
        uv={**request.uv, "index": [*request.uv.get("index", ()), index], "exclude-newer-package": newest},
    )
