from __future__ import annotations

import stat

import pytest

from venvstacks.modes import file_mode, is_executable, settled_mode


@pytest.mark.parametrize(
    ("mode", "settled"),
    [(0o600, 0o644), (0o666, 0o644), (0o677, 0o644), (0o700, 0o755), (0o744, 0o755), (0o4711, 0o755)],
)
def test_the_owners_execute_bit_decides(mode: int, settled: int) -> None:
    assert settled_mode(stat.S_IFREG | mode) == settled
    assert file_mode(executable=is_executable(mode)) == settled
