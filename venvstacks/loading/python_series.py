"""The exact Pythons of runtimes that name a series (`cpython@3.12`): from their locks, or else the newest there is."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from venvstacks.loading.configure import cache_folder
from venvstacks.loading.options import Options
from venvstacks.model.draft import Draft
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import PythonImplementation, identify_platform
from venvstacks.model.surroundings import ChosenPython


def choose_pythons(
    draft: Draft, base: Path, options: Options, environment: Mapping[str, str]
) -> dict[str, ChosenPython]:
    """The releases of all series in a specification, by layer.

    A release stays what the layer's lock says, so that everything that is locked for it stays valid, until
    `options.newest_pythons` asks for the newest.
    """
    chosen: dict[str, ChosenPython] = {}
    for name, series in draft.python_series.items():
        locked = None if options.newest_pythons else _locked(base / StackLayout().runtime_lock_metadata(name))
        if locked and locked.is_of(series):
            chosen[name] = ChosenPython(locked)
        else:
            chosen[name] = _newest(series, draft, base, options, environment)
    return chosen


def _locked(metadata: Path) -> PythonImplementation | None:
    """The exact Python of a runtime's lock; None if the lock holds none."""
    try:
        made_from = json.loads(metadata.read_bytes())["venvstacks"]
        return PythonImplementation.parse(made_from["version_inputs"].get("python") or made_from["inputs"]["python"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None  # locking says what is wrong with a damaged file


def _newest(
    series: PythonImplementation, draft: Draft, base: Path, options: Options, environment: Mapping[str, str]
) -> ChosenPython:
    from venvstacks.runtimes.provider_request import RuntimeTools, SeriesRequest  # noqa: PLC0415 - few need it
    from venvstacks.runtimes.providers import newest_release  # noqa: PLC0415
    from venvstacks.tools.process import Processes  # noqa: PLC0415

    machine = identify_platform(sys.platform, platform.machine())
    if machine is None:
        return ChosenPython(None, fault=f"no provider has a {series} for this machine's platform")
    providers = options.runtime_providers or draft.settings.runtime_providers
    offered = draft.settings.runtime_archives.items()
    archives = tuple(PythonImplementation.parse(python) for python, places in offered if machine.name in places)
    cache = cache_folder(base, options, draft.settings, environment)
    request = SeriesRequest(series, machine, archives)
    found = newest_release(providers, request, RuntimeTools(Processes(), environment, cache))
    if found is None:
        return ChosenPython(None, fault=f"none of the providers {', '.join(providers)} has a {series}")
    return ChosenPython(*found)
