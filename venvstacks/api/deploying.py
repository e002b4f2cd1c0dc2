"""Deploying from a source: a new deployment, an update, or only what an update would change."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from venvstacks.api.deployment_options import DeployOptions
from venvstacks.api.opened_source import Wanted, keep_trust, opened_request, signer_of
from venvstacks.deployment.steps import deploy as action
from venvstacks.deployment.steps.deploy import Deployed
from venvstacks.deployment.steps.health_check import HealthCheck
from venvstacks.deployment.steps.place import Place, look_at_place, make_place
from venvstacks.deployment.steps.refused_deploy import removing_new_folders, removing_unused
from venvstacks.deployment.steps.signed_source import keep_floor, read_trust
from venvstacks.deployment.steps.update_plan import chosen_applications
from venvstacks.deployment.steps.user_launchers import LauncherFolders, prepare_launchers, update_launchers
from venvstacks.errors import UsageError
from venvstacks.tools.file_systems import keeps_modes
from venvstacks.tools.files import home_expanded
from venvstacks.tools.process import KILL, Processes


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
        source: Folder or http(s) URL of the artifacts, or a bundle with a part of them.
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
    wanted = Wanted(source, place, None if applications is None else tuple(applications), trusted)
    folders = _launcher_folders(launchers, desktop_entries)
    with removing_new_folders(place, *(folders.both if folders else ())), contextlib.ExitStack() as held:
        if (before := read_trust(place)) is not None:  # nobody else may replace what was seen
            held.enter_context(options.changing(place))
        opened = held.enter_context(opened_request(wanted, before, options, processes))
        new = _make(place, Path(folder), options)
        if before is None:
            held.enter_context(options.changing(place))
        held.enter_context(removing_unused(place, new=new))
        request = replace(
            opened,
            repair=repair,
            synchronise=synchronise,
            allow_downgrade=allow_downgrade,
            health=None if health_check is None else HealthCheck(tuple(health_check)),
            later=later,
        )
        if folders is not None:
            prepare_launchers(place, folders, chosen_applications(request), request.platform)
        keep_trust(request, before)
        try:
            done = action.deploy(request, options.tools(place, processes))
        finally:
            processes.stop(KILL)  # after an interrupt: children that ignore other signals
        if not later:
            keep_floor(place, done.releases)
        signer = signer_of(request)
        done = replace(done, signer=signer, newly_trusted=signer is not None and before is None)
        if not later:
            update_launchers(place, done.generation, options.warn, folders)
        return done


def _make(place: Place, folder: Path, options: DeployOptions) -> bool:
    """Make the deployment if it is new; return whether it is."""
    is_new = not place.marker.exists()
    make_place(folder)
    if is_new and not keeps_modes(place.root):
        options.warn(f"all files below {place.root} have the modes of its mount: others may be able to change them")
    return is_new


def _launcher_folders(launchers: Path | str | None, entries: Path | str | None) -> LauncherFolders | None:
    if launchers is None:
        if entries is not None:
            raise UsageError("desktop entries need launchers to start", hint="name a folder for launchers, too")
        return None
    programs, shown = (home_expanded(folder).absolute() for folder in (launchers, entries or launchers))
    return LauncherFolders(programs, shown)
