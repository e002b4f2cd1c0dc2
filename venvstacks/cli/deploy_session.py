"""The commands about deployments, carried out: results go to standard output, everything else to standard error."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from venvstacks.api.deployment_options import DeployOptions
from venvstacks.api.machine_platform import this_platform
from venvstacks.cli.deploy_output import (
    deployed_data,
    deployed_lines,
    number_of_layers,
    status_data,
    status_lines,
    update_lines,
)
from venvstacks.cli.deploy_progress import showing_progress
from venvstacks.cli.error_boundary import Terminated
from venvstacks.cli.printable import print_json, print_message, print_result
from venvstacks.cli.verbosity import Verbosity
from venvstacks.deployment.steps.deploy_failures import MAKE_READABLE
from venvstacks.errors import ExitCode, InterruptedRunError, UsageError


@dataclass(frozen=True)
class Wanted:
    """What is to be deployed.

    Attributes:
        source: Folder or URL.
        folder: The deployment.
        names: The applications; None for the installed ones, or for all in a new deployment.
        trusted: The publisher's root or its fingerprint, None where the user named none.
    """

    source: str
    folder: Path
    names: tuple[str, ...] | None
    trusted: str | None


@dataclass(frozen=True)
class Folders:
    """Where launchers are written; None leaves them in the folder that the deployment remembers, if there is one.

    Attributes:
        launchers: Folder of the launchers.
        desktop_entries: Folder of the desktop entries; None for that of the launchers.
    """

    launchers: Path | None
    desktop_entries: Path | None


@dataclass(frozen=True)
class Commands:
    """The commands, with the options that they share.

    Attributes:
        verbosity: How much is printed to standard error.
        no_wait: Whether to fail rather than wait for another process.
        json: Whether results are printed as JSON.
        limit_rate: Bytes per second that may be downloaded; None for no limit.
    """

    verbosity: Verbosity
    no_wait: bool = False
    json: bool = False
    limit_rate: int | None = None

    @property
    def options(self) -> DeployOptions:
        """How deployments are changed."""
        return DeployOptions(
            on_wait=self._report_waiting,
            warn=self._report_warning,
            wait=0 if self.no_wait else -1,
            limit_rate=self.limit_rate,
        )

    def _report(self, *lines: str) -> None:
        if not self.verbosity.quiet:
            print_message("\n".join(lines))

    def _report_warning(self, line: str) -> None:
        print_message(f"warning: {line}")

    def _report_waiting(self) -> None:
        if not self.no_wait:
            self._report("another process is changing this deployment; waiting for it to end")

    def deploy(self, wanted: Wanted, folders: Folders, health_check: str | None, **how: bool) -> ExitCode:
        """Install or update; `how` are the flags of `deployments.deploy`."""
        from venvstacks.api.deploying import deploy  # noqa: PLC0415 - a command loads its own

        if how.get("later") and health_check is not None:
            raise UsageError("--later switches nothing that could be checked", hint="give --health-check to `activate`")
        began = time.perf_counter()
        with _reporting_what_is_left(wanted.folder), self._showing_progress() as options:
            done = deploy(
                wanted.source,
                wanted.folder,
                wanted.names,
                options,
                trusted=wanted.trusted,
                launchers=folders.launchers,
                desktop_entries=folders.desktop_entries,
                health_check=shell_command(health_check),
                **how,
            )
        if self.json:
            print_json(deployed_data(done), sort_keys=True)
        else:
            self._report(*deployed_lines(done, time.perf_counter() - began, later=how.get("later", False)))
        return ExitCode.DONE

    def preview(self, wanted: Wanted, *, as_exit_code: bool) -> ExitCode:
        """Say what a deploy would change, with exit code 10 if that is something new and if this is wanted."""
        from venvstacks.api.update_check import check  # noqa: PLC0415 - a command loads its own

        found = check(wanted.source, wanted.folder, wanted.names, self.options, trusted=wanted.trusted)
        if self.json:
            print_json({**asdict(found), "is_newer": found.is_newer}, sort_keys=True)
        else:
            print_result("\n".join(update_lines(found)))
        return ExitCode.WORK_TO_DO if as_exit_code and found.is_newer else ExitCode.DONE

    def activate(self, folder: Path, health_check: str | None) -> ExitCode:
        """Switch to what was prepared."""
        from venvstacks.api.installed_generations import activate  # noqa: PLC0415 - a command loads its own

        with _reporting_what_is_left(folder):
            found = activate(folder, self.options, health_check=shell_command(health_check))
        if found is None:
            self._report("nothing to do: no generation is prepared, or the deployment was changed since")
        else:
            self._report(f"generation {found.number}: {', '.join(found.applications)}")
        return ExitCode.DONE

    def rollback(self, folder: Path, number: int | None) -> ExitCode:
        """Go back."""
        from venvstacks.api.installed_generations import rollback  # noqa: PLC0415 - a command loads its own

        with _reporting_what_is_left(folder):
            found = rollback(folder, number, self.options)
        self._report(f"generation {found.number}: {', '.join(found.applications) or 'no application'}")
        return ExitCode.DONE

    def status(self, folder: Path, *, verify: bool) -> ExitCode:
        """Show what is installed; differences are a failure."""
        from venvstacks.api.deployment_status import status  # noqa: PLC0415 - a command loads its own

        found = status(folder, verify=verify)
        if self.json:
            print_json(status_data(found), sort_keys=True)
        else:
            print_result("\n".join(status_lines(found)))
        if not found.differences:
            return ExitCode.DONE
        if all(one.kind == "moved" for one in found.differences):
            self._report(
                f"hint: the deployment was moved or copied: `venvstacks collect {found.root}` writes these files again"
            )
        elif all(one.kind == "unreadable" for one in found.differences):
            self._report(f"hint: what cannot be read was not compared: {MAKE_READABLE}")
        else:
            self._report("hint: deploy again with --repair")
        return ExitCode.PUBLISHING

    def remove(self, folder: Path, names: tuple[str, ...]) -> ExitCode:
        """Uninstall."""
        from venvstacks.api.installed_generations import remove  # noqa: PLC0415 - a command loads its own

        with _reporting_what_is_left(folder):
            generation, removed = remove(folder, names, self.options)
        self._report(
            f"generation {generation.number}: {', '.join(generation.applications) or 'no application'}",
            f"{number_of_layers(removed)} removed; what was installed before is kept for rollback",
        )
        return ExitCode.DONE

    def purge(self, folder: Path) -> ExitCode:
        """Remove a deployment."""
        from venvstacks.api.installed_generations import purge  # noqa: PLC0415 - a command loads its own

        place = Path(os.path.realpath(folder)) if folder.is_symlink() else folder  # a link to it stays
        with _reporting_what_is_left(folder):
            is_gone = purge(folder, self.options)
        self._report(f"{place} is removed" if is_gone else f"nothing of the deployment is left in {place}")
        return ExitCode.DONE

    def collect(self, folder: Path) -> ExitCode:
        """Remove garbage."""
        from venvstacks.api.installed_generations import collect  # noqa: PLC0415 - a command loads its own

        with _reporting_what_is_left(folder):
            removed = collect(folder, self.options)
        self._report(f"{number_of_layers(removed)} removed")
        return ExitCode.DONE

    @contextlib.contextmanager
    def _showing_progress(self) -> Iterator[DeployOptions]:
        """Options that show how far a deploy is."""
        if self.verbosity.quiet:
            yield self.options
            return
        with showing_progress() as report:
            yield replace(self.options, on_phase=report)


@contextlib.contextmanager
def _reporting_what_is_left(folder: Path) -> Iterator[None]:
    """Turn an interrupt of the block into an error that says which generation is current.

    Raises:
        InterruptedRunError: The user, or SIGTERM, has interrupted the block.
    """
    from venvstacks.api.deployment_status import current_number  # noqa: PLC0415 - as above

    before = current_number(folder)
    try:
        yield
    except KeyboardInterrupt as ending:
        now = current_number(folder)
        if now is None:
            state = "nothing is installed yet"
        elif now == before:
            state = f"what was current still is: generation {now}"
        else:
            state = f"generation {now} is current"
        raise InterruptedRunError(
            f"interrupted: {state}", terminated=isinstance(ending, Terminated), hint=None
        ) from ending


def shell_command(text: str | None) -> tuple[str, ...] | None:
    """The program that runs a command of the user's as the system's shell does; None without a command."""
    if text is None:
        return None
    if this_platform().is_windows:
        return "cmd", "/d", "/c", text
    return "/bin/sh", "-c", text
