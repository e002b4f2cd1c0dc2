"""What this machine is, for those who have no project: a worker that waits for one."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from venvstacks.loading.configure import absolute_folder, cache_folder, tool_versions
from venvstacks.loading.options import Options
from venvstacks.loading.remote_cache import is_url
from venvstacks.model.platforms import TargetPlatform, identify_platform
from venvstacks.model.specification import ToolSettings


@dataclass(frozen=True)
class ThisMachine:
    """This machine.

    Attributes:
        platform: Its platform; None if layers cannot be built for it.
        tools: Versions of the tools that shape results.
        name: Its name in its network.
        environment: Environment variables, as a value.
        cache: The usual folder for downloads and prepared runtimes.
    """

    platform: TargetPlatform | None
    tools: Mapping[str, str]
    name: str
    environment: Mapping[str, str] = field(repr=False)
    cache: Path

    def absolute(self, place: str) -> str:
        """A folder that a user named, or a URL, as it is.

        Raises:
            UsageError: It is a URL that cannot be read.
        """
        return place if is_url(place) else str(absolute_folder(Path().absolute(), place))


def this_machine(cache: str | None = None) -> ThisMachine:
    """Look at this machine.

    Args:
        cache: The folder for downloads and prepared runtimes; None for the usual one.
    """
    environment = dict(os.environ)
    folder = cache_folder(Path().absolute(), Options(cache=cache), ToolSettings(), environment)
    target = identify_platform(sys.platform, platform.machine())
    return ThisMachine(target, tool_versions(), platform.node(), environment, folder)
