from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.dry_installs import make_bare_environment, would_install
from tests.support.locked_layers import framework, request_for, runtime, tools_for
from venvstacks.actions.locking.lock import lock_layer
from venvstacks.actions.locking.lock_request import LockPaths
from venvstacks.model.platforms import PLATFORMS

pytestmark = pytest.mark.network
UV = {"exclude-newer": "2024-06-01"}
CERTIFICATES = {name: value for name, value in os.environ.items() if name.startswith("SSL_")}


def test_six_targets_lock_from_pypi_as_of_a_day_and_again_alike_offline(tmp_path: Path) -> None:
    targets = tuple(PLATFORMS)[:1] + tuple(PLATFORMS)[2:]  # numpy had no wheels for Windows on ARM on that day
    base = runtime("base", ["numpy<2"], targets=targets)
    upper = framework("upper", ["tqdm", "scipy"], base)
    tools = tools_for(tmp_path, **CERTIFICATES)
    lock_layer(request_for(base, tmp_path, uv=UV), tools)
    lock = lock_layer(request_for(upper, tmp_path, uv=UV), tools)
    assert {p.version for p in lock.after.packages if p.name == "tqdm"} == {"4.66.4"}
    assert {p.provider for p in lock.after.packages if p.name == "numpy"} == {"base"}
    assert {p.name for p in lock.after.installed("win_amd64")} == {"colorama", "scipy", "tqdm"}
    assert lock.metadata.locked_at == "2024-06-02T00:00:00+00:00"
    offline = replace(tools, environment={**tools.environment, "UV_OFFLINE": "1"})
    again = lock_layer(request_for(upper, tmp_path, uv=UV, ignore_pins=True), offline)
    assert not again.changed


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the lock is for Python 3.11")
def test_uv_takes_a_lock_of_six_targets_on_each_of_them(tmp_path: Path) -> None:
    """Packages whose wheels differ from platform to platform, and one that only Windows needs."""
    layer = runtime("base", ["numpy", "tqdm", "markupsafe"], targets=tuple(PLATFORMS))
    tools = tools_for(tmp_path, **CERTIFICATES)
    request = request_for(layer, tmp_path)
    lock = lock_layer(request, tools).after
    python = make_bare_environment(tmp_path / "env")
    for target in PLATFORMS:
        expected = {package.name: package.version for package in lock.installed(target)}
        found = would_install(layer, LockPaths.of(request, layer).lock, target, python, tools.environment)
        assert found == expected, target
        assert ("colorama" in expected) is target.startswith("win")
