"""What tests of the engine share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.tiny_graphs import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A chain of tasks whose source is there."""
    made = Bench(tmp_path)
    made.write(s="x")
    return made
