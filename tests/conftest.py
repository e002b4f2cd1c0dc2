"""What all tests share: signals, what each may leave behind, golden files.

Helpers that several test modules use are in tests/support.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from venvstacks.tools import survivors

_SLOW = [HealthCheck.too_slow]
settings.register_profile("untimed", deadline=None, suppress_health_check=_SLOW)  # a busy machine is not a failing test
settings.load_profile("untimed")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden instead of comparing")


def pytest_configure() -> None:
    """Let tests, and the children that they interrupt, know Ctrl-C: jobs in the background of a shell ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names of parameters that are bytes: their content may differ from process to process (gzip notes the time)."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def _hold_no_build_folder() -> Iterator[None]:
    """Fail a test that leaves a build folder held: every child of later tests would be handed its lock."""
    before = survivors.descriptors()
    yield
    assert survivors.descriptors() == before, "this test leaves a build folder held; release its lock"


@pytest.fixture
def check_golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """A function that compares text with a file of tests/golden, or writes that file with --update-golden."""

    def check(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        expected = file.read_text(encoding="utf-8") if file.exists() else ""
        assert text == expected, f"tests/golden/{name} differs; if that is meant: pytest --update-golden"

    return check
