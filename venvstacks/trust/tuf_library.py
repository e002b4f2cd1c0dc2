"""The library of The Update Framework: whether it is installed, and its version of the errors that it raises."""

from __future__ import annotations

from venvstacks.errors import UsageError


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
