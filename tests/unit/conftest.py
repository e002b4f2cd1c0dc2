"""Unit tests start no process: one that does is no unit test, or the room that it tests is not pure."""

from __future__ import annotations

import os
import subprocess
from typing import NoReturn

import pytest

_WAYS_TO_START = ("execv", "execve", "fork", "forkpty", "posix_spawn", "posix_spawnp", "spawnv", "spawnve", "system")


@pytest.fixture(autouse=True)
def _no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        raise AssertionError("a unit test started a process")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr(subprocess.Popen, "__del__", lambda _: None)
    for name in _WAYS_TO_START:
        monkeypatch.setattr(os, name, refuse, raising=False)
