"""What a report says about the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.machine import file_system

MOUNTS = "/dev/none / ext4 rw 0 0\nproc /proc proc rw 0 0\n/dev/b /data xfs rw 0 0\n/dev/c /data/fast btrfs rw 0 0\n"


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/data/x", "xfs"),
        ("/data/fast/y", "btrfs"),
        ("/database", "ext4 without a journal"),
        ("/", "ext4 without a journal"),
    ],
)
def test_the_innermost_mount_counts(folder: str, expected: str) -> None:
    assert file_system(Path(folder), MOUNTS) == expected


def test_a_system_without_a_list_of_mounts() -> None:
    assert file_system(Path("/data"), "") == ""
