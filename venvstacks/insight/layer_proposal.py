"""Which requirements of applications are worth a framework: by their size, and by how many applications share them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

_WORTHWHILE = 1_000_000  # bytes of archives; less is fetched within a second
_SHARE = 0.1  # of all bytes


@dataclass(frozen=True)
class Resolved:
    """What the requirements of all applications lead to, in one resolution.

    Attributes:
        needs: Package name to the names of those that it needs directly.
        sizes: Bytes of the wheel of each package.
    """

    needs: Mapping[str, frozenset[str]]
    sizes: Mapping[str, int]

    def reach(self, names: Collection[str]) -> frozenset[str]:
        """Packages that some packages need, directly or through others, with these."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in self.sizes and name not in found:
                found.add(name)
                waiting += self.needs.get(name, ())
        return frozenset(found)

    def size(self, names: Collection[str]) -> int:
        """Bytes of the wheels of packages."""
        return sum(self.sizes[name] for name in names)


@dataclass(frozen=True)
class Candidate:
    """A requirement that may become a part of a framework.

    Attributes:
        name: Normalised name of the package.
        requirements: How the applications require it.
        users: Names of the applications that require it.
        packages: How many packages it brings that no candidate before it does.
        size: Bytes of their wheels: what users of an application do not fetch again when only the application changes.
        chosen: Whether it is proposed for the framework.
    """

    name: str
    requirements: tuple[str, ...]
    users: tuple[str, ...]
    packages: int
    size: int
    chosen: bool

    @property
    def shared_size(self) -> int:
        """Bytes that somebody who has all of its applications fetches once instead of with each."""
        return self.size * (len(self.users) - 1)


@dataclass(frozen=True)
class Proposal:
    """Layers for some applications.

    Attributes:
        candidates: All requirements, the largest first.
        total: Bytes of the wheels of all packages.
    """

    candidates: tuple[Candidate, ...]
    total: int

    @property
    def chosen(self) -> tuple[Candidate, ...]:
        """The candidates that are proposed for the framework."""
        return tuple(one for one in self.candidates if one.chosen)


def propose_layers(required: Mapping[str, Mapping[str, Sequence[str]]], resolved: Resolved) -> Proposal:
    """Divide the requirements of applications into those of a framework and their own.

    A requirement becomes part of the framework if it brings at least 1 MB and a tenth of everything, or 1 MB to each of
    several applications; not if it needs one of the applications itself, as plugins do.

    Args:
        required: Application, by the name of its package, to the names of the packages that it requires, with the
            requirements for each.
        resolved: The resolution of all of them.
    """
    names = dict.fromkeys(name for packages in required.values() for name in packages)
    total = resolved.size(resolved.reach(names))
    above = {name for name in names if not required.keys().isdisjoint(resolved.reach([name]))}
    found: list[Candidate] = []
    covered: frozenset[str] = frozenset()
    waiting = list(names)
    while waiting:
        brought = {name: resolved.reach([name]) - covered for name in waiting}
        name = min(waiting, key=lambda each: (each in above, -resolved.size(brought[each]), each))
        waiting.remove(name)
        users = tuple(application for application, packages in required.items() if name in packages)
        texts = dict.fromkeys(text for packages in required.values() for text in packages.get(name, ()))
        size = resolved.size(brought[name])
        is_large = size >= max(_WORTHWHILE, total * _SHARE)
        chosen = size >= _WORTHWHILE and (is_large or len(users) > 1) and name not in above
        found.append(Candidate(name, tuple(texts), users, len(brought[name]), size, chosen))
        covered |= brought[name]
    return Proposal(tuple(found), total)
