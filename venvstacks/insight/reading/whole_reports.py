"""Reads everything that a report shows, and writes its page."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from venvstacks.errors import UsageError
from venvstacks.insight.reading.last_run_timeline import last_timeline
from venvstacks.insight.reading.named_contents import Reading, named_project, read_contents
from venvstacks.insight.report_facts import Report
from venvstacks.insight.report_page import report_page
from venvstacks.tools.files import write_atomically


def read_report(text: str, against: str | None, reading: Reading) -> Report:
    """The report on a specification's project, or on a publication.

    Args:
        text: What the user named.
        against: An earlier state, named likewise; None for no comparison.
        reading: How to read them.

    Raises:
        VenvstacksError: There is no such thing, or it is not valid.
    """
    project = named_project(text, reading)
    stack = read_contents(text, reading)
    earlier = read_contents(against, reading) if against else None
    return Report(stack, earlier, last_timeline(project) if project else None)


def write_page(report: Report, place: Path) -> None:
    """Write a report as an HTML page.

    Raises:
        UsageError: It cannot be written.
    """
    style = (files("venvstacks.insight") / "report.css").read_text("utf-8")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, report_page(report, style))
    except OSError as error:
        raise UsageError(
            f"the report {place} cannot be written: {error}", hint="choose another --output file"
        ) from error
