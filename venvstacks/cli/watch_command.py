"""`watch`: build, export and restart what changed, as soon as files change."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from venvstacks import api
from venvstacks.cli import declared_options as o
from venvstacks.cli.error_boundary import Terminated, report_error
from venvstacks.cli.option_groups import Environments, given
from venvstacks.cli.printable import fitted, print_message
from venvstacks.cli.progress import make_listener, report_failures, summarize
from venvstacks.cli.verbosity import Verbosity
from venvstacks.errors import ExitCode, InterruptedRunError, UsageError, VenvstacksError
from venvstacks.graph.selection import Operation, Selection
from venvstacks.tools.application_process import ApplicationProcess

_LOOK_SECONDS = 0.5
"""How often an application is asked whether it still runs."""


def watch(
    context: typer.Context,
    spec: o.Spec,
    *,
    application: Annotated[
        str | None, typer.Argument(metavar="[APP]", help="Application to start, and to start again after a change.")
    ] = None,
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[-- ARGS]", help="Its arguments.")] = None,
    build_dir: o.BuildDir = "_build",
    export: Annotated[bool, typer.Option("--export", help="Export what changed, too.")] = False,
    environments: Environments,
    jobs: o.Jobs = None,
) -> int:
    """Build again what changes, until Ctrl-C; with APP, restart that application."""
    _require_watchfiles()
    options = api.Options(build_dir=build_dir, jobs=jobs, **given(environments))
    operations: tuple[Operation, ...] = ("build", "export") if export else ("build",)
    watcher = Watcher(spec, options, operations, application, tuple(arguments or ()), context.obj)
    try:
        watcher.go()
    except Terminated:
        raise
    except KeyboardInterrupt:  # Ctrl-C is how watching ends
        return ExitCode.DONE
    finally:
        watcher.close()


@dataclass
class Watcher:
    """What is watched, and the application that runs meanwhile.

    Attributes:
        spec: The specification.
        options: Options of every run.
        operations: What every run does.
        application: The application to keep running, if any.
        arguments: Its arguments.
        verbosity: How much is printed.
    """

    spec: Path
    options: api.Options
    operations: tuple[Operation, ...]
    application: str | None
    arguments: tuple[str, ...]
    verbosity: Verbosity
    _project: api.Project | None = None
    _running: ApplicationProcess | None = None

    def go(self) -> NoReturn:
        """Do what the present files ask for, and again after every change."""
        self._project = api.load_project(self.spec, self.options)
        if self.application:
            api.find_application(self._project, self.application)
        if not self.verbosity.quiet:
            print_message("watching for changes, Ctrl-C ends")
        while True:
            folders = self._folders(self._project)
            with _watched(folders) as has_changed:  # before anything is read: changes meanwhile count
                self._update()
                while self._folders(self._project) == folders and not has_changed.wait(_LOOK_SECONDS):
                    self._look_after_application()

    def _update(self) -> None:
        """Do what the present files ask for. Errors are shown, and the next change is waited for."""
        began = time.perf_counter()
        try:
            self._project = api.load_project(self.spec, self.options)
            include = (api.find_application(self._project, self.application).env_name,) if self.application else ()
            request = api.Request(self.operations, Selection(include=include), lock_policy="require-valid")
            listener = make_listener(self._project.graph.makers, quiet=self.verbosity.quiet, verbose=False)
            report = api.run(self._project, request, listener)
        except InterruptedRunError:
            raise
        except VenvstacksError as error:
            report_error(error)
            return
        report_failures(report.outcomes)
        has_changed = any(outcome.status == "done" for outcome in report.outcomes)
        if not self.verbosity.quiet and (has_changed or report.failures):
            print_message(fitted(summarize(report, began), sys.stderr))
        if self.application and not report.failures and (has_changed or self._running is None):
            self._restart(self._project, self.application)

    def _restart(self, project: api.Project, application: str) -> None:
        self.close()
        command = api.application_command(project, application, self.arguments)
        self._running = ApplicationProcess(command, api.application_environment(project))
        if not self.verbosity.quiet:
            print_message(f"started {application}")

    def _look_after_application(self) -> None:
        code = self._running.ended() if self._running else None
        if code is not None:
            self._running = None
            if not self.verbosity.quiet:
                print_message(f"{self.application} has ended with {code}; the next change starts it again")

    def _folders(self, project: api.Project) -> frozenset[Path]:
        """The folders of all files that tasks read and people write: locks, too, which come with `git pull`."""
        layout = project.configuration.layout
        made = tuple(f"{folder}/" for folder in (layout.build, layout.artifacts, layout.export))
        inputs = {project.path.name, *(path for node in project.graph.nodes for path in node.inputs)}
        folders = {(project.base / path).parent for path in inputs if not path.startswith(made)}
        return frozenset(folder for folder in folders if folder.is_dir())

    def close(self) -> None:
        """End the application."""
        if self._running is not None:
            self._running.end()
            self._running = None


@contextlib.contextmanager
def _watched(folders: frozenset[Path]) -> Iterator[threading.Event]:
    """An event that is set once something changes in one of `folders`, but not below it."""
    from watchfiles import watch as watch_files  # noqa: PLC0415 - for this command alone

    changed, over = threading.Event(), threading.Event()

    def look() -> None:
        # in the main thread, it would take every signal for a Ctrl-C
        for _ in watch_files(*folders, recursive=False, stop_event=over, rust_timeout=200):
            changed.set()

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield changed
    finally:
        over.set()
        looking.join()


def _require_watchfiles() -> None:
    try:
        import watchfiles  # noqa: F401, PLC0415 - for this command alone
    except ImportError:
        raise UsageError("watching needs watchfiles", hint="pip install 'venvstacks[watch]'") from None
