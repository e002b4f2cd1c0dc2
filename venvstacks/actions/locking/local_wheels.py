"""Local wheels that a layer's lock depends on: the recorded ones, and those of the folders that this run names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from packaging.utils import canonicalize_name

from venvstacks.actions.locking.lock_request import LockRequest
from venvstacks.digests import prefixed
from venvstacks.locking.pylock import read_lock
from venvstacks.locking.uv_resolution import UnusableLockError
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
    try:
        return read_lock(lock_text, python).lock.chosen_names
    except UnusableLockError:
        return frozenset()  # that the lock is damaged is reported as a reason of its own


def local_wheels(request: LockRequest, names: frozenset[str]) -> Iterator[Path]:
    """Wheels in the request's local folders that belong to one of the distributions `names`."""
    for folder in request.local_wheel_dirs:
        # not Path.glob: 0.12 instead of 0.17 s for the plan of 40 layers over 320 wheels
        found = os.listdir(folder) if folder.is_dir() else ()  # noqa: PTH208
        for name in sorted(name for name in found if name.endswith(".whl")):
            if _distribution_of(name) in names:
                yield folder / name


@lru_cache(maxsize=1 << 14)  # each layer looks for its own among all of them
def _distribution_of(wheel: str) -> str:
    return str(canonicalize_name(wheel.partition("-")[0]))


def relative_to_base(request: LockRequest, path: Path) -> str:
    """A path relative to the specification's folder, forward slashes; may lead out of it."""
    return Path(os.path.relpath(path, request.base)).as_posix()
