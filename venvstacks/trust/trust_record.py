"""The record of a deployment that follows signed publications: whom it trusts, and what it has seen last.

It is one file, so that it is replaced as a whole.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from venvstacks.errors import TrustError
from venvstacks.json_forms import FormError, digest, mapping, moment, moment_text, number, optional, parse, text, whole
from venvstacks.json_forms import record as record_form

RECORD_LIMIT = 64 << 20


@dataclass(frozen=True)
class TrustRecord:
    """What a deployment keeps between two verifications.

    Attributes:
        fingerprint: SHA-256 of the signed part of the root metadata that is pinned.
        pinned: That metadata.
        verified: When the last verification succeeded.
        valid_until: When the signatures that were verified then expire.
        roots: Later root metadata by version.
        timestamp: The last verified time stamp.
        snapshot: The last verified snapshot.
        targets: The last verified list of files.
        publisher: What the publisher calls itself in the root metadata; None without a name.
        root_version: Version of the newest root metadata.
        version: Version of the list of files.
        releases: The newest release that was installed of each application.
    """

    fingerprint: str
    pinned: str
    verified: datetime
    valid_until: datetime
    roots: dict[int, str] = field(default_factory=dict)
    timestamp: str = ""
    snapshot: str = ""
    targets: str = ""
    publisher: str | None = None
    root_version: int = 1
    version: int = 0
    releases: dict[str, str] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """The record as JSON data."""
        times = {"verified": moment_text(self.verified), "valid_until": moment_text(self.valid_until)}
        return {"format": 1, **asdict(self), **times}

    def text(self) -> str:
        """The record as it is written."""
        return json.dumps(self.data(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, data: bytes, place: str) -> TrustRecord:
        """The record in `data`.

        Raises:
            TrustError: It is damaged, or of another version.
        """
        try:
            return parse(data, _RECORD)
        except FormError as error:
            raise TrustError(
                f"{place} is damaged: {error}",
                hint="compare the publisher's root with one that you trust, and name it with --trust",
            ) from error

    @property
    def signer(self) -> str:
        """Who signs, for people."""
        return f"{self.publisher or 'a publisher without a name'} (root {self.root_version}, {self.fingerprint})"


_RECORD = record_form(
    TrustRecord,
    "versioned",
    fingerprint=digest,
    pinned=text,
    verified=moment,
    valid_until=moment,
    roots=mapping(text, number),
    timestamp=text,
    snapshot=text,
    targets=text,
    publisher=optional(text),
    root_version=whole(),
    version=whole(),
    releases=mapping(text),
)
