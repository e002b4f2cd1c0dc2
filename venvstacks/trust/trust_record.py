"""The record of a deployment that follows signed publications: whom it trusts, and what it has seen last.

It is one file, so that it is replaced as a whole.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from venvstacks.data_faults import first_fault
from venvstacks.errors import TrustError

RECORD_LIMIT = 64 << 20


class TrustRecord(BaseModel):
    """What a deployment keeps between two verifications.

    Attributes:
        fingerprint: SHA-256 of the signed part of the root metadata that is pinned.
        pinned: That metadata.
        roots: Later root metadata by version.
        timestamp: The last verified time stamp.
        snapshot: The last verified snapshot.
        targets: The last verified list of files.
        publisher: What the publisher calls itself in the root metadata; None without a name.
        root_version: Version of the newest root metadata.
        version: Version of the list of files.
        verified: When the last verification succeeded.
        valid_until: When the signatures that were verified then expire.
        releases: The newest release that was installed of each application.
    """

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    format: Literal[1] = 1
    fingerprint: str = Field(pattern="^[0-9a-f]{64}$")
    pinned: str
    roots: dict[int, str] = Field(default_factory=dict)
    timestamp: str = ""
    snapshot: str = ""
    targets: str = ""
    publisher: str | None = None
    root_version: int = 1
    version: int = 0
    verified: AwareDatetime
    valid_until: AwareDatetime
    releases: dict[str, str] = Field(default_factory=dict)

    def text(self) -> str:
        """The record as it is written."""
        return json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, data: bytes, place: str) -> Self:
        """The record in `data`.

        Raises:
            TrustError: It is damaged, or of another version.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise TrustError(
                f"{place} is damaged: {first_fault(error)}",
                hint="compare the publisher's root with one that you trust, and name it with --trust",
            ) from error

    @property
    def signer(self) -> str:
        """Who signs, for people."""
        return f"{self.publisher or 'a publisher without a name'} (root {self.root_version}, {self.fingerprint})"

    def is_current(self, now: datetime) -> bool:
        """Whether the verified signatures are still valid."""
        return now < self.valid_until
