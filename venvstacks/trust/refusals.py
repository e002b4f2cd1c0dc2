"""Refusals: what was wrong with signed metadata, in one sentence, from the errors of the library."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from venvstacks.errors import TransferError, TrustError

_UNTOUCHED = "nothing was changed, and what is installed can be used as before"
_ASK = f"ask the publisher; {_UNTOUCHED}"


@contextlib.contextmanager
def refusing(source: str) -> Iterator[None]:
    """Raise every failure of the library in the block as a `TrustError`.

    Args:
        source: Folder or URL, for the message.
    """
    from securesystemslib.exceptions import Error as LibraryError  # noqa: PLC0415 - only for signed publications
    from tuf.api import exceptions as tuf  # noqa: PLC0415
    from tuf.api.serialization import DeserializationError  # noqa: PLC0415

    try:
        yield
    except DeserializationError as error:
        raise _refusal(source, "has damaged signed metadata", "damaged", error) from error
    except tuf.ExpiredMetadataError as error:
        hint = (
            f"the publisher has to sign again (`venvstacks sign`): old files may be offered as new ones; {_UNTOUCHED}"
        )
        raise _refusal(source, "is signed, but the signatures have expired", "expired", error, hint) from error
    except tuf.BadVersionNumberError as error:
        what = "offers older signed metadata than this deployment has seen (a rollback)"
        hint = f"ask the publisher: `venvstacks sign --number` has to rise with each new folder; {_UNTOUCHED}"
        raise _refusal(source, what, "rollback", error, hint) from error
    except tuf.LengthOrHashMismatchError as error:
        what = "mixes metadata of different publications"
        raise _refusal(
            source, what, "mixed", error, f"try again later: it may be being copied; {_UNTOUCHED}"
        ) from error
    except tuf.UnsignedMetadataError as error:
        raise _refusal(source, "is not signed by the keys that are trusted here", "strangers", error) from error
    except tuf.DownloadLengthMismatchError as error:
        raise _refusal(source, "sends more metadata than can be valid", "endless", error) from error
    except tuf.DownloadHTTPError as error:
        forbidden = error.status_code in {401, 403}  # S3 answers so for missing files as well
        hint = f"check the URL, and the login or token for it; or else {_ASK}" if forbidden else _ASK
        raise _refusal(
            source, "lacks signed metadata, which this deployment requires", "unsigned", error, hint
        ) from error
    except (tuf.RepositoryError, tuf.DownloadError, LibraryError) as error:
        raise _refusal(source, "has signed metadata that is not valid", "damaged", error) from error


def _refusal(source: str, what: str, kind: str, error: Exception, hint: str = _ASK) -> TrustError:
    return TrustError(f"{source} {what}", kind=kind, details=(str(error)[:500],), hint=hint)


def too_large(error: TransferError) -> bool:
    """Whether a transfer failed because more bytes were announced or came than may."""
    return error.kind == "other file"
