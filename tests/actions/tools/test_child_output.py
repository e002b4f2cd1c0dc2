"""What children of a run are given, and what is kept of what they print."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from venvstacks.errors import ProcessFailedError
from venvstacks.tools.process import Processes, scrubbed_environment


def test_a_failed_child_is_reported_in_full_and_logged(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "task.log"
    script = "import sys; print('out 🐸'); print('err', file=sys.stderr); sys.exit(3)"
    argv = [sys.executable, "-X", "utf8", "-c", script]
    with pytest.raises(ProcessFailedError) as raised:
        Processes().run(argv, env={}, log=log)
    assert raised.value.returncode == 3
    assert raised.value.output.splitlines() == ["out 🐸", "err"]
    first, *rest = log.read_text("utf-8").splitlines()
    assert first.startswith("$ ")
    assert rest[:-1] == ["out 🐸", "err"]
    assert rest[-1].startswith("[exit status 3 after ")


def test_secrets_in_urls_of_children_are_not_kept(tmp_path: Path) -> None:
    log = tmp_path / "task.log"
    script = "import sys; print(sys.argv[1]); sys.exit(1)"
    with pytest.raises(ProcessFailedError) as raised:
        Processes().run([sys.executable, "-c", script, "https://me:s3cret@host/a?sig=s3cret"], env={}, log=log)
    assert raised.value.output == "https://host/a?...\n"
    assert "https://host/a?..." in log.read_text("utf-8")
    assert "s3cret" not in f"{raised.value}{log.read_text('utf-8')}"


def test_a_program_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailedError, match="cannot be started"):
        Processes().run([tmp_path / "nowhere"], env={})


def test_children_see_nothing_that_steers_results() -> None:
    environment = {"PATH": "/bin", "UV_INDEX_URL": "x", "PYTHONPATH": "x", "PIP_X": "x", "MINE": "1", "LC_ALL": "C"}
    assert scrubbed_environment(environment) == {"PATH": "/bin", "LC_ALL": "C"}
    assert scrubbed_environment(environment, keep=["MINE"], prefixes=("PIP_",)) == {
        "PATH": "/bin", "LC_ALL": "C", "MINE": "1", "PIP_X": "x",
    }  # fmt: skip


def test_children_on_windows_know_their_machine() -> None:
    """Without these, `platform.machine()` is empty there, and neither a shell nor a program without suffix is found."""
    facts = {"PROCESSOR_ARCHITECTURE": "AMD64", "COMSPEC": "C:\\cmd.exe", "PATHEXT": ".EXE", "WINDIR": "C:\\Windows"}
    assert scrubbed_environment({**facts, "PIP_X": "x"}) == facts


def test_names_that_are_no_unicode_do_not_keep_a_child_from_being_logged(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "import sys; print(len(sys.argv[1].encode('utf-8', 'surrogateescape')))"
    done = Processes().run([sys.executable, "-X", "utf8", "-c", script, "caf\udce9"], env={}, log=log)
    assert done.stdout == "4\n"
    assert "caf?" in log.read_text("utf-8")
