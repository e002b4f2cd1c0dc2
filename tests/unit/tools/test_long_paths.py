"""Windows' limit for the length of paths."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.support.windows_errors import error_in_use
from venvstacks.tools.long_paths import bears_long_paths, exceeds_limit, is_too_long
from venvstacks.tools.write_hints import WriteHints, special_hint

HINTS = WriteHints("full", "refused", "in the way", "otherwise")


def windows_error(code: int, path: str) -> OSError:
    error = FileNotFoundError(errno.ENOENT, "the system cannot find the path specified", path)
    error.winerror = code  # type: ignore[attr-defined,unused-ignore]
    return error


@pytest.mark.parametrize(
    ("path", "too_long"),
    [
        (f"/{'x' * 250}", False),
        (f"/{'x' * 258}", False),
        (f"/{'x' * 259}", True),
        (f"/{'x' * 246}/y", False),
        (f"/{'x' * 247}/y", True),
    ],
)
def test_the_limit(path: str, *, too_long: bool) -> None:
    assert exceeds_limit(path) is too_long


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (windows_error(3, "C:\\" + "pond\\" * 60), "shorter path"),
        (windows_error(206, "C:\\" + "pond\\" * 60), "shorter path"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "x" * 300), "shorter path"),
        (windows_error(3, "C:\\pond"), "otherwise"),
        (windows_error(32, "C:\\pond"), "close that program"),
        (error_in_use(None), "(or you may not change it): close that program"),
        (windows_error(5, "C:\\pond"), "(or you may not change it): close that program"),
        (windows_error(50, "E:\\pond"), "junctions"),
        (OSError(errno.ENOSPC, "No space left on device", "x" * 300), "full"),
    ],
)
def test_hints_for_paths_that_are_too_long_or_in_use(error: OSError, hint: str) -> None:
    assert hint in HINTS.for_error(error)
    assert (special_hint(error) is None) == (hint in {"otherwise", "full"})


def test_whether_the_system_bears_long_paths_is_found_out_by_trying(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bears_long_paths(tmp_path) is True
    mkdir = Path.mkdir

    def limited(self: Path) -> None:
        if len(str(self)) > 247:
            raise windows_error(206, str(self))
        mkdir(self)

    monkeypatch.setattr(Path, "mkdir", limited)
    assert bears_long_paths(tmp_path) is False
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_is_not_writable_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        bears_long_paths(tmp_path / "missing")
    assert not is_too_long(caught.value)
