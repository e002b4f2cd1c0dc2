from __future__ import annotations

from venvstacks.api.diagnosis import Finding
from venvstacks.cli.doctor_command import finding_lines

FOUND = (
    Finding("Python", "ok", "cpython 3.12"),
    Finding("uv", "problem", "it does not start", "install uv again"),
    Finding("disk", "warning", "1.0 GB are free", "make room"),
)


def test_findings_are_aligned_and_say_what_to_do() -> None:
    assert list(finding_lines(FOUND)) == [
        "ok       Python  cpython 3.12",
        "PROBLEM  uv      it does not start",
        "                 hint: install uv again",
        "warning  disk    1.0 GB are free",
        "                 hint: make room",
    ]


def test_what_is_in_order_is_left_out_where_it_is_to_be_quiet() -> None:
    assert [line.split()[0] for line in finding_lines(FOUND, quiet=True)] == ["PROBLEM", "hint:", "warning", "hint:"]


def test_long_texts_are_continued_below_their_beginning() -> None:
    found = [Finding("disk", "warning", "few bytes are free on the disk of /very/long/path-of-a-folder", "make room")]
    assert list(finding_lines(found, columns=55)) == [
        "warning  disk  few bytes are free on the disk of",
        "               /very/long/path-of-a-folder",
        "               hint: make room",
    ]
