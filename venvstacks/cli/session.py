"""What the commands share: a loaded project, and how its plans, trees and runs are shown."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TextIO, TypeVar

from venvstacks import api
from venvstacks.cli.error_boundary import relative
from venvstacks.cli.option_groups import Running, Showing
from venvstacks.cli.printable import print_json, print_message, print_result
from venvstacks.cli.progress import make_listener, summarize, tell_failures, write_trace
from venvstacks.cli.verbosity import Verbosity
from venvstacks.engine.outcomes import Listener
from venvstacks.errors import ExitCode, VenvstacksError
from venvstacks.graph.selection import Operation, Selection, selected_operations, shown_layers


@dataclass(frozen=True)
class Session:
    """One command on one specification."""

    project: api.Project
    verbosity: Verbosity

    @classmethod
    def open(cls, verbosity: Verbosity, spec: Path, options: api.Options) -> Session:
        """Load the specification and print its warnings."""
        project = api.load_project(spec, options)
        if not verbosity.quiet:
            for warning in project.stack.warnings:
                print_message(f"warning: {warning}")
        return cls(project, verbosity)

    def operations(self, *, lock: bool, build: bool, publish: bool, export: bool = False) -> tuple[Operation, ...]:
        """The operations that flags ask for; possibly none."""
        flags: dict[Operation, bool] = {"lock": lock, "build": build, "publish": publish, "export": export}
        return tuple(name for name, flag in flags.items() if flag)

    def show(self, selection: Selection, *, json: bool, request: api.Request | None = None) -> int:
        """Show layers on standard output: with the layers below each, or with what a request would do to them."""
        from venvstacks.cli.show_output import (  # noqa: PLC0415 - no run needs it
            Shown,
            render_tree,
            stack_data,
            stack_tree,
            staleness_lines,
        )

        stack = self.project.stack
        if request:
            operations = selected_operations(stack, request.operations, selection, renews_locks=request.renew_locks)
            chosen = tuple(operations)
        else:
            operations, chosen = None, shown_layers(stack, selection)
        shown = Shown(stack, chosen, api.lock_staleness(self.project), api.deployed_names(self.project), operations)
        if json:
            print_json(stack_data(shown, str(self.project.path)), sort_keys=True)
        else:
            tree = render_tree(relative(self.project.path), stack_tree(shown))
            print_result("\n".join([tree, *staleness_lines(shown)]))
        return ExitCode.DONE

    def plan(self, request: api.Request, *, form: str = "text", exit_code: bool = False) -> int:
        """Say on standard output what a request would do.

        Args:
            request: The request.
            form: `text`, `json`, `dot` or `mermaid`.
            exit_code: Whether the exit code says if there is work to do.
        """
        from venvstacks.cli.plan_output import draw, plan_lines  # noqa: PLC0415 - no run needs it

        plan = api.plan(self.project, request)
        if form == "json":
            print_json(plan.as_json())
        elif form == "text":
            print_result("\n".join(plan_lines(plan, verbose=self.verbosity.verbose)))
        else:
            print_result(draw(plan, form).removesuffix("\n"))
        return ExitCode.WORK_TO_DO if exit_code and not plan.is_idle else ExitCode.DONE

    def plan_or_run(self, request: api.Request, showing: Showing, running: Running, *, dry_run: bool) -> int:
        """Say what a request would do, or carry it out."""
        if not dry_run:
            return self.show_and_run(request, showing, running)
        if running.report:
            from venvstacks.cli.run_report import report_of_plan, write_report  # noqa: PLC0415 - rarely asked for

            began = time.perf_counter()
            plan = api.plan(self.project, request)
            write_report(report_of_plan(self.project, request, plan, time.perf_counter() - began), running.report)
        return self.plan(request, form="json" if showing.json else "text")

    def show_and_run(self, request: api.Request, showing: Showing, running: Running) -> int:
        """Show the stack if asked to, then carry out the request unless asked to show only; JSON is shown only."""
        if showing.show or showing.show_only or showing.json:
            self.show(request.selection, json=showing.json, request=request)
        if showing.show_only or (showing.json and not showing.show):
            return ExitCode.DONE
        if not request.operations:
            if not self.verbosity.quiet:
                print_message("nothing is to be done: leave out --no-build, or add --lock or --publish")
            return ExitCode.DONE
        return self.run(request, running, sys.stderr if showing.json else sys.stdout)

    def run(self, request: api.Request, running: Running, changes_to: TextIO | None = None) -> int:
        """Carry out a request and say how it went.

        Args:
            request: The request.
            running: Where to write a trace and a report of the run, if anywhere.
            changes_to: Where to say what changed in locks, if anywhere.
        """
        began, trace = time.perf_counter(), running.trace
        if trace:  # a place that cannot be written to is an error before anything runs
            write_trace(api.Report(()), trace)
        listener = self._listener()
        report = api.run(self.project, request, listener)
        if trace:
            write_trace(report, trace)
        if running.report:
            from venvstacks.cli.run_report import report_of_run, write_report  # noqa: PLC0415 - rarely asked for

            write_report(report_of_run(self.project, request, report, time.perf_counter() - began), running.report)
        tell_failures(report.outcomes)
        for note in report.notes:
            print_message(f"note: {note}")
        if changes_to and (changes := report.lock_changes):
            from venvstacks.locking.lock_changes import describe_changes  # noqa: PLC0415 - few runs change locks

            for line in describe_changes(changes):
                print_message(line, changes_to)
        if not self.verbosity.quiet:
            print_message(summarize(report, began))
            if not report.failures:
                for line in self._places(request):
                    print_message(line)
        return report.exit_code

    def _listener(self) -> Listener:
        verbosity = self.verbosity
        return make_listener(self.project.graph.makers, quiet=verbosity.quiet, verbose=verbosity.verbose)

    def _places(self, request: api.Request) -> Iterator[str]:
        layout = self.project.configuration.layout
        folders = {
            "lock": layout.requirements,
            "build": layout.build,
            "publish": layout.artifacts,
            "export": layout.export,
        }
        names = {"lock": "locks", "build": "environments", "publish": "archives", "export": "exported environments"}
        for operation in request.operations:
            line = f"{names[operation]}: {relative(self.project.base / folders[operation])}"
            if operation == "publish" and self.project.configuration.kept_format:
                form = self.project.configuration.archive_format
                line += f" (.{form}, as archives there were published before; --archive-format chooses another format)"
            yield line

    def run_application(self, name: str, arguments: tuple[str, ...], *, isolated: bool, editable: bool = False) -> int:
        """Bring an application's environment up to date and replace this process by the application.

        Args:
            name: The application.
            arguments: For the application.
            isolated: Whether the current folder, `PYTHONPATH` and `PYTHONHOME` are kept from it.
            editable: Whether its own packages are imported from their projects, instead of being built again.

        Raises:
            UsageError: There is no such application for this machine.
        """
        layer = api.find_application(self.project, name)
        selection = Selection(include=(layer.env_name,))
        request = api.Request(("build",), selection, lock_policy="require-valid", keep_wheels=editable)
        listener = self._listener()
        report = api.run(self.project, request, listener)
        tell_failures(report.outcomes)
        if not report.failures:
            sys.stdout.flush()
            api.start_application(self.project, name, arguments, editable=editable, isolated=isolated)
        return report.exit_code


_CommandT = TypeVar("_CommandT", bound=Callable[..., int])


def reported(command: _CommandT) -> _CommandT:
    """A command that also writes its report where it ends before its tasks can run."""

    @wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> int:  # noqa: ANN401 - whatever the command takes
        place, began = options["running"].report, time.perf_counter()
        if place is None:
            return command(*arguments, **options)
        from venvstacks.cli.run_report import report_of_error, write_report  # noqa: PLC0415 - rarely asked for

        write_report(None, place)  # a place that cannot be written to is an error before anything runs
        try:
            return command(*arguments, **options)
        except VenvstacksError as error:
            write_report(report_of_error(error, time.perf_counter() - began), place)
            raise

    return wrapped  # type: ignore[return-value] # of the same signature
