from __future__ import annotations

import pytest
from packaging.markers import InvalidMarker, Marker

from venvstacks.model.markers import holds
from venvstacks.model.platforms import PLATFORMS, PythonImplementation

LINUX = PLATFORMS["linux_x86_64"].marker_environment(PythonImplementation.parse("cpython@3.11.7"))


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("sys_platform == 'linux'", True),
        ("sys_platform == 'win32' and python_version ~= '3.11'", False),
        ("python_version === '3.11'", True),
    ],
)
def test_markers_that_can_be_evaluated_hold_or_not(marker: str, *, expected: bool) -> None:
    assert holds(marker, LINUX) is holds(Marker(marker), LINUX) is expected


@pytest.mark.parametrize("marker", ["sys_platform === 'linux'", "os_name ~= 'posix'", "python_version ~= 'x'"])
def test_words_compared_as_versions_are_an_invalid_marker(marker: str) -> None:
    with pytest.raises(InvalidMarker, match=r"^the marker \(.*\) compares what are no versions as if they were"):
        holds(marker, LINUX)


@pytest.mark.parametrize("marker", ["sys_platform", "", "'a' =="])
def test_what_is_no_marker_is_an_invalid_marker(marker: str) -> None:
    with pytest.raises(InvalidMarker):
        holds(marker, LINUX)


def test_a_variable_without_a_value_is_an_invalid_marker() -> None:
    with pytest.raises(InvalidMarker, match="no value"):
        holds("extra == 'docs'", LINUX, "requirement")
