"""What the command line prints holds no secrets of URLs and nothing that a terminal acts on."""

from __future__ import annotations

import ast
import io
import json
import sys
from pathlib import Path

import pytest

from venvstacks.cli import printable as door
from venvstacks.cli.deploy_session import Commands
from venvstacks.cli.error_boundary import report_defect, report_error
from venvstacks.cli.printable import print_json, print_message, print_result
from venvstacks.cli.progress import PlainLines
from venvstacks.cli.run_report import report_of_error
from venvstacks.cli.show_output import render_tree
from venvstacks.cli.verbosity import Verbosity
from venvstacks.errors import DeployError

FORGED = "a\x1b[31m\x9b\u202e\x07\rb https://me:s3cret@host/x?t=s3cret"
SAFE = "a\\x1b[31m\\x9b\\u202e\\x07\\rb https://host/x?..."


def test_results_and_messages_show_what_a_terminal_would_act_on(capsys: pytest.CaptureFixture[str]) -> None:
    print_result(f"{FORGED}\n\tb🐸")
    print_message(FORGED)
    assert capsys.readouterr() == (f"{SAFE}\n\tb🐸\n", f"{SAFE}\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_long_lines_go_on_at_words_in_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    text = "2 done\nlongest chain: build:cpython-3.11 > archive:cpython-3.11 > manifest:archives"
    assert door.fitted(text, io.StringIO()) == text
    assert door.fitted(text, Terminal()).splitlines() == [
        "2 done", "longest chain: build:cpython-3.11 >", "    archive:cpython-3.11 >", "    manifest:archives"
    ]  # fmt: skip
    assert door.fitted("x" * 50, Terminal()) == "x" * 50, "what cannot be divided stays whole"


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("utf-8", "pond\n├── frog\n│   └── ä"),
        ("cp437", "pond\n├── frog\n│   └── ä"),
        ("cp1252", "pond\n|-- frog\n|   `-- ä"),
        ("ascii", "pond\n|-- frog\n|   `-- \\xe4"),
    ],
)
def test_trees_have_ascii_lines_where_the_output_has_no_others(
    encoding: str, printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standard output of a program in a pipe has Windows' old encoding, without box-drawing characters."""
    output = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(output, encoding, errors="backslashreplace", newline="\n"))
    print_result(render_tree("pond", {"frog": {"ä": {}}}).replace("└── frog", "├── frog").replace("    └", "│   └"))
    sys.stdout.flush()
    assert output.getvalue().decode(encoding) == f"{printed}\n"


def test_json_keeps_its_values_and_loses_secrets_only(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"z": ("\x1b[0m\u202eä", 1), "a": {FORGED: FORGED, "u": 'see "https://me:s3"cret@host/x"'}})
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "s3cret" not in text
    assert list(json.loads(text)) == ["z", "a"]
    assert json.loads(text)["z"] == ["\x1b[0m\u202eä", 1]
    assert json.loads(text)["a"]["u"].startswith('see "https://')


def test_errors_defects_and_lines_of_runs_pass_the_same_door(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    report_error(DeployError(FORGED, hint=FORGED, details=(FORGED,)))
    report_defect(ValueError(FORGED))
    PlainLines({}, verbose=False).say(FORGED)
    warn = Commands(Verbosity(quiet=False, verbose=False)).options.warn
    warn(FORGED)
    errors = capsys.readouterr().err
    assert errors.count(SAFE) == 6
    assert "s3cret" not in errors
    assert "\x1b" not in errors
    (log,) = tmp_path.iterdir()
    assert "s3cret" not in log.read_text("utf-8")


def test_reports_hold_no_secrets() -> None:
    text = report_of_error(DeployError(FORGED, hint=FORGED, details=(FORGED,)), 0.5).model_dump_json()
    assert text.count("https://host/x?...") == 3
    assert "s3cret" not in text


def test_commands_print_by_no_other_way() -> None:
    """`version` prints before anything is loaded, schemas are this program's own, boundaries their fixed lines.

    CI systems fold logs by control sequences of their own.
    """
    home = Path(door.__file__).parent
    fixed = {"printable.py": 3, "version.py": 1, "init_commands.py": 1, "error_boundary.py": 1, "ci_annotations.py": 1}
    found = {
        path.name: count
        for path in home.glob("*.py")
        if (count := sum(_prints(node) for node in ast.walk(ast.parse(path.read_text("utf-8")))))
    }
    assert found == fixed


def _prints(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
