"""What the commands share: a loaded project, and how its plans, trees and runs are shown."""

from __future__ import annotations

import json as json_text
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from venvstacks import api
from venvstacks.cli.error_boundary import relative
from venvstacks.cli.option_groups import Showing
from venvstacks.cli.progress import make_listener, summarize, tell_failures, write_trace
from venvstacks.cli.verbosity import Verbosity
from venvstacks.engine.outcomes import Listener
from venvstacks.errors import ExitCode, UsageError
from venvstacks.graph.selection import Operation, Selection, select_layers


@dataclass(frozen=True)
class Session:
    """One command on one specification."""

    project: api.Project
    verbosity: Verbosity

    @classmethod
    def open(cls, verbosity: Verbosity, spec: Path, options: api.Options) -> Session:
        """Load the specification and tell its warnings."""
        project = api.load_project(spec, options)
        if not verbosity.quiet:
            for warning in project.stack.warnings:
                print(f"warning: {warning}", file=sys.stderr)
        return cls(project, verbosity)

    def operations(self, *, lock: bool, build: bool, publish: bool, export: bool = False) -> tuple[Operation, ...]:
        """The operations that flags ask for.

        Raises:
            UsageError: None at all.
        """
        flags: dict[Operation, bool] = {"lock": lock, "build": build, "publish": publish, "export": export}
        wanted = tuple(name for name, flag in flags.items() if flag)
        if not wanted:
            raise UsageError("nothing is to be done", hint="leave out --no-build, or add --lock or --publish")
        return wanted

    def show(self, selection: Selection, *, json: bool) -> int:
        """Show the selected layers on standard output."""
        from venvstacks.cli.show_output import render_tree, stack_data, stack_tree, staleness_lines  # noqa: PLC0415

        stack = self.project.stack
        chosen = select_layers(stack, selection).included
        staleness = api.lock_staleness(self.project)
        deployed = api.deployed_names(self.project)
        if json:
            print(json_text.dumps(stack_data(stack, chosen, staleness, deployed), indent=2, ensure_ascii=False))
        else:
            print(render_tree(relative(self.project.path), stack_tree(stack, chosen, staleness, deployed)))
            for line in staleness_lines(chosen, staleness):
                print(line)
        return ExitCode.DONE

    def plan(self, request: api.Request, *, form: str = "text", exit_code: bool = False) -> int:
        """Say on standard output what a request would do.

        Args:
            request: The request.
            form: `text`, `json`, `dot` or `mermaid`.
            exit_code: Whether the exit code tells if there is work to do.
        """
        from venvstacks.cli.plan_output import draw, plan_lines  # noqa: PLC0415 - no run needs it

        plan = api.plan(self.project, request)
        if form == "json":
            print(json_text.dumps(plan.as_json(), indent=2, ensure_ascii=False))
        elif form == "text":
            print("\n".join(plan_lines(plan, verbose=self.verbosity.verbose)))
        else:
            print(draw(plan, form), end="")
        return ExitCode.WORK_TO_DO if exit_code and not plan.is_idle else ExitCode.DONE

    def plan_or_run(self, request: api.Request, showing: Showing, trace: Path | None, *, dry_run: bool) -> int:
        """Say what a request would do, or carry it out."""
        if dry_run:
            return self.plan(request, form="json" if showing.json else "text")
        return self.show_and_run(request, showing, trace)

    def show_and_run(self, request: api.Request, showing: Showing, trace: Path | None) -> int:
        """Show the selected layers if asked to, then carry out the request unless asked not to."""
        if showing.show or showing.show_only or showing.json:
            self.show(request.selection, json=showing.json)
        return (
            ExitCode.DONE if showing.show_only else self.run(request, sys.stderr if showing.json else sys.stdout, trace)
        )

    def run(self, request: api.Request, changes_to: TextIO | None = None, trace: Path | None = None) -> int:
        """Carry out a request and tell how it went.

        Args:
            request: The request.
            changes_to: Where to tell what changed in locks, if anywhere.
            trace: Where to write a trace of the run, if anywhere.
        """
        began = time.perf_counter()
        if trace:  # a place that cannot be written to is told before anything runs
            write_trace(api.Report(()), trace)
        listener = self._listener()
        report = api.run(self.project, request, listener)
        if trace:
            write_trace(report, trace)
        tell_failures(report.outcomes)
        for note in report.notes:
            print(f"note: {note}", file=sys.stderr)
        if changes_to and (changes := report.lock_changes):
            from venvstacks.locking.lock_changes import describe_changes  # noqa: PLC0415 - few runs change locks

            for line in describe_changes(changes):
                print(line, file=changes_to)
        if not self.verbosity.quiet:
            print(summarize(report, began), file=sys.stderr)
            if not report.failures:
                for line in self._places(request):
                    print(line, file=sys.stderr)
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
            yield f"{names[operation]}: {relative(self.project.base / folders[operation])}"

    def run_application(self, name: str, arguments: tuple[str, ...], *, isolated: bool) -> int:
        """Bring an application's environment up to date and become it.

        Args:
            name: The application.
            arguments: For the application.
            isolated: Whether the current folder, `PYTHONPATH` and `PYTHONHOME` are kept from it.

        Raises:
            UsageError: There is no such application for this machine.
        """
        layer = api.find_application(self.project, name)
        selection = Selection(include=(layer.env_name,))
        request = api.Request(("build",), selection, lock_policy="require-valid")
        listener = self._listener()
        report = api.run(self.project, request, listener)
        tell_failures(report.outcomes)
        if not report.failures:
            sys.stdout.flush()
            api.start_application(self.project, layer, arguments, isolated=isolated)
        return report.exit_code
