"""Instances of layers: how an instance gets its id, and which instances have to be fetched or copied.

An instance is a layer's unpacked archive together with the instances below it. Its id is a digest over the archives
of all of them, so that an id always means the same files. No instance is changed after it is finished.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from venvstacks.deployment.offers import OfferedLayer
from venvstacks.deployment.state import Generation, InstanceRecord
from venvstacks.digests import sha256_json

_ID_LENGTH = 20  # 80 bits; short, because Windows counts the letters of a path


@dataclass(frozen=True)
class Bound:
    """A layer with the instances below it.

    Attributes:
        id: Name of its folder in the store.
        layer: What is offered.
        lower: Deployed name to id of every layer below.
    """

    id: str
    layer: OfferedLayer
    lower: Mapping[str, str]


@dataclass(frozen=True)
class Inventory:
    """What is installed already.

    Attributes:
        store: Finished instances by id.
        current: Ids of the current generation's instances, which are preferred where several fit.
        damaged: Ids of instances whose files have changed since: they are neither kept nor copied.
        taken: Further ids that are in use: of instances whose records are lost.
    """

    store: Mapping[str, InstanceRecord]
    current: Collection[str] = ()
    damaged: Collection[str] = ()
    taken: Collection[str] = ()

    def find(self, layer: OfferedLayer, lower: Mapping[str, str]) -> str | None:
        """The id of an undamaged instance of this layer with exactly these instances below it."""
        found = [
            id_
            for id_, record in self.store.items()
            if id_ not in self.damaged
            and _same_files(record, layer)
            and record.installed.target == layer.target
            and record.installed.lower == lower
        ]
        return min(found, key=lambda id_: (id_ not in self.current, id_), default=None)

    def of_version(self, files: str) -> InstanceRecord | None:
        """An undamaged instance of the version whose per-file manifest has this SHA-256, with any instances below."""
        found = ((id_, one) for id_, one in self.store.items() if one.installed.files == files)
        whole = [(id_ not in self.current, id_) for id_, _ in found if id_ not in self.damaged]
        return self.store[min(whole)[1]] if whole else None

    @property
    def versions(self) -> frozenset[str]:
        """The versions of layers of which there is an undamaged instance, each as the SHA-256 of its manifest."""
        return frozenset(one.installed.files for id_, one in self.store.items() if id_ not in self.damaged)

    def donor(self, layer: OfferedLayer) -> str | None:
        """The id of an undamaged instance that was unpacked from the same archive, with any instances below it."""
        found = (id_ for id_, one in self.store.items() if id_ not in self.damaged and _same_files(one, layer))
        return min(found, default=None)


def _same_files(record: InstanceRecord, layer: OfferedLayer) -> bool:
    return (record.installed.archive, record.installed.files) == (layer.archive.sha256, layer.files.sha256)


def bind(closure: Iterable[OfferedLayer], inventory: Inventory) -> tuple[Bound, ...]:
    """The instances of all these layers.

    A damaged instance is replaced by one with another id, and so are all instances above it.

    Args:
        closure: Layers, those below first, with all layers that they need.
        inventory: What is installed already.
    """
    ids: dict[str, str] = {}
    bound = []
    for layer in closure:
        lower = {target: ids[target] for target in layer.lower}
        ids[layer.target] = inventory.find(layer, lower) or _new_id(layer, lower, {*inventory.store, *inventory.taken})
        bound.append(Bound(ids[layer.target], layer, lower))
    return tuple(bound)


def _new_id(layer: OfferedLayer, lower: Mapping[str, str], taken: Collection[str]) -> str:
    facts: list[object] = [layer.archive.sha256, layer.files.sha256, layer.target, dict(lower)]
    id_ = sha256_json(facts)[:_ID_LENGTH]
    while id_ in taken:
        facts.append(id_)
        id_ = sha256_json(facts)[:_ID_LENGTH]
    return id_


@dataclass(frozen=True)
class Work:
    """What has to be done for the instances of a new generation.

    Attributes:
        keep: They are installed.
        rebind: They are installed above other instances: their files are copied from the instance of that id.
        fetch: Their archives have to be fetched.
    """

    keep: tuple[Bound, ...]
    rebind: tuple[tuple[Bound, str], ...]
    fetch: tuple[Bound, ...]


def plan_work(wanted: Iterable[Bound], inventory: Inventory) -> Work:
    """Compare the wanted instances with the installed ones."""
    keep: list[Bound] = []
    rebind: list[tuple[Bound, str]] = []
    fetch: list[Bound] = []
    for bound in wanted:
        donor = inventory.donor(bound.layer)
        if bound.id in inventory.store:
            keep.append(bound)
        elif donor is not None:
            rebind.append((bound, donor))
        else:
            fetch.append(bound)
    return Work(tuple(keep), tuple(rebind), tuple(fetch))


def garbage(store: Iterable[str], generations: Iterable[Generation]) -> tuple[str, ...]:
    """Ids in the store that none of the generations needs."""
    needed = {installed.id for generation in generations for installed in generation.instances}
    return tuple(sorted(set(store) - needed))


def dropped_generations(numbers: Iterable[int], current: Generation | None) -> tuple[int, ...]:
    """Generations that are not kept: all except the current one and the one before it."""
    kept = set() if current is None else {current.number, current.previous}
    return tuple(sorted(set(numbers) - kept))
