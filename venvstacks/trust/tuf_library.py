"""The library of The Update Framework: whether it is installed, and its client without its own downloads."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from venvstacks.errors import UsageError

_DOWNLOADS = "tuf.ngclient.urllib3_fetcher"


def require_tuf() -> None:
    """Check that the optional dependencies are installed.

    Raises:
        UsageError: They are not.
    """
    try:
        import securesystemslib.signer  # noqa: F401, PLC0415
        import tuf.api.metadata  # noqa: F401, PLC0415 - only for signed publications
    except ImportError as error:
        raise UsageError(
            f"signed publications need packages that are not installed ({error.name or error})",
            hint="pip install 'venvstacks[sign]'",
        ) from error


def load_tuf_client() -> None:
    """Import `tuf.ngclient` without the library's own downloads, in place of which there is our own transfer.

    They need urllib3, which takes as long to load as much else of a check for updates, and which single files do not
    carry. They are loaded when another part of this process makes one.
    """
    if _DOWNLOADS in sys.modules or "tuf.ngclient" in sys.modules:
        return
    stand_in = ModuleType(_DOWNLOADS)
    stand_in.Urllib3Fetcher = _Downloads  # type: ignore[attr-defined]
    sys.modules[_DOWNLOADS] = stand_in
    try:
        import tuf.ngclient  # noqa: F401, PLC0415 - slow to load, and only for signed publications
    finally:
        del sys.modules[_DOWNLOADS]


class _Downloads:
    """The library's downloads, loaded when they are made."""

    def __new__(cls, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - as the library's own class
        from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher  # noqa: PLC0415

        return Urllib3Fetcher(*arguments, **more)


_Downloads.__name__ = "Urllib3Fetcher"  # the library exports it by its name
