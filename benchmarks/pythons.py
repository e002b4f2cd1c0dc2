"""The Pythons that both contestants make their runtime layers of: CPythons of this machine, made relocatable."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.contestants import kept_folder
from benchmarks.measure import UnavailableError
from venvstacks.errors import VenvstacksError
from venvstacks.model.platforms import PythonImplementation, identify_platform
from venvstacks.runtimes.provider_request import RuntimeRequest, RuntimeTools
from venvstacks.runtimes.providers import prepare_runtime
from venvstacks.tools.process import Processes

PROVIDER = "host"
"""Named in every benchmark's specification; works without any download."""


def prepare_pythons(implementations: Iterable[str], cache: Path, processes: Processes) -> dict[str, Path]:
    """For each of `implementations` (`cpython@3.11.7`), the folder of a tree; made once, kept in `cache`.

    Raises:
        UnavailableError: This machine has no such Python, or cannot relocate it.
    """
    target = identify_platform(sys.platform, platform.machine())
    if target is None:
        raise UnavailableError("this machine is none of the platforms that layers can be built for")
    kit = RuntimeTools(processes, dict(os.environ), kept_folder(cache))
    try:
        return {
            text: prepare_runtime((PROVIDER,), RuntimeRequest(PythonImplementation.parse(text), target), kit).tree
            for text in implementations
        }
    except VenvstacksError as error:
        raise UnavailableError(str(error)) from error
