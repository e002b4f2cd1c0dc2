"""Releases of applications: which is older, and how a step is shown."""

from __future__ import annotations

import pytest

from venvstacks.deployment.release_steps import ReleaseStep, release_lines, release_steps


@pytest.mark.parametrize(
    ("installed", "offered", "older"),
    [
        ("2.4.0", "2.4.1", False),
        ("2.4.1", "2.4.1", False),
        ("2.4", "2.4.0", False),
        ("2.10", "2.9", True),
        ("2.4.1", "2.4.1rc1", True),
        ("2.4.1", None, True),
        (None, None, False),
        (None, "1", False),
        ("0.dev20261128120000", "0.0.1", False),
        ("0.dev20261128120000", "0.dev20261127120000", True),
        ("1!1.0", "2.0", True),
    ],
)
def test_what_is_older(installed: str | None, offered: str | None, older: bool) -> None:  # noqa: FBT001
    assert ReleaseStep("frog", installed, offered).is_older is older


def test_a_line_for_each_step_with_its_applications() -> None:
    steps = release_steps(["frog", "newt", "toad", "eft"], {"frog": "2.4.0", "newt": "2.4.0", "toad": "2.4.1"}, "2.4.1")
    assert list(release_lines(steps)) == ["release 2.4.0 -> 2.4.1 (frog, newt)", "release 2.4.1 (toad, eft)"]
    assert list(release_lines(release_steps(["frog"], {}, None))) == []
    assert list(release_lines(release_steps(["frog"], {"frog": "1"}, None))) == ["release 1 -> no release (frog)"]
