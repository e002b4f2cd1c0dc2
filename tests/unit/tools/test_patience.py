"""Operations on files that Windows refuses while another program has them open."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.windows_errors import error_in_use
from venvstacks.tools import patience
from venvstacks.tools.files import write_atomically
from venvstacks.tools.patience import PAUSES, patiently


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited; nothing waits for them."""
    pauses: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", pauses.append)
    return pauses


@pytest.mark.parametrize("code", [5, 32, 33, None])
def test_what_is_in_use_for_a_moment_is_waited_for(code: int | None, waited: list[float]) -> None:
    answers = [error_in_use(code), error_in_use(code), None]

    def operation() -> None:
        if (answer := answers.pop(0)) is not None:
            raise answer

    patiently(operation)
    assert answers == []
    assert waited == [*PAUSES[:2]]


def test_what_stays_in_use_is_named(waited: list[float]) -> None:
    def operation() -> None:
        raise error_in_use(32)

    with pytest.raises(PermissionError, match=r"frog\.dll"):
        patiently(operation)
    assert waited == [*PAUSES]


@pytest.mark.parametrize("error", [PermissionError(1, "not permitted", "/pond"), error_in_use(3)])
def test_other_failures_are_final(error: OSError, waited: list[float]) -> None:
    def operation() -> None:
        raise error

    with pytest.raises(OSError, match=r".") as caught:
        patiently(operation)
    assert caught.value is error
    assert waited == []


def test_files_are_replaced_patiently(tmp_path: Path, waited: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "file"
    place.write_text("old")
    refusals = [error_in_use(5, str(place))]
    replace = Path.replace

    def refused_once(self: Path, target: Path) -> Path:
        if refusals:
            raise refusals.pop()
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refused_once)
    write_atomically(place, "new")
    assert place.read_text() == "new"
    assert len(waited) == 1
