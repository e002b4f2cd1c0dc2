"""The differences between a lock and the one before it, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from venvstacks.locking.locks import LayerLock, LockedPackage

_Versions = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class LockChanges:
    """How the packages that a layer installs differ from those that it installed before.

    Attributes:
        added: Package name to its versions, for packages of which no version was installed before.
        removed: Package name to its former versions, for packages of which no version is installed now.
        changed: Package name to (versions before, versions now).
        rebuilt: Package name to its versions, for packages whose files changed although the versions did not.
    """

    added: _Versions
    removed: _Versions
    changed: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
    rebuilt: _Versions

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.rebuilt)

    def as_json(self) -> dict[str, object]:
        """The changes as JSON data."""
        return {
            "added": {name: list(versions) for name, versions in self.added.items()},
            "removed": {name: list(versions) for name, versions in self.removed.items()},
            "changed": {name: {"from": list(old), "to": list(new)} for name, (old, new) in self.changed.items()},
            "rebuilt": {name: list(versions) for name, versions in self.rebuilt.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Mapping[str, Sequence[str]]]) -> LockChanges:
        """What `as_json` gave."""
        changed: Mapping[str, Mapping[str, Sequence[str]]] = data["changed"]  # type: ignore[assignment] # one level deeper
        return cls(
            {name: tuple(versions) for name, versions in data["added"].items()},
            {name: tuple(versions) for name, versions in data["removed"].items()},
            {name: (tuple(both["from"]), tuple(both["to"])) for name, both in changed.items()},
            {name: tuple(versions) for name, versions in data["rebuilt"].items()},
        )


def compare_locks(before: LayerLock | None, after: LayerLock) -> LockChanges:
    """Compare what two locks of one layer install; versions that differ between targets are listed together.

    A lock that names no files (of venvstacks 0.2 to 0.7) does not record which packages come from lower layers either.
    """
    shared = {package.name for package in after.packages if package.is_shared}
    old, new = _installed(before), _installed(after)
    old_versions, new_versions = _versions(old), _versions(new)
    return LockChanges(
        added={name: versions for name, versions in new_versions.items() if name not in old},
        removed={
            name: versions
            for name, versions in old_versions.items()
            if name not in new and not (name in shared and not _hashes(old[name]))
        },
        changed={
            name: (old_versions[name], versions)
            for name, versions in new_versions.items()
            if name in old and old_versions[name] != versions
        },
        rebuilt={
            name: versions
            for name, versions in new_versions.items()
            if old_versions.get(name) == versions and _hashes(old[name]) and _hashes(new[name]) - _hashes(old[name])
        },
    )


def _installed(lock: LayerLock | None) -> dict[str, list[LockedPackage]]:
    found: dict[str, list[LockedPackage]] = {}
    for package in lock.packages if lock else ():
        if package.is_installed:
            found.setdefault(package.name, []).append(package)
    return found


def _versions(packages: Mapping[str, Sequence[LockedPackage]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(dict.fromkeys(package.version for package in entries)) for name, entries in packages.items()}


def _hashes(entries: Sequence[LockedPackage]) -> set[object]:
    return {(wheel.location.rpartition("/")[2], wheel.hashes) for entry in entries for wheel in entry.wheels}


def describe_changes(layers: Mapping[str, LockChanges]) -> Iterator[str]:
    """The changes of all layers as lines of text; each layer's lines begin with packages that moved between layers.

    Args:
        layers: Environment name to its changes, in the order of the stack; layers without changes are omitted.
    """
    for env_name, changes in layers.items():
        if not changes:
            continue
        yield f"{env_name}:"
        marks = {
            **{name: f"+ {name} {_text(new)}{_moved(layers, env_name, name)}" for name, new in changes.added.items()},
            **{name: f"- {name} {_text(old)}{_left(layers, env_name, name)}" for name, old in changes.removed.items()},
            **{name: f"~ {name} {_text(old)} -> {_text(new)}" for name, (old, new) in changes.changed.items()},
            **{name: f"~ {name} {_text(same)}, other files" for name, same in changes.rebuilt.items()},
        }
        yield from (f"  {marks[name]}" for name in sorted(marks))


def _text(versions: Sequence[str]) -> str:
    return " and ".join(versions)


def _moved(layers: Mapping[str, LockChanges], env_name: str, package: str) -> str:
    homes = [other for other, changes in layers.items() if other != env_name and package in changes.removed]
    return f"  (was in {', '.join(homes)})" if homes else ""


def _left(layers: Mapping[str, LockChanges], env_name: str, package: str) -> str:
    homes = [other for other, changes in layers.items() if other != env_name and package in changes.added]
    return f"  (now in {', '.join(homes)})" if homes else ""


def moved_packages(layers: Mapping[str, LockChanges]) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Packages that left some layers and came into others: name to (layers before, layers now)."""
    gone: dict[str, list[str]] = {}
    come: dict[str, list[str]] = {}
    for env_name, changes in layers.items():
        for name in changes.removed:
            gone.setdefault(name, []).append(env_name)
        for name in changes.added:
            come.setdefault(name, []).append(env_name)
    return {name: (tuple(gone[name]), tuple(come[name])) for name in sorted(gone.keys() & come.keys())}


def compare_with_lower(lock: LayerLock | None, env_name: str, lower: LayerLock) -> tuple[str, str] | None:
    """The packages that a layer takes from a lower one and their present versions there; None if nothing differs.

    Args:
        lock: The lock of the upper layer.
        env_name: Environment name of the lower one.
        lower: The present lock of the lower one.
    """
    held: dict[tuple[str, str], str] = {}
    for package in lower.packages:
        held |= {(package.name, target): package.version for target in package.targets if package.is_installed}
    old: dict[str, None] = {}
    new: dict[str, None] = {}
    for package in lock.packages if lock else ():
        if package.provider != env_name:
            continue
        now = {held.get((package.name, target)) for target in package.targets}
        if now != {package.version}:
            old[f"{package.name} {package.version}"] = None
            new |= {f"{package.name} {version}" if version else f"no {package.name}": None for version in _sorted(now)}
    return (", ".join(old), ", ".join(new)) if old else None


def _sorted(versions: set[str | None]) -> list[str | None]:
    return sorted(versions, key=lambda version: version or "")
