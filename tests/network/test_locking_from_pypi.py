from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.locked_layers import framework, request_for, runtime, tools_for
from venvstacks.actions.lock import lock_layer
from venvstacks.model.platforms import PLATFORMS

pytestmark = pytest.mark.network
UV = {"exclude-newer": "2024-06-01"}


def test_six_targets_lock_from_pypi_as_of_a_day_and_again_alike_offline(tmp_path: Path) -> None:
    targets = tuple(PLATFORMS)[:1] + tuple(PLATFORMS)[2:]  # numpy had no wheels for Windows on ARM on that day
    base = runtime("base", ["numpy<2"], targets=targets)
    upper = framework("upper", ["tqdm", "scipy"], base)
    tools = tools_for(tmp_path, **{name: value for name, value in os.environ.items() if name.startswith("SSL_")})
    lock_layer(request_for(base, tmp_path, uv=UV), tools)
    lock = lock_layer(request_for(upper, tmp_path, uv=UV), tools)
    assert {p.version for p in lock.after.packages if p.name == "tqdm"} == {"4.66.4"}
    assert {p.provider for p in lock.after.packages if p.name == "numpy"} == {"base"}
    assert {p.name for p in lock.after.installed("win_amd64")} == {"colorama", "scipy", "tqdm"}
    assert lock.metadata.locked_at == "2024-06-02T00:00:00+00:00"
    offline = replace(tools, environment={**tools.environment, "UV_OFFLINE": "1"})
    again = lock_layer(request_for(upper, tmp_path, uv=UV, ignore_pins=True), offline)
    assert not again.changed
