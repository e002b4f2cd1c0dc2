"""The command `worker`: does tasks of runs on other machines."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from venvstacks.cli import declared_options as o
from venvstacks.cli.printable import print_message, print_result
from venvstacks.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from venvstacks.distribution.worker.carried_out import Workplace
    from venvstacks.loading.this_machine import ThisMachine


def worker(
    context: typer.Context,
    scheduler: Annotated[str, typer.Argument(metavar="SCHEDULER", help="Dask scheduler, e.g. tcp://HOST:8786.")],
    *,
    remote_cache: o.RemoteCache = None,
    folder: Annotated[
        str | None,
        typer.Option("--folder", metavar="DIR", help="Where tasks are done. [default: workers in the user's cache]"),
    ] = None,
    cache: Annotated[
        str | None, typer.Option("--cache", metavar="DIR", help="Downloads and prepared Pythons, for all workers here.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Its name in messages. [default: host and process]")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", metavar="N", min=1, help="Threads of a task. [default: one for each processor]"),
    ] = None,
    offer: Annotated[bool, typer.Option("--offer", help="Only print what it would offer, as a Dask resource.")] = False,
) -> int:
    """Do tasks of runs on other machines (build --on), one at a time, until Ctrl-C."""
    from venvstacks.distribution.dask_library import load_dask  # noqa: PLC0415 - an extra
    from venvstacks.distribution.worker_offers import Offer  # noqa: PLC0415
    from venvstacks.loading.this_machine import this_machine  # noqa: PLC0415

    machine = this_machine(cache)
    if machine.platform is None:
        raise UsageError("layers cannot be built for this machine's platform", hint="start workers on other machines")
    offered = Offer.of(machine.platform, machine.tools, load_dask())
    if offer:
        print_result(offered.resource)
        return ExitCode.DONE
    from venvstacks.distribution.worker.serving import WorkerSettings, serve  # noqa: PLC0415 - loads Dask

    place = Path(machine.absolute(folder)) if folder else machine.cache / "workers"
    settings = WorkerSettings(scheduler, offered, place, _workplace(machine, name, remote_cache, jobs))
    serve(settings if context.obj.quiet else replace(settings, say=print_message))
    return ExitCode.DONE


def _workplace(machine: ThisMachine, name: str | None, remote_cache: str | None, jobs: int | None) -> Workplace:
    """What the worker does tasks with, by its options or this machine's variables."""
    from venvstacks.distribution.worker.carried_out import Workplace  # noqa: PLC0415
    from venvstacks.loading.remote_cache import URL_VARIABLE  # noqa: PLC0415
    from venvstacks.tools.processors import usable_processors  # noqa: PLC0415

    named = machine.environment.get(URL_VARIABLE, "") if remote_cache is None else remote_cache
    store = named if named not in {"", "none"} else None
    return Workplace(
        name or f"{machine.name}-{os.getpid()}",
        machine.environment,
        store=machine.absolute(store) if store else None,
        jobs=jobs or usable_processors(),
        cache=str(machine.cache),
    )
