"""The report of a run: its result as data for programs (`--report FILE`), written on failure too."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from venvstacks import api
from venvstacks.errors import ExitCode, SpecificationError, UsageError, VenvstacksError
from venvstacks.graph.selection import select_layers
from venvstacks.model.schema import DIALECT
from venvstacks.planning.forecast import Plan
from venvstacks.records.published_metadata import LayerMetadata, read_metadata
from venvstacks.tools.files import write_atomically
from venvstacks.urls import without_secrets


class ReportedFault(BaseModel):
    """One thing that is wrong in a specification.

    Attributes:
        message: What is wrong.
        line: The line in the file, counted from 1; None where it is about the file as a whole.
        layer: The layer, if it is about one.
        key: The key within the layer or table, dotted.
        hint: What to do about it.
    """

    message: str
    line: int | None = None
    layer: str | None = None
    key: str | None = None
    hint: str | None = None


class ReportedError(BaseModel):
    """Something that went wrong.

    Attributes:
        kind: The class of the error.
        message: What went wrong, and where.
        details: One line for each fault, package or file.
        hint: What to do about it.
        source: The file that `faults` are about.
        faults: The faults of a specification.
    """

    kind: str
    message: str
    details: list[str] = []
    hint: str | None = None
    source: str | None = None
    faults: list[ReportedFault] = []


class ReportedTask(BaseModel):
    """What became of a task.

    Attributes:
        name: The task, such as `build:app-x`.
        status: How it ended; with `--dry-run`, whether it would run.
        seconds: How long it ran.
        reasons: Why it ran, or would.
        blocked_by: Tasks whose failure kept it from running.
        error: Why it failed.
    """

    name: str
    status: Literal["done", "up to date", "failed", "blocked", "interrupted", "not run", "run", "maybe", "cached"]
    seconds: float = 0.0
    reasons: list[str] = []
    blocked_by: list[str] = []
    error: ReportedError | None = None


class RunReport(BaseModel):
    """The result of one command.

    Attributes:
        format: Version of this form.
        exit_code: As the command returned it.
        seconds: How long the command took.
        dry_run: Whether it only said what it would do.
        tasks: All tasks of the run, in the order of the graph; none if it failed before.
        error: What ended the command before its tasks could run.
        published: Metadata of the published layers that the command was about, as their files have it.
        exported: The same of exported layers.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    exit_code: int
    seconds: float
    dry_run: bool = False
    tasks: list[ReportedTask] = []
    error: ReportedError | None = None
    published: list[LayerMetadata] = []
    exported: list[LayerMetadata] = []


def report_schema_text() -> str:
    """The JSON schema of these reports."""
    schema = {"$schema": DIALECT, **RunReport.model_json_schema()}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def report_of_run(project: api.Project, request: api.Request, report: api.Report, seconds: float) -> RunReport:
    """The report of a run that came to its end, with or without failures."""
    tasks = [
        ReportedTask(
            name=outcome.name,
            status=outcome.status,
            seconds=round(outcome.seconds, 3),
            reasons=[str(reason) for reason in outcome.reasons],
            blocked_by=list(outcome.blocked_by),
            error=_error(outcome.error) if outcome.error else None,
        )
        for outcome in report.outcomes
    ]
    found = RunReport(exit_code=int(report.exit_code), seconds=round(seconds, 3), tasks=tasks)
    return found.model_copy(update=_outputs(project, request))


def report_of_plan(project: api.Project, request: api.Request, plan: Plan, seconds: float) -> RunReport:
    """The report of a run that was only planned."""
    tasks = [
        ReportedTask(name=task.name, status=task.status, reasons=[str(reason) for reason in task.reasons])
        for task in plan.tasks
    ]
    found = RunReport(exit_code=0, seconds=round(seconds, 3), dry_run=True, tasks=tasks)
    return found.model_copy(update=_outputs(project, request))


def joined(reports: Sequence[RunReport], platforms: Sequence[str]) -> RunReport:
    """The reports of the runs for several platforms as one, in which names of tasks end in `@` and the platform."""
    if not platforms[1:]:
        return reports[0]
    failed = {report.exit_code for report in reports if report.exit_code}
    return RunReport(
        exit_code=int(ExitCode.MIXED) if len(failed) > 1 else max(failed, default=0),
        seconds=round(sum(report.seconds for report in reports), 3),
        dry_run=any(report.dry_run for report in reports),
        tasks=[
            task.model_copy(update={"name": f"{task.name}@{platform}"})
            for platform, report in zip(platforms, reports, strict=False)
            for task in report.tasks
        ],
        published=[layer for report in reports for layer in report.published],
    )


def _outputs(project: api.Project, request: api.Request) -> dict[str, list[LayerMetadata]]:
    layout, selected = project.configuration.layout, select_layers(project.stack, request.selection)
    tag = project.configuration.tag

    def metadata(folder: str, env_names: tuple[str, ...], tag: str | None) -> list[LayerMetadata]:
        layers = (project.stack.by_env_name[name] for name in env_names)
        read = (read_metadata(project.base / layout.published_metadata(folder, layer, tag)) for layer in layers)
        return [found for found in read if found]

    return {
        "published": metadata(layout.artifacts, selected.publish, tag) if "publish" in request.operations else [],
        "exported": metadata(layout.export, selected.export, None) if "export" in request.operations else [],
    }


def _error(error: BaseException) -> ReportedError:
    faults = error.faults if isinstance(error, SpecificationError) else ()  # which hold no secrets
    hint = getattr(error, "hint", None)
    return ReportedError(
        kind=type(error).__name__,
        message=without_secrets(getattr(error, "message", None) or str(error)),
        details=[without_secrets(line) for line in getattr(error, "details", ())],
        hint=hint and without_secrets(hint),
        source=error.source if isinstance(error, SpecificationError) else None,
        faults=[ReportedFault(**{key: getattr(fault, key) for key in ReportedFault.model_fields}) for fault in faults],
    )


def write_report(report: RunReport | None, place: Path) -> None:
    """Write a report, whole or not at all; without one, an empty file that shows that the place can be written to.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, report.model_dump_json(indent=2, by_alias=True) + "\n" if report else "")
    except OSError as error:
        hint = "choose another --report file"
        raise UsageError(f"the report {place} cannot be written: {error.strerror or error}", hint=hint) from error


def report_of_error(error: VenvstacksError, seconds: float) -> RunReport:
    """The report of a command that ended before its tasks could run."""
    return RunReport(exit_code=int(error.exit_code), seconds=round(seconds, 3), error=_error(error))
