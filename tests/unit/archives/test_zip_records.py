from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest

from venvstacks.archives.members import Member
from venvstacks.archives.zip_writer import ZipEntry, central_record, end_records, local_header, zip_time

FOUR_GIB = 1 << 32


def seconds(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (0, seconds(1980, 1, 1)),
        (seconds(1980, 1, 1), seconds(1980, 1, 1)),
        (seconds(2024, 5, 6, 7, 8, 10), seconds(2024, 5, 6, 7, 8, 10)),
        (seconds(2024, 5, 6, 7, 8, 11), seconds(2024, 5, 6, 7, 8, 10)),
        (seconds(2107, 12, 31, 23, 59, 59), seconds(2107, 12, 31, 23, 59, 58)),
        (seconds(2200, 1, 1), seconds(2107, 12, 31, 23, 59, 58)),
    ],
)
def test_times_are_what_a_zip_archive_can_say(epoch: int, expected: int) -> None:
    assert zip_time(epoch) == expected


def test_numbers_that_fit_stay_in_the_plain_fields() -> None:
    record = central_record(ZipEntry(Member("t/f", "f", size=9), 0, FOUR_GIB - 2, crc=5, packed=7, size=9))
    assert record[16:28] == struct.pack("<III", 5, 7, 9)
    assert record[42:46] == struct.pack("<I", FOUR_GIB - 2)
    assert record[46:] == b"t/f"
    assert record[4] == 20


def test_a_far_offset_goes_to_the_zip64_field() -> None:
    record = central_record(ZipEntry(Member("t/f", "f", size=9), 0, FOUR_GIB + 3, crc=5, packed=7, size=9))
    assert record[42:46] == b"\xff" * 4
    assert record[46:] == b"t/f" + struct.pack("<HHQ", 1, 8, FOUR_GIB + 3)
    assert record[4] == 45


def test_a_large_file_announces_eight_byte_sizes() -> None:
    entry = ZipEntry(Member("t/f", "f", size=FOUR_GIB), 0, 0)
    header = local_header(entry)
    assert header[18:26] == b"\xff" * 8
    assert header[30:] == b"t/f" + struct.pack("<HHQQ", 1, 16, 0, 0)
    assert header[4] == 45


def test_the_end_of_a_small_archive_is_plain() -> None:
    assert end_records(2, 1000, 90) == struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 2, 2, 90, 1000, 0)


@pytest.mark.parametrize(("count", "start", "size"), [(65535, 0, 0), (1, FOUR_GIB, 90), (1, 10, FOUR_GIB)])
def test_the_end_of_a_large_archive_has_zip64_records(count: int, start: int, size: int) -> None:
    end = end_records(count, start, size)
    assert end[:4] == b"PK\x06\x06"
    assert struct.unpack("<QQQQ", end[24:56]) == (count, count, size, start)
    assert end[56:76] == struct.pack("<4sIQI", b"PK\x06\x07", 0, start + size, 1)
    assert end[76:80] == b"PK\x05\x06"
