"""What this machine is: its target platform, and the version of its glibc."""

from __future__ import annotations

import os
import platform
import sys

from venvstacks.errors import UsageError
from venvstacks.model.platforms import TargetPlatform, identify_platform, named_platform


def this_platform() -> TargetPlatform:
    """The target platform of this machine.

    Raises:
        UsageError: Layers cannot be published for it.
    """
    found = identify_platform(sys.platform, platform.machine())
    if found is None:
        raise UsageError("layers cannot be published for this machine's platform")
    return found


def chosen_platform(name: str | None) -> TargetPlatform:
    """The target platform of a name; without one, that of this machine.

    Raises:
        UsageError: There is none of this name, or layers cannot be published for this machine.
    """
    return this_platform() if name is None else named_platform(name)


def this_glibc() -> str:
    """The version of this machine's glibc, `X.Y`; empty where there is none."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, OSError, ValueError):  # other systems, and other C libraries
        return ""
    numbers = version.split(".")[:2]
    return ".".join(numbers) if name == "glibc" and all(one.isdecimal() for one in numbers) else ""
