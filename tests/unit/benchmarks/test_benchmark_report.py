"""What a benchmark says: medians, ratios and sizes of given samples, and results that survive being stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.measure import Sample
from benchmarks.report import table, write_report
from benchmarks.results import Results, Row, read_results, write_results

MB = 1_000_000
ROOT = Path(__file__).parents[3]


def row(operation: str, contestant: str, *seconds: float, **fields: object) -> Row:
    samples = tuple(Sample(each, each / 2, int(each * MB)) for each in seconds)
    return Row("sample", 8, operation, contestant, samples, **fields)  # type: ignore[arg-type]


def cells(report: str, operation: str) -> list[str]:
    """The figures of an operation's line."""
    (line,) = (line for line in report.splitlines() if line.startswith(f"| {operation}"))
    return [cell.strip() for cell in line.split("|")[2:-1]]


def results(*rows: Row, **fields: object) -> Results:
    return Results({"memory": "24 GiB"}, rows, **fields)  # type: ignore[arg-type]


def test_a_line_holds_medians_ratio_and_highest_peaks() -> None:
    report = write_report(results(row("show", "original", 3.0, 1.0, 8.0), row("show", "this", 0.5, 0.25, 0.75)), None)
    assert cells(report, "`show`") == ["3.00", "0.500", "6.00", "1.50", "0.250", "8", "1", "3"]


def test_an_operation_may_be_compared_with_another_of_the_original() -> None:
    measured = results(
        row("export", "original", 20.0),
        row("export", "this", 10.0),
        row("export-changed", "original", note="its next export misses the change"),
        row("export-changed", "this", 0.5),
    )
    report = write_report(measured, None)
    assert cells(report, "local export after one byte")[:3] == ["20.0", "0.500", "40.0"]
    assert 'its next export misses the change; compared with the original\'s "local export from scratch"' in report


def test_a_failure_is_in_the_report() -> None:
    report = write_report(results(row("build", "this", note="failed: exit status 5: venvstacks build")), None)
    assert cells(report, "build from valid locks") == ["", "", "", "", "", "", "", "0"]
    assert "1. this: failed: exit status 5: venvstacks build" in report


def test_archive_sizes_are_next_to_the_original_s() -> None:
    measured = results(
        row("publish", "original", 170.0, archive_bytes=100 * MB),
        row("publish", "this", 10.0, archive_bytes=119 * MB),
        row("publish-small", "this", 90.0, archive_bytes=99 * MB),
    )
    report = write_report(measured, None)
    assert "| this product's | 119.0 | 1.19 |" in report
    assert "| this product's smallest | 99.0 | 0.99 |" in report


def test_operations_are_held_against_others_of_this_product() -> None:
    report = write_report(results(row("start", "this", 0.0125), row("start-plain", "this", 0.01)), None)
    (line,) = (line for line in report.splitlines() if "| 1.25 |" in line)
    assert [cell.strip() for cell in line.split("|")[2:-1]] == [
        "0.013", "`python -c pass` in a plain venv with the same packages", "0.010", "1.25", "2.5",
    ]  # fmt: skip


def test_nothing_is_held_against_what_was_not_measured() -> None:
    assert "against itself" not in write_report(results(row("start", "this", 0.0125)), None)


def test_a_skipped_stack_says_why() -> None:
    report = write_report(results(skipped={"torch": "pip finds no wheel"}), None)
    assert "Not measured: pip finds no wheel." in report


def test_results_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    measured = results(row("show", "this", 0.5, 0.25, archive_bytes=7, note="a note"), skipped={"torch": "why"})
    write_results(measured, tmp_path / "benchmarks.json")
    assert read_results(tmp_path / "benchmarks.json") == measured


def test_there_are_no_results_before_the_first(tmp_path: Path) -> None:
    assert read_results(tmp_path / "benchmarks.json") is None


def test_newer_rows_replace_older_ones_and_leave_others() -> None:
    old = results(row("show", "this", 1.0), row("plan", "this", 1.0), skipped={"sample": "why", "torch": "why"})
    both = old.extended(results(row("show", "this", 2.0)))
    assert both.rows == (row("plan", "this", 1.0), row("show", "this", 2.0))
    assert both.skipped == {"torch": "why"}


def test_what_is_known_of_a_contestant_that_was_not_measured_again_stays() -> None:
    old = Results({"memory": "8 GiB", "the original": "0.7.0"})
    assert old.extended(Results({"memory": "24 GiB"})).machine == {"memory": "24 GiB", "the original": "0.7.0"}


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        (("operation", "s"), "| operation | s |\n| --- | ---: |\n| lock | 1 |"),
        (("", ""), "|  |  |\n| --- | --- |\n| lock | 1 |"),
    ],
)
def test_a_table_aligns_figures(titles: tuple[str, ...], expected: str) -> None:
    assert table(titles, [("lock", "1")]) == expected


def test_the_committed_page_ends_with_what_other_benchmarks_measured() -> None:
    """They are written by hand, and stay when the page is written again."""
    end = (ROOT / "benchmarks/by_hand.md").read_text("utf-8")
    assert write_report(results(), None).endswith(end)
    assert (ROOT / "docs/benchmarks.md").read_text("utf-8").endswith(end)
