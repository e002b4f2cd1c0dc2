"""What the commands share: a loaded project, and how its plans, trees and runs are shown."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from venvstacks import api
from venvstacks.cli.error_boundary import relative
from venvstacks.cli.option_groups import Describing, Running, Showing, Targets, given
from venvstacks.cli.printable import fitted, print_json, print_message, print_result
from venvstacks.cli.progress import make_listener, report_failures, summarize, write_trace
from venvstacks.cli.result_places import result_places
from venvstacks.cli.verbosity import Verbosity
from venvstacks.engine.outcomes import Listener
from venvstacks.errors import ExitCode, UsageError, VenvstacksError
from venvstacks.graph.selection import Operation, Selection, selected_operations, shown_layers

if TYPE_CHECKING:
    from venvstacks.cli.run_report import RunReport
    from venvstacks.planning.forecast import Plan


@dataclass(frozen=True)
class Session:
    """One command on one specification.

    Attributes:
        project: The project, for this machine's platform.
        verbosity: How much is printed.
        targets: Names of the target platforms that the user named; empty for this machine's.
    """

    project: api.Project
    verbosity: Verbosity
    targets: tuple[str, ...] = ()

    @classmethod
    def open(cls, verbosity: Verbosity, spec: Path, options: api.Options, targets: Targets | None = None) -> Session:
        """Load the specification and print its warnings."""
        project = api.load_project(spec, options)
        if not verbosity.quiet:
            for warning in project.stack.warnings:
                print_message(f"warning: {warning}")
        return cls(project, verbosity, _target_names(project, (targets and targets.platforms) or ()))

    def projects(self) -> tuple[api.Project, ...]:
        """The project for each target platform."""
        tagged = len(self.targets) > 1  # archives in one folder are told apart by their names
        return tuple(self.project.on(name, tag_outputs=tagged) for name in self.targets) or (self.project,)

    def selection(self, *groups: object) -> Selection:
        """The selection that options describe, for the target platforms."""
        return Selection(**given(*groups), platforms=self.targets)

    def _parts(self, request: api.Request) -> Iterator[tuple[api.Project, api.Request]]:
        """What is to be done, one target platform after another; locks and downloads of the first serve the next."""
        for name, project in zip(self.targets or ("",), self.projects(), strict=True):
            selection = replace(request.selection, platforms=(name,)) if name else request.selection
            yield project, replace(request, selection=selection)

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
            form: `text`, `json`, `dot`, `mermaid`, or the name of a form of CI jobs.
            exit_code: Whether the exit code says if there is work to do.
        """
        from venvstacks.cli.ci_matrix import FORMS, JobSource  # noqa: PLC0415 - no run needs it
        from venvstacks.cli.plan_output import draw, plan_lines  # noqa: PLC0415

        plans = [api.plan(project, part) for project, part in self._parts(request)]
        several = self.targets[1:]
        for remark in dict.fromkeys(remark for plan in plans for remark in plan.remarks):
            print_message(f"note: {remark}")
        if form == "json":
            data = [plan.as_json() for plan in plans]
            print_json({"platforms": dict(zip(self.targets, data, strict=True))} if several else data[0])
        if form in FORMS:
            configuration = self.project.configuration
            source = JobSource(
                dict(zip(self.targets, plans, strict=False)),
                Path(relative(self.project.path)).as_posix(),
                Path(relative(self.project.base / configuration.layout.artifacts)).as_posix(),
                configuration.tools["venvstacks"],
            )
            print_result(source.text(form))
            return self._plan_code(plans, exit_code=exit_code)
        for name, plan in zip(self.targets or ("",), plans, strict=True):
            if form == "text":
                lines = plan_lines(plan, verbose=self.verbosity.verbose)
                print_result(fitted("\n".join([f"{name}:", *lines] if several else lines), sys.stdout))
            elif form != "json":
                print_result(draw(plan, form).removesuffix("\n"))
        return self._plan_code(plans, exit_code=exit_code)

    @staticmethod
    def _plan_code(plans: Sequence[Plan], *, exit_code: bool) -> int:
        return ExitCode.WORK_TO_DO if exit_code and not all(plan.is_idle for plan in plans) else ExitCode.DONE

    def plan_or_run(self, request: api.Request, showing: Showing, running: Running, *, dry_run: bool) -> int:
        """Say what a request would do, or carry it out."""
        if not dry_run:
            return self.show_and_run(request, showing, running)
        if running.report:
            from venvstacks.cli.run_report import joined, report_of_plan, write_report  # noqa: PLC0415 - rarely asked for

            reports = []
            for project, part in self._parts(request):
                began = time.perf_counter()
                plan = api.plan(project, part)
                reports.append(report_of_plan(project, part, plan, time.perf_counter() - began))
            write_report(joined(reports, self.targets), running.report)
        return self.plan(request, form="json" if showing.json else "text")

    def show_and_run(self, request: api.Request, showing: Showing, running: Running) -> int:
        """Show the stack if asked to, then carry out the request unless asked to show only; JSON is shown only."""
        if showing.show or showing.show_only or showing.json:
            self.show(request.selection, json=showing.json, request=request)
        if not showing.runs:
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
        if running.trace:  # a place that cannot be written to is an error before anything runs
            if self.targets[1:]:
                raise UsageError("a trace shows the run for one platform", hint="name one --platform")
            write_trace(api.Report(()), running.trace)
        reports: list[RunReport] = []
        codes: list[ExitCode] = []
        for project, part in self._parts(request):
            if self.targets[1:] and not self.verbosity.quiet:
                print_message(f"{self.targets[len(codes)]}:")
            codes.append(self._run(project, part, running, reports, changes_to))
            if codes[-1] and not running.keep_going:
                break
        failed = {code for code in codes if code}
        return ExitCode.MIXED if len(failed) > 1 else max(failed, default=ExitCode.DONE)

    def _run(
        self,
        project: api.Project,
        request: api.Request,
        running: Running,
        reports: list[RunReport],
        changes_to: TextIO | None,
    ) -> ExitCode:
        """Carry out what a request means for one platform; adds to the reports of the platforms before."""
        began = time.perf_counter()
        report = api.run(project, request, self.listener(project))
        if running.trace:
            write_trace(report, running.trace)
        if running.report:
            from venvstacks.cli.run_report import joined, report_of_run, write_report  # noqa: PLC0415 - rarely asked for

            reports.append(report_of_run(project, request, report, time.perf_counter() - began))
            write_report(joined(reports, self.targets), running.report)
        report_failures(report.outcomes)
        for note in report.notes:
            print_message(f"note: {note}")
        if changes_to and (changes := report.lock_changes):
            from venvstacks.locking.lock_changes import describe_changes  # noqa: PLC0415 - few runs change locks

            for line in describe_changes(changes):
                print_message(line, changes_to)
        if not self.verbosity.quiet:
            print_message(fitted(summary := summarize(report, began), sys.stderr))
            if place := project.environment.get("GITHUB_STEP_SUMMARY"):
                from venvstacks.cli.ci_annotations import add_step_summary  # noqa: PLC0415 - for CI alone

                add_step_summary(place, summary.partition("\n")[0], report)
            if not report.failures:
                for line in result_places(project, request):
                    print_message(line)
        return report.exit_code

    def describing(self, chosen: Describing) -> Describing:
        """Which descriptions a publication gets: those of the options, or else of `[tool.venvstacks]`.

        Raises:
            UsageError: The library for bills of materials is not installed.
        """
        settings = self.project.stack.settings
        found = Describing(
            bills=settings.sbom if chosen.bills is None else chosen.bills,
            provenance=settings.provenance if chosen.provenance is None else chosen.provenance,
            builder=chosen.builder or settings.builder,
        )
        if found.bills:
            from venvstacks.api.describing import require_bills  # noqa: PLC0415 - for some publications

            require_bills()  # an error before anything runs
        return found

    def run_and_describe(self, request: api.Request, showing: Showing, running: Running, describing: Describing) -> int:
        """Carry out a request as `show_and_run` does; where it ran without a failure, describe what is published."""
        code = self.show_and_run(request, showing, running)
        if showing.runs and not code:
            self.describe(describing)
        return code

    def describe(self, describing: Describing) -> None:
        """Write bills of materials and provenance of what is published, if they are wanted, and say how many."""
        if not (describing.bills or describing.provenance):
            return
        from venvstacks.api.describing import Descriptions, describe_publication  # noqa: PLC0415 - few are described

        for project in self.projects():
            listener = self.listener(project)
            found = describe_publication(project, Descriptions(**given(describing)), listener.waiting)
            for note in found.notes:
                print_message(f"note: {note}")
            if not self.verbosity.quiet:
                numbers = {"bills of materials": found.bills, "statements of provenance": found.statements}
                print_message(", ".join(f"{what}: {number}" for what, number in numbers.items() if number))

    def listener(self, project: api.Project | None = None) -> Listener:
        """What shows a run on standard error."""
        verbosity = self.verbosity
        return make_listener((project or self.project).graph.makers, quiet=verbosity.quiet, verbose=verbosity.verbose)

    def run_application(self, name: str, arguments: tuple[str, ...], *, isolated: bool, editable: bool = False) -> int:
        """Bring an application's environment up to date and replace this process by the application.

        Args:
            name: The application.
            arguments: For the application.
            isolated: Whether the current folder, `PYTHONPATH` and `PYTHONHOME` are kept from it.
            editable: Whether its own packages are imported from their projects, instead of being built again.

        Raises:
            UsageError: There is no such application for the platform, or this machine cannot start it.
        """
        from venvstacks.api.applications import check_can_start  # noqa: PLC0415 - to start applications only

        check_can_start(self.project)
        layer = api.find_application(self.project, name)
        selection = Selection(include=(layer.env_name,))
        request = api.Request(("build",), selection, lock_policy="require-valid", keep_wheels=editable)
        listener = self.listener()
        report = api.run(self.project, request, listener)
        report_failures(report.outcomes)
        if not report.failures:
            sys.stdout.flush()
            api.start_application(self.project, name, arguments, editable=editable, isolated=isolated)
        return report.exit_code


def _target_names(project: api.Project, named: Sequence[str]) -> tuple[str, ...]:
    """The target platforms that options name: each once, this machine's before the others.

    Raises:
        UsageError: There is no such platform.
    """
    host = project.configuration.platform
    names = dict.fromkeys(each for name in named for each in (project.platforms if name == "all" else (name,)))
    for name in names:
        project.on(name)
    return tuple(sorted(names, key=lambda name: host is None or name != host.name))


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
