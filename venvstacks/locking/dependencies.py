"""Which package of a resolution needs which, read from the comments that uv adds to its requirements format."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name

_LINE = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)\s+# via (?P<via>.+)")


@dataclass(frozen=True)
class Dependencies:
    """The packages of one resolution, and which of them need which.

    Attributes:
        versions: Package name to version.
        roots: Names of the packages that the layer itself requires.
        needs: Package name to the names of those that it needs directly.
    """

    versions: Mapping[str, str]
    roots: frozenset[str]
    needs: Mapping[str, frozenset[str]]

    def reach(self, cut: Mapping[str, frozenset[str]], without: frozenset[str] = frozenset()) -> frozenset[str]:
        """Names of the packages that the roots need, directly or through others; the roots included.

        Args:
            cut: Package name to the names of packages whose need by that package is ignored.
            without: Packages that are treated as not needed at all.
        """
        found: set[str] = set()
        waiting = sorted(self.roots - without)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += sorted(self.needs.get(name, frozenset()) - cut.get(name, frozenset()) - without)
        return frozenset(found)

    def chain_to(self, package: str) -> tuple[str, ...]:
        """The shortest chain of needs from a root to `package`, both included; empty if nothing needs it."""
        chains: deque[tuple[str, ...]] = deque((name,) for name in sorted(self.roots))
        seen = set(self.roots)
        while chains:
            chain = chains.popleft()
            if chain[-1] == package:
                return chain
            for name in sorted(self.needs.get(chain[-1], frozenset()) - seen):
                seen.add(name)
                chains.append((*chain, name))
        return ()

    def describe_chain(self, package: str) -> str:
        """The chain of `chain_to` as text with versions, for messages; empty if there is none."""
        return " -> ".join(f"{name} {self.versions[name]}" for name in self.chain_to(package))


def read_dependencies(text: str, project: str) -> Dependencies:
    """Read what `uv pip compile --annotation-style line` printed for the project called `project`."""
    versions: dict[str, str] = {}
    needs: dict[str, set[str]] = {}
    for match in filter(None, map(_LINE.fullmatch, text.splitlines())):
        name = str(canonicalize_name(match["name"]))
        versions[name] = match["version"]
        for dependent in _dependents(match["via"]):
            needs.setdefault(dependent, set()).add(name)
    roots = frozenset(needs.pop(project, ()))
    return Dependencies(versions, roots, {name: frozenset(needed) for name, needed in needs.items()})


def _dependents(via: str) -> Iterator[str]:
    for part in via.split(", "):
        if not part.startswith("-"):  # "-c constraints.txt" limits a package, but does not need it
            yield str(canonicalize_name(part.partition(" ")[0]))
