"""Deploying: archives are fetched, verified, unpacked and post-installed, and then made current in one step."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from venvstacks.actions.toolset import Tools
from venvstacks.deployment.binding import Bound
from venvstacks.deployment.release_steps import ReleaseStep
from venvstacks.deployment.state import Generation, InstanceRecord, needed_instances
from venvstacks.deployment.steps.deploy_failures import not_deployed
from venvstacks.deployment.steps.generations import next_number
from venvstacks.deployment.steps.health_check import discard_unproven, prove
from venvstacks.deployment.steps.installed_files import verify_links
from venvstacks.deployment.steps.instances import (
    Compilers,
    Prepared,
    expected_tree,
    finish,
    settle,
)
from venvstacks.deployment.steps.layer_delivery import Delivery
from venvstacks.deployment.steps.place import finished_instances
from venvstacks.deployment.steps.place_limits import check_lengths, check_separators, check_space
from venvstacks.deployment.steps.shared_layer_files import share_layer_files
from venvstacks.deployment.steps.switch import clean_up_after, enter_generation, rewrite_current
from venvstacks.deployment.steps.update_plan import (
    DeployRequest,
    UpdatePlan,
    plan_update,
    refuse_older,
    targets,
    work_without_damaged_donors,
)
from venvstacks.deployment.steps.user_launchers import start_texts
from venvstacks.deployment.ways import Route
from venvstacks.model.runtime_needs import missing_glibc, missing_libraries, needed_libraries
from venvstacks.modes import FOLDER_MODE
from venvstacks.tools.files import write_atomically
from venvstacks.tools.interruptions import LOOK_SECONDS
from venvstacks.tools.workers import workers

if TYPE_CHECKING:
    from concurrent.futures import Future

Result = TypeVar("Result")

_LANES = 4  # downloads at the same time


@dataclass(frozen=True)
class Deployed:
    """The result of a deploy.

    Attributes:
        generation: The current generation.
        changed: Whether it is a new generation; one that was only prepared becomes current later.
        fetched: Deployed names of layers that were fetched and unpacked.
        rebound: Deployed names of layers that were copied from an installed one, above other layers.
        kept: Deployed names of layers that were installed already.
        updated: Deployed names of the fetched layers that came as deltas of installed ones.
        bytes_fetched: Bytes of archives and deltas that came from the source; what an earlier deploy had fetched does
            not count.
        removed: Ids of instances that were removed because no kept generation needs them.
        left_alone: Installed applications that the source does not offer; they are not changed.
        releases: The chosen applications, with the releases before and after.
        signer: Who has signed the publication; None where it is not signed.
        newly_trusted: Whether the deployment trusts that signer from now on.
    """

    generation: Generation
    changed: bool
    fetched: tuple[str, ...]
    rebound: tuple[str, ...]
    kept: tuple[str, ...]
    bytes_fetched: int
    removed: tuple[str, ...]
    left_alone: tuple[str, ...]
    releases: tuple[ReleaseStep, ...] = ()
    updated: tuple[str, ...] = ()
    signer: str | None = None
    newly_trusted: bool = False


def deploy(request: DeployRequest, tools: Tools) -> Deployed:
    """Install or update applications, with exactly the layers that they need.

    Raises:
        UsageError: The source has no such application.
        DeployError: Something cannot be fetched, is not what the manifest says, or does not fit on the disk. The
            current generation is unchanged.
    """
    place = request.place
    with not_deployed(place.root):
        discard_unproven(place, request.warn)
        plan = plan_update(request, tools)
        refuse_older(request, plan)
        current = plan.current
        work = work_without_damaged_donors(plan, request, tools)
        made = _carry_out(request, plan.routes(work), [(one, plan.store[id_]) for one, id_ in work.rebind], tools)
        generation = _next_generation(request, plan, tools)
        changed = current is None or generation.applications != current.applications
        changed = _repair_links(request, current) or changed
        if changed:
            if request.synchronise and hasattr(os, "sync"):
                os.sync()
            _make_current(generation, request, tools)
        elif current is not None and current.releases != generation.releases:  # a new name for the same files
            current = replace(current, releases=generation.releases)
            rewrite_current(place, current)
    removed = () if request.later else clean_up_after(place, request.warn)
    return Deployed(
        generation=generation if changed or current is None else current,
        changed=changed,
        fetched=targets(work.fetch),
        rebound=targets(bound for bound, _ in work.rebind),
        kept=targets(work.keep),
        bytes_fetched=made.received,
        removed=removed,
        left_alone=plan.left_alone,
        releases=plan.steps,
        updated=made.updated,
    )


def _make_current(generation: Generation, request: DeployRequest, tools: Tools) -> None:
    """Make a generation the current one, or record it for later."""
    place = request.place
    if request.later:
        write_atomically(place.prepared, generation.text())
        return
    enter_generation(place, generation, start_texts(place, generation), unproven=request.health is not None)
    place.prepared.unlink(missing_ok=True)
    if request.health is not None:
        prove(place, generation, request.health, tools, request.warn)


def _repair_links(request: DeployRequest, current: Generation | None) -> bool:
    """Make the deployment's folders writable for the owner alone; return whether the generation's links are damaged."""
    found = [*verify_links(request.place, current)] if request.repair and current else []
    for one in found:
        if one.kind == "writable":
            (request.place.root / one.path).chmod(FOLDER_MODE)
    return any(one.kind != "writable" for one in found)


@dataclass(frozen=True)
class _CarriedOut:
    """What came from the source.

    Attributes:
        received: Bytes.
        updated: Deployed names of the layers that came as deltas.
    """

    received: int
    updated: tuple[str, ...]


def _carry_out(
    request: DeployRequest, routes: Sequence[Route], rebind: Sequence[tuple[Bound, InstanceRecord]], tools: Tools
) -> _CarriedOut:
    """Make all instances that are missing."""
    place, source = request.place, request.source
    delivery = Delivery(source, place, tools, request.warn, request.phases)
    makes = (*(route.bound for route in routes), *(one for one, _ in rebind))
    check_space(request, routes, rebind)
    _announce(request, routes)
    with workers(_LANES) as lanes, _nobody_left_waiting(tools):
        coming = [lanes.pool.submit(delivery.fetch, route) for route in routes]
        lists = {route.bound.id: source.read(route.bound.layer.files) for route in routes}
        lists |= {one.id: place.file_manifest(donor.installed.id).read_bytes() for one, donor in rebind}
        trees = {one.id: expected_tree(lists[one.id], one.layer, request.platform) for one in makes}
        check_lengths(request, makes, trees)
        check_separators(request, trees)
        fetched = _all(coming)
    request.phases.begin("unpacking", sum(tree.size for tree in trees.values()))
    with workers(max(1, tools.threads)) as lanes, _nobody_left_waiting(tools):
        making = [
            lanes.pool.submit(delivery.make, one, trees[one.route.bound.id], lists[one.route.bound.id])
            for one in sorted(fetched, key=lambda one: -trees[one.route.bound.id].size)  # the longest first
        ]
        copying = [lanes.pool.submit(delivery.copy, one, trees[one.id], donor) for one, donor in rebind]
        made = _all(making)
        prepared = [*(one.prepared for one in made), *_all(copying)]
    share_layer_files(prepared, place, tools)
    settle(prepared, place, request.warn)
    _finish_all(prepared, request, tools)
    return _CarriedOut(
        sum(one.received for one in fetched) + sum(one.received for one in made),
        targets(one.prepared.bound for one in made if one.by_deltas),
    )


def _finish_all(prepared: Sequence[Prepared], request: DeployRequest, tools: Tools) -> None:
    """Post-install all instances that have been moved to the store."""
    compilers = Compilers(tools.threads)
    request.phases.begin("compiling", sum(one.sources for one in prepared))

    def finish_one(one: Prepared) -> None:
        finish(one, request.place, tools, compilers)
        request.phases.add(one.sources)

    with workers(max(1, tools.threads)) as lanes, _nobody_left_waiting(tools):
        _all([lanes.pool.submit(finish_one, one) for one in prepared])


def _announce(request: DeployRequest, routes: Sequence[Route]) -> None:
    """Report what will be fetched, and what this machine may be too old for."""
    files = [file for route in routes for file in route.way.files]
    request.phases.begin_fetching(
        {file.name: (file.size, request.source.bytes_to_fetch(file, request.place.downloads)) for file in files}
    )
    for layer in (route.bound.layer for route in routes):
        if missing := missing_glibc(layer.notes, request.glibc):
            request.warn(f"{layer.target} {missing}")
        if lacking := request.missing_libraries(needed_libraries(layer.notes)):
            request.warn(f"{layer.target} {missing_libraries(lacking)}")


@contextlib.contextmanager
def _nobody_left_waiting(tools: Tools) -> Iterator[None]:
    """End all running work as soon as something in the block fails or the user interrupts it."""
    try:
        yield
    except BaseException:
        tools.processes.stop()
        raise


def _all(jobs: Sequence[Future[Result]]) -> list[Result]:
    """The results of all jobs; fails as soon as one job does."""
    from concurrent.futures import FIRST_COMPLETED, wait  # noqa: PLC0415 - brings logging with it

    waiting = set(jobs)
    while waiting:
        ended, waiting = wait(waiting, LOOK_SECONDS, FIRST_COMPLETED)
        for job in ended:
            job.result()
    return [job.result() for job in jobs]


def _next_generation(request: DeployRequest, plan: UpdatePlan, tools: Tools) -> Generation:
    current, applications = plan.current, plan.applications
    known = [*(current.instances if current else ())]
    known += [record.installed for record in finished_instances(request.place).values()]
    instances, needed_by = needed_instances(applications, known)
    return Generation(
        number=next_number(request.place),
        previous=current.number if current else None,
        created=tools.now().isoformat(),
        source=request.source.label,
        platform=request.platform.name,
        applications=applications,
        releases=plan.releases,
        instances=instances,
        needed_by=needed_by,
    )
