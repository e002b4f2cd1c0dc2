from __future__ import annotations

import pytest

from tests.support.locked_layers import PYTHON
from venvstacks.locking.patch_releases import differs_between_patches
from venvstacks.model.platforms import PLATFORMS

LINUX = [PLATFORMS["linux_x86_64"]]


@pytest.mark.parametrize(
    ("line", "differs"),
    [
        ("frog==1.0", False),
        ("frog==1.0 ; sys_platform == 'win32'", False),
        ("frog==1.0 ; python_full_version >= '3.12'", False),
        ("frog==1.0 ; python_full_version < '3.11.3'", True),
        ("frog==1.0 ; python_full_version < '3.11.3' and sys_platform == 'win32'", False),
        ("frog==1.0 ; python_full_version <= '3.11.0'", True),
        ("frog==1.0 ; python_full_version == '3.11.42'", True),
        ("frog==1.0 ; implementation_version >= '3.11.5'", True),
        ("frog==1.0 ; python_full_version < '3.110.3'", False),
        ("frog == ; python_full_version", True),
    ],
)
def test_what_a_line_says_about_maintenance_releases(line: str, *, differs: bool) -> None:
    assert differs_between_patches(f"newt==2.0\n{line}\n", PYTHON, LINUX) is differs
