"""A layer and the layers below resolved together, to find versions for the lower layers that serve all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from venvstacks.actions.locking.attempts import Conditions, UvRuns, run_for_all
from venvstacks.errors import LayerConflictError, NeededVersion
from venvstacks.locking.adaptation import needed_versions
from venvstacks.locking.locks import LayerLock, LockedPackage, Provision
from venvstacks.locking.uv_resolution import read_versions
from venvstacks.locking.uv_texts import exactly
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer


def resolve_together(
    runs: UvRuns, below: Sequence[tuple[str, LayerLock]], targets: Iterable[TargetPlatform]
) -> tuple[NeededVersion, ...] | None:
    """The versions that lower layers would have to hold so that the layer can be resolved on some targets.

    Versions of the locks below stay where they can. What these locks were adapted to for other layers stays too, or
    else those layers are resolved together with this one.

    Args:
        runs: The layer, and a way to run uv.
        below: Environment names and locks of the layers below.
        targets: The targets on which it cannot be resolved over these locks.

    Returns:
        The versions, with those that were adapted before; None if there are none that serve all layers.
    """
    adaptation, layer = runs.request.adaptation, runs.layer
    lower = {name for name, _ in below}
    kept = [each for each in adaptation.needed if each.layer in lower]
    others = [other for other in adaptation.layers if other.env_name in {each.needed_by for each in kept}]

    def needed_on(target: TargetPlatform) -> tuple[NeededVersion, ...] | None:
        pins = [exactly(each.package, each.version) for each in kept if each.target == target.name]
        together = _versions(runs, target, layer.below, Conditions(constraints=tuple(pins)))
        if together is None and pins:
            everyone = dict.fromkeys([*layer.below, *others, *(lower for other in others for lower in other.below)])
            together = _versions(runs, target, [each for each in everyone if each != layer], Conditions(adapted=False))
        return None if together is None else needed_versions(below, together, target.name, adaptation, layer.env_name)

    found = run_for_all(targets, needed_on)
    if any(needed is None for needed in found.values()):
        return None
    names = {target.name for target in found}
    elsewhere = [each for each in adaptation.needed if each.layer not in lower or each.target not in names]
    return tuple(sorted({*elsewhere, *(each for needed in found.values() for each in needed or ())}))


def settle_clashes(runs: UvRuns, below: Sequence[tuple[str, LayerLock]]) -> tuple[str, ...]:
    """Deal with packages that two layers below hold in different versions: imports find the first one only.

    Returns:
        Sentences about those that stay different.

    Raises:
        LayerConflictError: One version would serve all, and the layers below may be adapted to it.
    """
    clashes = runs.provision.clashes
    if not clashes:
        return ()
    targets = [target for target in runs.layer.platforms if any(name == target.name for name, _ in clashes)]
    if runs.request.adaptation.adaptable:
        needed = resolve_together(runs, below, targets)
        if needed and runs.request.adaptation.may_adapt(needed):
            raise LayerConflictError(runs.layer.env_name, needed)
    pairs = dict.fromkeys(
        (
            name,
            runs.provision.on(target)[name].layer,
            runs.provision.on(target)[name].version,
            other.layer,
            other.version,
        )
        for (target, name), other in clashes.items()
    )
    return tuple(
        f"layer '{runs.layer.env_name}' imports {name} {version} of layer '{near}', while packages of layer '{far}' "
        f"were locked with {name} {other}, and may fail"
        for name, near, version, far, other in pairs
    )


def _versions(
    runs: UvRuns, target: TargetPlatform, others: Sequence[Layer], conditions: Conditions
) -> Mapping[str, str] | None:
    """Package name to version in one resolution of the layer and others; None if there is none."""
    requirements = frozenset(text for other in others for text in other.requirements)
    limits = tuple(line for other in others for line in other.constraints)
    held = (
        LockedPackage(name, found.version, (target.name,)) for name, found in runs.provision.on(target.name).items()
    )
    seed = LayerLock("", (target.name,), tuple(held))
    conditions = replace(conditions, also=requirements, versions={}, constraints=(*limits, *conditions.constraints))
    attempt = replace(runs, seed=seed, provision=Provision()).attempt(target, conditions)
    return None if attempt.failure else read_versions(attempt.text)
