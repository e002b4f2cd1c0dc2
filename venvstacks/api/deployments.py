"""The Python API of deployments: install published applications on this machine, change, check and start them.

from venvstacks.deployment import deploy, rollback
deploy("https://example.com/stack", "/opt/tadpoles", applications=["tadpole-counter"])
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from venvstacks.api.deployment_options import Cancellation, DeployOptions, Settings
from venvstacks.api.installed_applications import execute, start_command, start_environment
from venvstacks.deployment.phases import PhaseProgress
from venvstacks.deployment.release_steps import ReleaseStep, raised_floor
from venvstacks.deployment.state import Generation, Installed
from venvstacks.deployment.steps import change, generations
from venvstacks.deployment.steps import deploy as action
from venvstacks.deployment.steps.deploy import Deployed
from venvstacks.deployment.steps.deploy_failures import not_deployed
from venvstacks.deployment.steps.disk_use import disk_use
from venvstacks.deployment.steps.generations import generation_numbers, look, require_current
from venvstacks.deployment.steps.health_check import HealthCheck
from venvstacks.deployment.steps.installed_files import Difference, verify_generation
from venvstacks.deployment.steps.phase_counter import PhaseCounter
from venvstacks.deployment.steps.place import Place, look_at_place, make_place, open_place
from venvstacks.deployment.steps.publication_source import open_source, read_offer
from venvstacks.deployment.steps.purge import purge_contents, remove_emptied
from venvstacks.deployment.steps.signed_source import SignedSource, read_trust, trusted_source, write_trust
from venvstacks.deployment.steps.switch import (
    changing,
    collect_garbage,
)
from venvstacks.deployment.steps.update_plan import DeployRequest, Update, chosen_applications, preview
from venvstacks.deployment.steps.user_launchers import (
    LauncherFolders,
    prepare_launchers,
    remove_launchers,
    update_launchers,
)
from venvstacks.errors import (
    DamagedRecordError,
    DeployError,
    InterruptedRunError,
    ProcessFailedError,
    TrustError,
    UnreadableError,
    UnsafeArchiveError,
    UsageError,
    VenvstacksError,
)
from venvstacks.model.platforms import TargetPlatform, identify_platform
from venvstacks.tools.process import KILL, Processes
from venvstacks.tools.transfer import DOWNLOADING, Downloads
from venvstacks.trust.trust_record import TrustRecord
from venvstacks.urls import is_open_to_others

__all__ = [
    "Cancellation",
    "DamagedRecordError",
    "DeployError",
    "DeployOptions",
    "Deployed",
    "Difference",
    "Generation",
    "Installed",
    "InterruptedRunError",
    "PhaseProgress",
    "ProcessFailedError",
    "ReleaseStep",
    "Settings",
    "Status",
    "TrustError",
    "TrustRecord",
    "UnreadableError",
    "UnsafeArchiveError",
    "Update",
    "UsageError",
    "VenvstacksError",
    "activate",
    "check",
    "collect",
    "current_number",
    "deploy",
    "execute",
    "purge",
    "remove",
    "rollback",
    "start_command",
    "start_environment",
    "status",
]

_MOST_LOOKS = 10  # a deployment that changes more often while it is compared is reported as it was the last time


def this_platform() -> TargetPlatform:
    """The target platform of this machine.

    Raises:
        UsageError: Layers cannot be published for it.
    """
    found = identify_platform(sys.platform, platform.machine())
    if found is None:
        raise UsageError("layers cannot be published for this machine's platform")
    return found


def this_glibc() -> str:
    """The version of this machine's glibc, `X.Y`; empty where there is none."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, OSError, ValueError):  # other systems, and other C libraries
        return ""
    numbers = version.split(".")[:2]
    return ".".join(numbers) if name == "glibc" and all(one.isdecimal() for one in numbers) else ""


def deploy(
    source: str,
    folder: Path | str,
    applications: Sequence[str] | None = None,
    options: DeployOptions | None = None,
    *,
    repair: bool = False,
    synchronise: bool = False,
    allow_downgrade: bool = False,
    trusted: str | None = None,
    launchers: Path | str | None = None,
    desktop_entries: Path | str | None = None,
    health_check: Sequence[str] | None = None,
    later: bool = False,
) -> Deployed:
    """Install applications from published artifacts in a folder of this machine, or update them there.

    Args:
        source: Folder or http(s) URL of the artifacts.
        folder: The deployment; made if it is missing or empty.
        applications: Layer names; None for those that are installed, or for all that are offered if none is.
        options: Threads, callbacks, waiting.
        repair: Whether to replace installed layers that are damaged.
        synchronise: Whether to wait for the disk before switching.
        allow_downgrade: Whether an older release may replace a newer one.
        trusted: Whose publications to trust: a file with the publisher's root metadata, or its fingerprint; None for
            whom the deployment trusts already, or, in a new one, for the source's own if it is signed.
        launchers: Folder for one launcher per installed application; None for where they are, if anywhere. They start
            what is current, so that later changes need not write them again.
        desktop_entries: Folder for desktop entries, on Linux; None for that of the launchers, which has to be given.
        health_check: Program and arguments that have to succeed within 60 s once the new generation is current;
            otherwise the one before becomes current again. Not run with `later`, or if nothing changes.
        later: Whether only to prepare the next generation; `activate` makes it current.

    Raises:
        UsageError: There is no such source, it has no such application, or launchers cannot be written.
        DeployError: Anything else failed; the current generation is unchanged.
    """
    options = options or DeployOptions()
    processes = options.cancellation.processes if options.cancellation else Processes()
    place = look_at_place(Path(folder))
    wanted = _Wanted(source, place, None if applications is None else tuple(applications), trusted)
    with contextlib.ExitStack() as held:
        if (before := read_trust(place)) is not None:  # nobody else may replace what was seen
            held.enter_context(_changing(place, options))
        opened = held.enter_context(_opened(wanted, before, options, processes))
        make_place(Path(folder))
        if before is None:
            held.enter_context(_changing(place, options))
        request = replace(opened, repair=repair, synchronise=synchronise, allow_downgrade=allow_downgrade)
        health = None if health_check is None else HealthCheck(tuple(health_check))
        request = replace(request, health=health, later=later)
        folders = _launcher_folders(launchers, desktop_entries)
        if folders is not None:
            prepare_launchers(place, folders, chosen_applications(request), request.platform)
        seen = _keep_trust(request, before)
        try:
            done = action.deploy(request, options.tools(place, processes))
        finally:
            processes.stop(KILL)  # after an interrupt: children that ignore other signals
        if seen is not None:
            floor = seen.releases if later else raised_floor(seen.releases, done.releases)
            if floor != seen.releases:
                write_trust(place, replace(seen, releases=floor))
            done = replace(done, signer=seen.signer, newly_trusted=before is None)
        if not later:
            update_launchers(place, done.generation, options.warn, folders)
        return done


def _launcher_folders(launchers: Path | str | None, entries: Path | str | None) -> LauncherFolders | None:
    if launchers is None:
        if entries is not None:
            raise UsageError("desktop entries need launchers to start", hint="name a folder for launchers, too")
        return None
    programs, shown = (Path(folder).expanduser().absolute() for folder in (launchers, entries or launchers))
    return LauncherFolders(programs, shown)


def _keep_trust(request: DeployRequest, before: TrustRecord | None) -> TrustRecord | None:
    """Record what was verified, before anything is installed; None where the source is not signed."""
    if not isinstance(request.source, SignedSource):
        return None
    with not_deployed(request.place.root):
        if before is None and read_trust(request.place) is not None:
            raise DeployError(
                f"another process has changed {request.place.root} meanwhile", hint="run the command again"
            )
        write_trust(request.place, request.source.record)
    return request.source.record


@dataclass(frozen=True)
class _Wanted:
    """What is to be deployed where, and whom to trust; the arguments of `deploy`."""

    source: str
    place: Place
    applications: tuple[str, ...] | None
    trusted: str | None


def check(
    source: str,
    folder: Path | str,
    applications: Sequence[str] | None = None,
    options: DeployOptions | None = None,
    *,
    trusted: str | None = None,
) -> Update:
    """What `deploy` with the same arguments would change now; nothing is written.

    Raises:
        UsageError: There is no such source, or it has no such application.
        DeployError: The source or the deployment cannot be read.
    """
    options = options or DeployOptions()
    processes = Processes()
    place = look_at_place(Path(folder))
    wanted = _Wanted(source, place, None if applications is None else tuple(applications), trusted)
    with _opened(wanted, read_trust(place), options, processes) as request:
        found = look(place, lambda: preview(request, options.tools(place, processes)))
        signed = request.source
        return replace(found, signer=signed.record.signer) if isinstance(signed, SignedSource) else found


@contextlib.contextmanager
def _opened(
    wanted: _Wanted, record: TrustRecord | None, options: DeployOptions, processes: Processes
) -> Iterator[DeployRequest]:
    """A request with what the source offers now; its connections are closed at the end of the block."""
    machine, place, phases = this_platform(), wanted.place, PhaseCounter(options.on_phase)

    def arrived(what: str, done: int, total: int | None) -> None:
        phases.held(what.removeprefix(DOWNLOADING), done)
        if options.progress is not None:
            options.progress(what, done, total)

    downloads = Downloads(
        options.environment,
        arrived,
        pauses=options.retry_pauses,
        stopping=lambda: processes.stopping,
        rate=options.limit_rate,
    )
    with downloads:
        source = open_source(wanted.source, lambda: downloads)
        with not_deployed(place.root):
            try:
                source = trusted_source(source, record, wanted.trusted, options.tools(place).now())
            except TrustError as error:
                if record is not None and error.roots and place.marker.exists():
                    write_trust(place, replace(record, roots=error.roots))
                raise
            if is_open_to_others(wanted.source) and not isinstance(source, SignedSource):
                options.warn(f"{source.label} is neither encrypted nor signed: it can be changed on its way")
            offer = read_offer(source, machine)
        offer.closure(wanted.applications or ())
        floor = source.record.releases if isinstance(source, SignedSource) else {}
        yield DeployRequest(
            place,
            source,
            offer,
            machine,
            wanted.applications,
            options.warn,
            floor=floor,
            glibc=this_glibc(),
            phases=phases,
        )


def _changing(place: Place, options: DeployOptions) -> AbstractContextManager[None]:
    return changing(place, warn=options.warn, on_wait=options.on_wait, timeout=options.wait)


def activate(
    folder: Path | str, options: DeployOptions | None = None, *, health_check: Sequence[str] | None = None
) -> Generation | None:
    """Make the generation current that `deploy` with `later` has prepared; nothing is fetched.

    Args:
        folder: The deployment.
        options: Callbacks, waiting.
        health_check: As for `deploy`.

    Returns:
        The generation; None if none was prepared, or if the deployment was changed since.

    Raises:
        DeployError: It does not pass the health check, and the one before is current again; or anything else failed.
    """
    options = options or DeployOptions()
    place = open_place(Path(folder))
    if not place.prepared.exists():
        return None
    health = None if health_check is None else HealthCheck(tuple(health_check))
    with _changing(place, options):
        found = change.activate_prepared(place, health, options.tools(place), options.warn)
        if found is not None:
            update_launchers(place, found, options.warn)
        return found


def rollback(folder: Path | str, generation: int | None = None, options: DeployOptions | None = None) -> Generation:
    """Go back to the generation before the current one, or to another one that is kept.

    Raises:
        DeployError: There is none.
    """
    options = options or DeployOptions()
    place = open_place(Path(folder))
    with _changing(place, options):
        found = change.roll_back(place, generation)
        update_launchers(place, found, options.warn)
        return found


def remove(
    folder: Path | str, applications: Sequence[str], options: DeployOptions | None = None
) -> tuple[Generation, tuple[str, ...]]:
    """Uninstall applications; `rollback` brings them back.

    Returns:
        The new generation, and ids of the instances that nothing needed any more.

    Raises:
        UsageError: There is no such application.
        DeployError: The folder is no deployment, or cannot be written to.
    """
    options = options or DeployOptions()
    place = open_place(Path(folder))
    with _changing(place, options):
        done = change.remove_applications(place, applications, options.tools(place), options.warn)
        update_launchers(place, done[0], options.warn)
        return done


def purge(folder: Path | str, options: DeployOptions | None = None) -> bool:
    """Remove a deployment with everything that it has written; nothing brings it back.

    Returns:
        Whether its folder is gone too: a mount point stays, and a folder with files of others.

    Raises:
        DeployError: The folder is no deployment, or something in it cannot be removed.
    """
    options = options or DeployOptions()
    place = open_place(Path(folder))
    with _changing(place, options):
        remove_launchers(place, options.warn)
        purge_contents(place)
    return remove_emptied(place)


def collect(folder: Path | str, options: DeployOptions | None = None) -> tuple[str, ...]:
    """Remove what neither the current generation nor the one before it needs, unfinished downloads included.

    Returns:
        Ids of the instances that were removed.

    Raises:
        DeployError: The folder is no deployment, or cannot be written to.
    """
    options = options or DeployOptions()
    place = open_place(Path(folder))
    with _changing(place, options):
        return collect_garbage(place, options.warn)


def current_number(folder: Path | str) -> int | None:
    """The number of the current generation; None before the first deploy, and where there is no deployment."""
    return generations.current_number(Place(Path(folder).resolve()))


@dataclass(frozen=True)
class Status:
    """The state of a deployment.

    Attributes:
        root: The deployment's folder.
        generation: The current generation.
        kept: Numbers of all generations that `rollback` can go to, the current one included.
        differences: What is not as it was installed; None if files were not compared.
        disk_use: Bytes on the disk of all stored instances by id, those of earlier generations included; empty where
            the store cannot be read.
        trust: Whom the deployment trusts, and what was verified last; None where publications are not signed.
    """

    root: Path
    generation: Generation
    kept: tuple[int, ...]
    differences: tuple[Difference, ...] | None = None
    disk_use: Mapping[str, int] = field(default_factory=dict)
    trust: TrustRecord | None = None


def status(folder: Path | str, *, verify: bool = False, options: DeployOptions | None = None) -> Status:
    """The state of a deployment, with differences from what was installed if that is wanted.

    Args:
        folder: The deployment.
        verify: Whether to compare every file of the current generation with the manifests.
        options: The number of threads that compare files.

    Raises:
        DeployError: The folder is no deployment, or cannot be read.
    """
    options = options or DeployOptions()
    place = open_place(Path(folder))
    for _ in range(_MOST_LOOKS):
        generation = look(place, lambda: require_current(place))
        differences = verify_generation(place, generation, options.tools(place)) if verify else None
        found = Status(
            place.root, generation, look(place, lambda: generation_numbers(place)), differences, trust=read_trust(place)
        )
        if not differences or current_number(place.root) == generation.number:
            break  # else another process may have removed what was being compared
    return replace(found, disk_use=disk_use(place))
