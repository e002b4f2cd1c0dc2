"""Locks of a project: which are not valid and why, what locking would change, and the names that they give."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from venvstacks.actions.locking.lock_files import hash_lower_lock
from venvstacks.actions.locking.lock_request import LockRequest
from venvstacks.actions.locking.lock_validity import lock_reasons
from venvstacks.actions.publishing.deployed_names import deployed_name
from venvstacks.actions.run_options import RunOptions
from venvstacks.actions.wheels.wheel_tasks import changed_source
from venvstacks.engine.cancellation import Cancellation
from venvstacks.errors import NotLockedError, VenvstacksError
from venvstacks.loading.project import Project
from venvstacks.locking.lock_changes import LockChanges
from venvstacks.model.stack import Layer
from venvstacks.planning.requests import Request, RequestedRun, task_actions, work_out
from venvstacks.reasons import Reason


def preview_locks(
    project: Project, request: Request, *, cancellation: Cancellation | None = None
) -> dict[str, LockChanges]:
    """What locking would change, found by locking into a temporary folder.

    Args:
        project: The project.
        request: Which layers are to be locked, and how.
        cancellation: Lets another thread end the preview.

    Returns:
        Environment name to changes, for every layer that the request reaches, in the order of the stack.

    Raises:
        UsageError: The request makes no sense for this stack.
        LockError: Some layer cannot be locked.
        InterruptedRunError: Another thread cancelled the preview.
    """
    from venvstacks.actions.locking.draft_locks import draft_locks  # noqa: PLC0415 - only this needs them
    from venvstacks.api.adapting import Rounds, adaptable_layers  # noqa: PLC0415

    requested = work_out(project, request)
    rounds = Rounds(project.stack, adaptable_layers(project, request, requested.graph))
    while True:
        with tempfile.TemporaryDirectory(prefix="venvstacks-") as drafts:
            options = replace(requested.options, drafts=Path(drafts), adaptation=rounds.current)
            renewed = options.renewed_locks | {f"lock:{each.layer}" for each in rounds.current.needed}
            actions = task_actions(project, replace(options, renewed_locks=renewed))
            with (cancellation or Cancellation()).calling(actions.tools.processes.stop):
                changes, conflicts = draft_locks(actions, requested.graph, project.jobs)
        if not conflicts:
            return changes
        rounds.advance(conflicts)


def require_locks(project: Project, requested: RequestedRun) -> None:
    """Check that a run would use all of its locks as they are.

    Raises:
        NotLockedError: A lock is missing or not valid; the error names all such layers.
    """
    needed = {node.env_name for node in requested.graph.nodes if node.kind == "lock"}
    found = _stale_locks(project, requested.options)
    faults = [f"{name}: {reason}" for name, reasons in found.items() if name in needed for reason in reasons]
    if faults:
        raise NotLockedError(
            "locks are missing or not valid, and --locked forbids to make them",
            details=tuple(faults),
            hint="run `venvstacks lock --if-needed` and commit the files in the folder of the locks",
        )


def lock_staleness(project: Project) -> dict[str, tuple[Reason, ...]]:
    """Why each layer's lock is not valid; empty for valid ones. Disabled layers are left out.

    A lock above one that is not valid is not valid either, as its inputs are going to change.
    """
    return _stale_locks(project, RunOptions())


def _stale_locks(project: Project, options: RunOptions) -> dict[str, tuple[Reason, ...]]:
    """The same for a run with these options, which name folders of local wheels, for example."""
    actions = task_actions(project, options)
    known: dict[Layer, str | None] = {}  # nothing changes a lock between these checks

    def hash_once(request: LockRequest, lower: Layer) -> str | None:
        if lower not in known:
            known[lower] = hash_lower_lock(request, lower)
        return known[lower]

    found: dict[str, tuple[Reason, ...]] = {}
    stale: set[str] = set()
    for layer in project.stack.layers:
        if layer.platforms:
            reasons = lock_reasons(actions.for_lock(layer), actions.tools.digests, hash_once)
            labels = project.stack.built_for(layer, with_lower=False)
            changed = [reason for label in labels for reason in changed_source(actions, label)]
            found[layer.env_name] = (*reasons, *changed) or _waiting_for(layer, stale)
            stale |= {layer.env_name} if found[layer.env_name] else set()
    return found


def _waiting_for(layer: Layer, stale: Collection[str]) -> tuple[Reason, ...]:
    """That the nearest of the stale layers below `layer` is stale; empty if none is."""
    name = next((lower.env_name for lower in layer.below if lower.env_name in stale), None) if stale else None
    return (Reason("changed input", f"lock of layer {name}, which is not valid"),) if name else ()


def deployed_names(project: Project) -> dict[str, str]:
    """The deployed name of each layer; layers whose lock does not determine it are left out."""
    names = {}
    for layer in project.stack.layers:
        with contextlib.suppress(VenvstacksError):
            names[layer.env_name] = deployed_name(layer, project.configuration.layout, project.base)
    return names
