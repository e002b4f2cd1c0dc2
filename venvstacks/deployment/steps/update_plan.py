"""The plan of an update: which applications and layers a deploy would install, and what it has to fetch for that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from venvstacks.actions.toolset import Tools
from venvstacks.deployment.binding import Bound, Inventory, Work, bind, plan_work
from venvstacks.deployment.offers import Offer, find_application
from venvstacks.deployment.release_steps import ReleaseStep, release_steps
from venvstacks.deployment.state import Generation, InstanceRecord
from venvstacks.deployment.steps.generations import current_generation
from venvstacks.deployment.steps.health_check import HealthCheck
from venvstacks.deployment.steps.phase_counter import PhaseCounter
from venvstacks.deployment.steps.place import Place, finished_instances, stored_ids
from venvstacks.deployment.steps.publication_source import Source
from venvstacks.deployment.steps.switch import Warn
from venvstacks.deployment.ways import Route, cheapest_way
from venvstacks.errors import DeployError
from venvstacks.model.platforms import TargetPlatform
from venvstacks.tools.file_systems import free_bytes
from venvstacks.tools.long_paths import bears_long_paths
from venvstacks.tools.machine_libraries import missing_libraries


@dataclass(frozen=True)
class DeployRequest:
    """A deploy: from which source, into which deployment, and how.

    Attributes:
        place: The deployment, held by this process.
        source: Where layers come from.
        offer: The layers that it offers for this machine.
        platform: This machine.
        applications: Which of its applications; None for those that are installed, or all for a new deployment.
        warn: Called with one line about each thing that cannot be removed.
        repair: Whether to compare the installed layers file by file, and to replace damaged ones.
        synchronise: Whether to wait until the disk has written all files before the switch, against power failures.
        allow_downgrade: Whether an older release may replace a newer one.
        floor: The newest release that was ever installed of each application, where publications are signed.
        free_space: Bytes that are free where a folder is.
        glibc: The machine's glibc, `X.Y`; empty if it has none.
        missing_libraries: Which of these shared libraries this machine does not have, or may not have.
        long_paths: Whether paths in a folder may be longer than Windows' limit.
        health: What has to succeed, or the generation before becomes current again; None without a check.
        later: Whether only to prepare the next generation, which `activate` makes current.
        phases: Counts how far the deploy is.
    """

    place: Place
    source: Source
    offer: Offer
    platform: TargetPlatform
    applications: tuple[str, ...] | None
    warn: Warn
    repair: bool = False
    synchronise: bool = False
    allow_downgrade: bool = False
    floor: Mapping[str, str] = field(default_factory=dict)
    glibc: str = ""
    free_space: Callable[[Path], int] = field(default=free_bytes)
    missing_libraries: Callable[[tuple[str, ...]], tuple[str, ...]] = field(default=missing_libraries)
    long_paths: Callable[[Path], bool] = field(default=bears_long_paths)
    health: HealthCheck | None = None
    later: bool = False
    phases: PhaseCounter = field(default_factory=PhaseCounter)


@dataclass(frozen=True)
class UpdatePlan:
    """What a deploy would do.

    Attributes:
        current: The current generation; None before the first deploy.
        store: The finished instances.
        inventory: The same as far as they are undamaged, for choosing among them.
        wanted: The instances of all layers that the chosen applications need.
        work: What has to be done for them.
        steps: The chosen applications, with their installed and offered releases.
        left_alone: Installed applications that the source does not offer; they are not changed.
    """

    current: Generation | None
    store: Mapping[str, InstanceRecord]
    inventory: Inventory
    wanted: tuple[Bound, ...]
    work: Work
    steps: tuple[ReleaseStep, ...]
    left_alone: tuple[str, ...]

    @property
    def applications(self) -> dict[str, str]:
        """The applications of the next generation: name to the id of its instance."""
        applications = dict(self.current.applications) if self.current else {}
        applications |= {one.layer.application: one.id for one in self.wanted if one.layer.kind == "application"}
        return dict(sorted(applications.items()))

    @property
    def releases(self) -> dict[str, str]:
        """The releases of the next generation's applications, where they have one."""
        kept = dict(self.current.releases) if self.current else {}
        for step in self.steps:
            kept.pop(step.application, None)
            if step.offered is not None:
                kept[step.application] = step.offered
        return dict(sorted(kept.items()))

    def routes(self, work: Work) -> tuple[Route, ...]:
        """The cheapest way of each layer that has to be fetched."""
        ways = ((one, cheapest_way(one.layer, self.inventory.versions)) for one in work.fetch)
        return tuple(Route(one, way, self.inventory.of_version(way.before or "")) for one, way in ways)

    @property
    def is_change(self) -> bool:
        """Whether the next generation would hold other instances than the current one."""
        return self.current is None or self.applications != self.current.applications


def plan_update(request: DeployRequest, tools: Tools) -> UpdatePlan:
    """Compare what is offered with what is installed.

    Raises:
        UsageError: The source has no such application.
        DeployError: The deployment cannot be read, or nothing is offered.
    """
    place = request.place
    current = current_generation(place)
    exists = place.store.exists()
    store = finished_instances(place) if exists else {}
    names, left_alone = _chosen(request, current)
    ids = frozenset(current.by_id) if current else frozenset()
    inventory = Inventory(store, ids, _damaged(request, store, tools), stored_ids(place) if exists else ())
    wanted = bind(request.offer.closure(names), inventory)
    applications = request.offer.applications
    steps = release_steps(
        dict.fromkeys(find_application(name, applications) or name for name in names),
        current.releases if current else {},
        request.offer.release,
        request.floor,
    )
    return UpdatePlan(current, store, inventory, wanted, plan_work(wanted, inventory), steps, left_alone)


def refuse_older(request: DeployRequest, plan: UpdatePlan) -> None:
    """Refuse a plan that replaces a release by an older one, unless that is allowed.

    Raises:
        DeployError: It does.
    """
    older = [step for step in plan.steps if step.is_older]
    if older and not request.allow_downgrade:
        raise DeployError(
            f"{request.offer.source} offers an older release than the installed one",
            details=tuple(_older(step) for step in older),
            hint="wait until the source is up to date, or allow it with --allow-downgrade; "
            "`venvstacks rollback` goes back to what was installed before",
        )


def _older(step: ReleaseStep) -> str:
    above = step.floor is not None and step.floor != step.installed
    return f"{step.application}: {step.text}{f', and {step.floor} was installed before' if above else ''}"


def _chosen(request: DeployRequest, current: Generation | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The applications to install, and the installed ones that are not changed because they are not offered."""
    offered = request.offer.applications
    if request.applications is not None:
        return request.applications, ()  # the offer finds them, or says that it has none of that name
    if current is None or not current.applications:
        if not offered:
            raise DeployError(f"{request.offer.source} offers no application", hint="publish an application layer")
        return tuple(offered), ()
    left_alone = tuple(name for name in current.applications if name not in offered)
    return tuple(name for name in current.applications if name in offered), left_alone


def chosen_applications(request: DeployRequest) -> frozenset[str]:
    """The names of all applications that are installed after a deploy.

    Raises:
        DeployError: The deployment cannot be read, or nothing is offered.
    """
    current = current_generation(request.place)
    names, _ = _chosen(request, current)
    offered = request.offer.applications
    return frozenset({*(current.applications if current else ()), *(find_application(n, offered) or n for n in names)})


def _damaged(request: DeployRequest, store: Mapping[str, InstanceRecord], tools: Tools) -> set[str]:
    if not request.repair:
        return set()
    return _differing(request, store, tools)


def _differing(request: DeployRequest, store: Mapping[str, InstanceRecord], tools: Tools) -> set[str]:
    """The ids of those instances that are not as they were installed."""
    from venvstacks.deployment.steps.installed_files import verify_instance  # noqa: PLC0415 - previews compare nothing

    request.phases.begin("checking", len(store))
    found = set()
    for id_, record in store.items():
        if verify_instance(request.place, record, tools):
            found.add(id_)
        request.phases.add(1)
    return found


def work_without_damaged_donors(plan: UpdatePlan, request: DeployRequest, tools: Tools) -> Work:
    """The work of a plan, where an instance is copied from another only after that one was compared with its manifest.

    Raises:
        DeployError: An installed file cannot be read.
    """
    work, damaged = plan.work, set(plan.inventory.damaged)
    while True:
        found = _differing(request, {id_: plan.store[id_] for _, id_ in work.rebind}, tools)
        if not found:
            return work
        damaged |= found
        work = plan_work(plan.wanted, replace(plan.inventory, damaged=damaged))


def targets(bound: Iterable[Bound]) -> tuple[str, ...]:
    """Deployed names of layers."""
    return tuple(one.layer.target for one in bound)


@dataclass(frozen=True)
class Update:
    """What deploying would change now.

    Attributes:
        source: Folder or URL, without secrets.
        changed: Whether there would be a new generation.
        older: Whether an older release would replace a newer one, which has to be allowed.
        releases: The applications, with their installed and offered releases.
        fetch: Deployed names of layers that would be fetched.
        copy: Deployed names of layers that would be copied from installed ones, above other layers.
        keep: Deployed names of layers that are installed.
        left_alone: Installed applications that the source does not offer.
        bytes_to_fetch: Bytes of archives and deltas that would come from the source.
        bytes_on_disk: Bytes that the new layers would take on the disk, approximately.
        signer: Who has signed the publication; None where it is not signed.
    """

    source: str
    changed: bool
    older: bool
    releases: tuple[ReleaseStep, ...]
    fetch: tuple[str, ...]
    copy: tuple[str, ...]
    keep: tuple[str, ...]
    left_alone: tuple[str, ...]
    bytes_to_fetch: int
    bytes_on_disk: int
    signer: str | None = None

    @property
    def is_newer(self) -> bool:
        """Whether a deploy would bring something new."""
        return self.changed and not self.older


def preview(request: DeployRequest, tools: Tools) -> Update:
    """What a deploy would change; nothing is changed, and no lock is held."""
    plan = plan_update(request, tools)
    made: Sequence[Bound] = (*plan.work.fetch, *(one for one, _ in plan.work.rebind))
    return Update(
        source=request.source.label,
        changed=plan.is_change,
        older=any(step.is_older for step in plan.steps),
        releases=plan.steps,
        fetch=targets(plan.work.fetch),
        copy=targets(one for one, _ in plan.work.rebind),
        keep=targets(plan.work.keep),
        left_alone=plan.left_alone,
        bytes_to_fetch=sum(
            request.source.bytes_to_fetch(file, request.place.downloads)
            for route in plan.routes(plan.work)
            for file in route.way.files
        ),
        bytes_on_disk=sum(one.layer.disk_size for one in made),
    )
