"""uv as a builder of wheels: its command line, and what is read of its log."""

from __future__ import annotations

from pathlib import Path

import pytest

from venvstacks.tools.process import Completed
from venvstacks.tools.uv_build import WheelBuild, build_requirements, explanation, lacked_network

LOG = """\
Building wheel...
DEBUG Installing `b==1`, `a==2` in `/cache/builds-v0/.tmp`
DEBUG Installing build requirements: b==1, a==2
DEBUG Installing build requirement: ninja==1.13
error: it broke
"""


def ended(stderr: str, status: int = 0) -> Completed:
    return Completed(("uv",), status, "", stderr, 0.1)


@pytest.mark.parametrize(("log", "found"), [(LOG, ("a==2", "b==1", "ninja==1.13")), ("Building wheel...\n", ())])
def test_what_a_build_installed(log: str, found: tuple[str, ...]) -> None:
    assert build_requirements(ended(log)) == found


def test_failures() -> None:
    assert explanation(ended(LOG, 1)) == ("error: it broke",)
    assert lacked_network(ended("hint: Packages were unavailable because the network was disabled.", 1))
    assert not lacked_network(ended(LOG, 1))


def test_only_the_named_project_is_built() -> None:
    place = Path("/x").absolute()
    call = WheelBuild(place, place, place, place, None, 0, "13.0", (place,), use_index=False, offline=True)
    words = [str(word) for word in call.argv(Path("uv"))]
    assert words[:3] == ["uv", "build", str(place)]
    assert {"--no-build", "--no-index", "--offline", "--find-links"} <= set(words)
    assert "--build-constraints" not in words
