"""The library `distributed` of Dask: whether it is installed, and how much it says."""

from __future__ import annotations

import logging
from importlib import metadata

from venvstacks.errors import UsageError

_DEFAULTS = {
    "distributed": {
        "worker": {"profile": {"enabled": False}},
        "admin": {"tick": {"interval": "1s"}, "system-monitor": {"interval": "5s"}},
    }
}
"""Dask looks at the stack of what it runs a hundred times a second, and at its event loop fifty times a second, for its
dashboard: with an idle worker that takes 3 % of a processor, and more with a busy one. Whoever wants that configures
it."""

_LOGGERS = ("distributed", "distributed.client", "distributed.worker", "distributed.scheduler", "tornado", "asyncio")


def load_dask() -> str:
    """Import the library, which takes a second, and silence it: what users should know is reported here.

    Returns:
        Its version.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import dask  # noqa: PLC0415 - an extra
        import distributed  # noqa: F401, PLC0415
    except ImportError as error:
        raise UsageError(
            f"distributed runs need a library that is not installed: {error.name or error}",
            hint="pip install 'venvstacks[dask]'",
        ) from error
    dask.config.update_defaults(_DEFAULTS)
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return metadata.version("distributed")
