"""Layers bound to exact layers below: how an instance gets its id, and what has to be done to have it.

An instance is a layer's unpacked archive together with the instances below it. Its id is a digest over the archives
of all of them, so that the same id always stands for the same files, and no instance ever changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from venvstacks.deploying.offers import OfferedLayer
from venvstacks.deploying.state import Generation, InstanceRecord
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


def bind(closure: Iterable[OfferedLayer], damaged: Collection[str] = ()) -> tuple[Bound, ...]:
    """Instances of all these layers.

    Args:
        closure: Layers, those below first, without gaps.
        damaged: Ids that may not be used, because what is installed there is no longer what it should be. Such an
            instance gets another id, and so does everything above it.
    """
    ids: dict[str, str] = {}
    bound = []
    for layer in closure:
        lower = {target: ids[target] for target in layer.lower}
        ids[layer.target] = _id(layer, lower, damaged)
        bound.append(Bound(ids[layer.target], layer, lower))
    return tuple(bound)


def _id(layer: OfferedLayer, lower: Mapping[str, str], damaged: Collection[str]) -> str:
    facts: list[object] = [layer.archive.sha256, layer.files.sha256, layer.target, dict(lower)]
    id_ = sha256_json(facts)[:_ID_LENGTH]
    while id_ in damaged:
        facts.append(id_)
        id_ = sha256_json(facts)[:_ID_LENGTH]
    return id_


@dataclass(frozen=True)
class Work:
    """How the instances of a new generation come to be.

    Attributes:
        keep: They are there.
        rebind: They are there, but above other instances: their files are linked from the instance of that id.
        fetch: They have to be fetched.
    """

    keep: tuple[Bound, ...]
    rebind: tuple[tuple[Bound, str], ...]
    fetch: tuple[Bound, ...]


def plan_work(wanted: Iterable[Bound], store: Mapping[str, InstanceRecord], damaged: Collection[str] = ()) -> Work:
    """Compare what is wanted with what is in the store.

    Args:
        wanted: Instances of the new generation.
        store: Finished instances by id.
        damaged: Ids whose files may not be linked from.
    """
    donors = {
        (record.installed.archive, record.installed.files): id_
        for id_, record in sorted(store.items())
        if id_ not in damaged
    }
    keep: list[Bound] = []
    rebind: list[tuple[Bound, str]] = []
    fetch: list[Bound] = []
    for bound in wanted:
        donor = donors.get((bound.layer.archive.sha256, bound.layer.files.sha256))
        if bound.id in store:
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
    """Generations that need not be kept: all but the current one and the one before it."""
    kept = set() if current is None else {current.number, current.previous}
    return tuple(sorted(set(numbers) - kept))
