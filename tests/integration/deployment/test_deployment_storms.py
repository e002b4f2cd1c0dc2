"""A short storm of signals over a deployment; `benchmarks/deployment_storm.py` is the long one."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.deployment_storms import Storm
from tests.support.installed_applications import assert_clean
from tests.support.published_layers import application, publish, runtime

SIGNALS = int(os.environ.get("VENVSTACKS_TEST_SIGNALS", "4"))


def test_a_deployment_in_a_storm(tmp_path: Path) -> None:
    for text in ("1", "2"):
        publish(tmp_path / text, (runtime(text=text), application("frog", text=text), application("toad")))
    storm = Storm(tmp_path / "d", (tmp_path / "1", tmp_path / "2"), frozenset({"1 1", "2 2"}), seed=3)
    storm.rage(SIGNALS)
    assert storm.wrong == []
    assert_clean(tmp_path / "d")
