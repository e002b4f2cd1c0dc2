"""Names of releases of a stack (PEP 440): checked, compared, and derived where a publication was given none."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime


def checked_release(text: str) -> str:
    """A release in the form in which releases are recorded, e.g. `2.4.1` for `v2.4.1`.

    Raises:
        ValueError: It is no version, or has a local part, which has no order among releases.
    """
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - 15 ms that most runs do not need

    try:
        version = Version(text)
    except InvalidVersion:
        raise ValueError(f"'{text}' is no version as PEP 440 defines them, such as 2.4.1 or 2026.11rc1") from None
    if version.local:
        raise ValueError(f"'{text}' has a local part (+{version.local}), and releases may not have one")
    return str(version)


def derived_release(lock_times: Iterable[str]) -> str | None:
    """The release of a publication that was given none: the latest time of a lock; None where no time can be read.

    It is a development release of 0, so that every release that somebody chooses later is newer.
    """
    times = [moment for text in lock_times if (moment := _moment(text)) is not None]
    return f"0.dev{max(times):%Y%m%d%H%M%S}" if times else None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
