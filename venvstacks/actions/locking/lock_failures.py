"""Errors that say why a layer cannot be locked, and what to do about it.

All targets are tried before anything is reported, and all faults of one kind are reported together, so that the user
can correct them all at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from venvstacks.actions.locking.attempts import Attempt, Conditions, UvRuns, run_for_all
from venvstacks.actions.locking.conflicts import explain_conflict, name_layers
from venvstacks.errors import LockError, MissingWheelsError
from venvstacks.locking.locks import LayerLock
from venvstacks.locking.uv_resolution import UnusableLockError, read_versions
from venvstacks.locking.uv_texts import project_name
from venvstacks.model.platforms import TargetPlatform
from venvstacks.tools.uv_failures import FailureKind, UvFailure

_MOST_EXCLUSIONS = 25
"""How many further runs of uv may search for more packages without wheels; then those found so far are reported."""

_Failures = Mapping[TargetPlatform, UvFailure]

_WHY_AND_HINTS: Mapping[FailureKind, tuple[str, str]] = {
    "network": (
        "a package index cannot be reached",
        (
            "check the network and the indexes in [tool.uv] (slow ones may need a larger UV_HTTP_TIMEOUT, in seconds); "
            "--no-index with --local-wheels locks without a network"
        ),
    ),
    "server error": (
        "a package index answers with an error",
        (
            "try again later, or report it to the index's operator; is its URL in [tool.uv] right? --no-index with "
            "--local-wheels locks without it"
        ),
    ),
    "credentials": (
        "a package index refuses requests without valid credentials",
        (
            "name the index in [tool.uv] and set UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD, netrc or "
            "UV_KEYRING_PROVIDER; a specification should hold no credentials"
        ),
    ),
    "bad answer": (
        "what a package index or a folder of wheels gives cannot be used",
        (
            "is the URL in [tool.uv] that of a package index (PEP 503 or 691), and is the file a whole wheel? What is "
            "damaged on an index has to be repaired by its operator"
        ),
    ),
    "unknown package": (
        "a package cannot be found",
        (
            "check the spelling, and exclude-newer; a package of your own needs its index in [tool.uv] (and "
            "package_indexes, if it is an explicit one), or its wheel in a folder named with --local-wheels"
        ),
    ),
    "other": (
        "uv refuses its inputs",
        (
            "correct what it names; settings.toml and pyproject.toml are made from [tool.uv] of the specification (or "
            "venvstacks.uv.toml next to it) and from the layer's keys"
        ),
    ),
}
"""Failures that are no conflict between layers and no missing wheels: kind to (what is wrong, hint)."""


def raise_failure(
    runs: UvRuns, below: Sequence[tuple[str, LayerLock]], attempts: Mapping[TargetPlatform, Attempt]
) -> NoReturn:
    """Raise the error that says why a layer cannot be locked.

    Args:
        runs: The layer, and a way to try again.
        below: Environment names and locks of the layers below.
        attempts: What was tried for each target; at least one failed.

    Raises:
        MissingWheelsError: Packages have no wheel for some targets.
        LockError: Anything else.
    """
    failed = {target: attempt.failure for target, attempt in attempts.items() if attempt.failure}
    for kind in ("network", "credentials", "server error", "bad answer", "other", "unknown package"):
        failure = next((failure for failure in failed.values() if failure.kind == kind), None)
        if failure:
            raise _simple_failure(runs, failure)
    conflicts = {target: failure for target, failure in failed.items() if failure.kind == "conflict"}
    if conflicts:
        raise explain_conflict(runs, below, conflicts)
    raise _missing_wheels(runs, failed, [target for target in attempts if target not in failed])


def _simple_failure(runs: UvRuns, failure: UvFailure) -> LockError:
    why, hint = _WHY_AND_HINTS[failure.kind]
    names = {project_name(runs.layer.env_name): runs.layer.env_name}
    return LockError(
        f"layer '{runs.layer.env_name}' cannot be locked: {why}",
        details=tuple(name_layers(line, names) for line in failure.explanation),
        hint=hint,
    )


def _missing_wheels(runs: UvRuns, failed: _Failures, succeeded: Collection[TargetPlatform]) -> MissingWheelsError:
    layer = runs.layer
    missing = run_for_all(failed, lambda target: _find_missing(runs, target, failed[target]))
    packages = sorted({package for found in missing.values() for package in found})
    others = {package: _versions_with_wheels(runs, package, missing) for package in packages}
    rows = [
        (package, ", ".join(target.name for target, found in missing.items() if package in found), others[package])
        for package in packages
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    table = (f"{name:<{widths[0]}}  {where:<{widths[1]}}  {versions}".rstrip() for name, where, versions in rows)
    names = {project_name(layer.env_name): layer.env_name}
    explanation = (name_layers(line, names) for line in next(iter(failed.values())).explanation)
    return MissingWheelsError(
        f"layer '{layer.env_name}' cannot be locked: packages have no wheels for some of its platforms",
        details=(*table, *explanation),
        hint="; or ".join(_missing_hints(runs, missing, succeeded)),
    )


def _missing_hints(
    runs: UvRuns, missing: Mapping[TargetPlatform, Collection[str]], succeeded: Collection[TargetPlatform]
) -> Iterator[str]:
    """What the user can do; each way has been tried, except to build wheels."""
    yield from _hints_of_newer_systems(runs, missing)
    if succeeded:
        listed = ", ".join(f'"{target.name}"' for target in succeeded)
        yield f"this layer can be locked with platforms = [{listed}]"
    packages = sorted({package for found in missing.values() for package in found})
    yield (
        f"build wheels and use --local-wheels, or have them built: require {', '.join(packages)} in this layer, and "
        f"name where the source is in [tool.uv.sources], as in {packages[0]} = {{ url = "
        f'"https://.../{packages[0]}.tar.gz" }}'
    )
    relaxed = Conditions(only=tuple(_without_versions(text, packages) for text in runs.layer.requirements))
    if not any(attempt.failure for attempt in run_for_all(missing, lambda t: runs.attempt(t, relaxed)).values()):
        yield "allow the versions that have wheels"


def _without_versions(text: str, packages: Collection[str]) -> str:
    requirement = Requirement(text)
    if canonicalize_name(requirement.name) in packages:
        requirement.specifier = SpecifierSet()
    return str(requirement)


def _hints_of_newer_systems(runs: UvRuns, missing: Mapping[TargetPlatform, Collection[str]]) -> Iterator[str]:
    """The lowest `linux_target` or `macosx_target` with which the layer can be locked for those platforms."""
    layer = runs.layer
    for system, versions in _NEWER.items():
        targets = [target for target in missing if target.system == system]
        oldest = layer.glibc if system == "linux" else layer.macos
        for version in [v for v in versions if Version(v) > Version(oldest)] if targets else ():
            newer = replace(layer, glibc=version) if system == "linux" else replace(layer, macos=version)
            raised = replace(runs, layer=newer)
            attempts = run_for_all(targets, raised.attempt)
            if not any(attempt.failure for attempt in attempts.values()):
                key = f'linux_target = "glibc@{version}"' if system == "linux" else f'macosx_target = "{version}"'
                yield f"write {key} in the layer: its wheels then need systems of that version or newer"
                break


_NEWER: Mapping[str, Sequence[str]] = {
    "linux": ("2.28", "2.31", "2.34", "2.35", "2.38", "2.39", "2.40"),
    "macosx": ("12.0", "13.0", "14.0", "15.0", "26.0"),
}
"""Versions of glibc and macOS that wheels are made for, and that systems in use have."""


def _find_missing(runs: UvRuns, target: TargetPlatform, failure: UvFailure) -> tuple[str, ...]:
    """All packages that have no wheel for `target`, found by leaving out one after the other."""
    missing = list(failure.packages)
    for _ in range(_MOST_EXCLUSIONS):
        further = runs.attempt(target, Conditions(excluded=tuple(missing))).failure
        new = [] if further is None else [package for package in further.packages if package not in missing]
        if not new:
            break
        missing += new
    return tuple(missing)


def _versions_with_wheels(runs: UvRuns, package: str, missing: Mapping[TargetPlatform, Collection[str]]) -> str:
    """A note for the user: the newest version of `package` that has the missing wheel; empty if there is none."""
    targets = [target for target, found in missing.items() if package in found]
    attempts = run_for_all(targets, lambda target: runs.attempt(target, Conditions(only=(package,), versions={})))
    found: dict[str, list[str]] = {}
    for target, attempt in attempts.items():
        if version := _version_in(attempt, package):
            found.setdefault(version, []).append(target.name)
    if len(found) == 1 and len(*found.values()) == len(targets):
        return f"(version {next(iter(found))} has wheels)"
    notes = [f"version {version} has one for {', '.join(names)}" for version, names in found.items()]
    return f"({'; '.join(notes)})" if notes else ""


def _version_in(attempt: Attempt, package: str) -> str | None:
    try:
        return None if attempt.failure else read_versions(attempt.text).get(package)
    except UnusableLockError:
        return None
