"""The library `distributed` of Dask: whether it is installed, and how much it says."""

from __future__ import annotations

import logging
from importlib import metadata

from venvstacks.errors import UsageError

_LOGGERS = ("distributed", "distributed.client", "distributed.worker", "distributed.scheduler", "tornado", "asyncio")


def load_dask() -> str:
    """Import the library, which takes a second, and silence it: what users should know is reported here.

    Returns:
        Its version.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import distributed  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            f"distributed runs need a library that is not installed: {error.name or error}",
            hint="pip install 'venvstacks[dask]'",
        ) from error
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return metadata.version("distributed")
