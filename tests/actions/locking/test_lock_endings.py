"""How locking ends where uv never answers: it is interrupted, missing, or its result cannot be written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.locked_layers import request_for, runtime, tools_for
from venvstacks.actions.locking.conflicts import name_layers
from venvstacks.actions.locking.lock import lock_layer
from venvstacks.actions.locking.lock_request import LockPaths
from venvstacks.errors import InterruptedRunError, LockError

EMPTY, WANTING = runtime("base"), runtime("base", ["alpha"])


def texts(base: Path) -> dict[str, bytes]:
    folder = LockPaths.of(request_for(EMPTY, base), EMPTY).lock.parent
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_interrupted_lock_leaves_earlier_files_untouched(tmp_path: Path) -> None:
    tools = tools_for(tmp_path)
    lock_layer(request_for(EMPTY, tmp_path), tools)
    before = texts(tmp_path)
    tools.processes.stop()
    with pytest.raises(InterruptedRunError):
        lock_layer(request_for(WANTING, tmp_path), tools)
    assert texts(tmp_path) == before


def test_a_missing_uv_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    with pytest.raises(LockError, match="uv was not found") as caught:
        lock_layer(request_for(WANTING, tmp_path), tools_for(tmp_path))
    assert "pip install uv" in (caught.value.hint or "")


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "requirements").write_text("a file where a folder should be")
    with pytest.raises(LockError, match="cannot be"):
        lock_layer(request_for(EMPTY, tmp_path), tools_for(tmp_path))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("all versions of layer-base depend on a==1", "layer 'base' depends on a==1"),
        ("layer-base==0 depends on a", "layer 'base' depends on a"),
        ("my-layer-base and layer-base-more stay", "my-layer-base and layer 'base.more' stay"),
    ],
)
def test_layers_are_called_what_they_are(line: str, expected: str) -> None:
    assert name_layers(line, {"layer-base": "base", "layer-base-more": "base.more"}) == expected
