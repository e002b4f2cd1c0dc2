"""Layered Python environments: specified, locked, built, linked and published as a graph of tasks.

The names of `venvstacks.api` can be imported from here, too; they are the stable API. They are loaded when they are
first used, so that importing this package costs nothing. What concerns deployments is in `venvstacks.deployment`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` takes time; the command line has to be there for signals at once
if TYPE_CHECKING:
    from venvstacks.api import *  # noqa: F403 - all its names


def __getattr__(name: str) -> object:
    from importlib import import_module  # noqa: PLC0415 - as above

    if name.startswith("__") and name != "__all__":
        raise AttributeError(f"module 'venvstacks' has no attribute '{name}'")
    if name == "deployment":
        return import_module("venvstacks.deployment")
    api = import_module("venvstacks.api")
    if name != "__all__" and name not in api.__all__:
        raise AttributeError(f"module 'venvstacks' has no attribute '{name}'")
    found: object = getattr(api, name)
    return found


def __dir__() -> list[str]:
    from importlib import import_module  # noqa: PLC0415 - as above

    return sorted({*globals(), *import_module("venvstacks.api").__all__, "deployment"})
