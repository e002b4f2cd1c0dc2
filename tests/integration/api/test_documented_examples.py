"""The examples of docs/api.md, run in the order of the page, in the folder of a small stack."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.offline_stacks import has_python, run, write_stack

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
RUN = [example for example in EXAMPLES if not example.startswith("# dodo.py")]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not has_python(), reason="no CPython 3.11.7 to make a runtime of")]


def test_all_examples_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:  # type: ignore[type-arg]
    folder = write_stack(tmp_path / "stack").parent
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    for number, example in enumerate(RUN):
        exec(compile(example, f"example {number} of docs/api.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "['py', 'framework-base', 'app-hello']" in printed
    assert "lock:app-hello run never run" in printed or "lock:app-hello run missing output" in printed
    assert "there is no such file" in printed
    assert 'write Request(("lock",))' in printed
    assert re.search(r"^export:app-hello done \d", printed, re.MULTILINE)
    assert "cancelled; the next run does what is missing" in printed
    assert "🐸 1.0" in printed
    assert "py same None" in printed
    assert printed.rstrip().endswith("()"), "a deployment without differences"


def test_the_dodo(tmp_path: Path) -> None:
    (example,) = [example for example in EXAMPLES if example.startswith("# dodo.py")]
    write_stack(tmp_path)
    write_stack(tmp_path / "tools")
    (tmp_path / "dodo.py").write_text(example, "utf-8")
    listed = run("doit", "list", "--all", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert {"build:app-hello", "tools-lock", "tools-build:app-hello"} <= {
        line.split()[0] for line in listed.stdout.splitlines()
    }
