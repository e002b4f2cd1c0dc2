"""The cheapest way to a new version of a layer: deltas from an installed version, or the whole archive."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from venvstacks.deployment.binding import Bound
from venvstacks.deployment.offers import OfferedDelta, OfferedFile, OfferedLayer
from venvstacks.deployment.state import InstanceRecord


@dataclass(frozen=True)
class Way:
    """How a layer gets onto this machine.

    Attributes:
        files: What has to be fetched: deltas in the order in which they are applied, or the archive alone.
        before: The installed version (SHA-256 of its per-file manifest) that the first delta is applied to; None for
            the archive.
    """

    files: tuple[OfferedFile, ...]
    before: str | None = None

    @property
    def size(self) -> int:
        """Bytes of these files."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class Route:
    """How one layer gets here.

    Attributes:
        bound: The layer, and the instances below it.
        way: What is fetched.
        before: The installed instance that deltas are applied to; None for the archive.
    """

    bound: Bound
    way: Way
    before: InstanceRecord | None = None

    @property
    def by_deltas(self) -> bool:
        """Whether it comes as deltas."""
        return self.before is not None

    @property
    def disk_size(self) -> int:
        """Bytes that its files take on the disk, approximately, with files of versions between while it is made."""
        return self.bound.layer.disk_size * (2 if len(self.way.files) > 1 else 1)


def whole(layer: OfferedLayer) -> Way:
    """The way that always works: the archive."""
    return Way((layer.archive,))


def cheapest_way(layer: OfferedLayer, installed: Collection[str]) -> Way:
    """The way with the fewest bytes; of equal ones, the archive or the shortest chain of deltas.

    Args:
        layer: The layer, with the deltas that are offered.
        installed: Versions that are installed, each as the SHA-256 of its per-file manifest.
    """
    chain = cheapest_chain(layer.deltas, layer.files.sha256, installed)
    if not chain or _cost(chain)[0] >= layer.archive.size:
        return whole(layer)
    return Way(tuple(delta.file for delta in chain), chain[0].before)


def cheapest_chain(
    deltas: Iterable[OfferedDelta], version: str, installed: Collection[str]
) -> tuple[OfferedDelta, ...]:
    """The deltas with the fewest bytes that lead from an installed version to `version`; empty if none do."""
    edges = tuple(deltas)
    reached: dict[str, tuple[OfferedDelta, ...]] = dict.fromkeys(sorted(installed), ())
    for _ in edges:  # the longest chain uses each once
        for delta in edges:
            if delta.before in reached and delta.after not in installed:
                chain = (*reached[delta.before], delta)
                if _cost(chain) < _cost(reached.get(delta.after)):
                    reached[delta.after] = chain
    return reached.get(version, ())


def _cost(chain: tuple[OfferedDelta, ...] | None) -> tuple[float, int]:
    if chain is None:
        return float("inf"), 0
    return sum(delta.file.size for delta in chain), len(chain)
