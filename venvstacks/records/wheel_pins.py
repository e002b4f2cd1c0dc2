"""Pins of own wheels: `requirements/wheels/<name>.json`, committed like locks.

A pin says what a wheel was built from (the commit of a repository, the digest of files), which versions the build used,
and what came of it. The same pin leads to the same wheel on other machines, as far as its build is reproducible.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from venvstacks.data_faults import first_fault
from venvstacks.errors import LockError

_DIGEST = r"^sha256:[0-9a-f]{64}$"


class WheelPin(BaseModel):
    """What one own wheel was built from, and what it is.

    Attributes:
        name: Normalised name of the distribution.
        version: Its version.
        source: The source as the specification names it, without credentials.
        python: The Python that built it, `cpython@X.Y.Z`.
        commit: The commit of a git repository; None for other sources.
        digest: Digest of the source's files, or of its archive; None for repositories.
        build_requirements: What the build installed, exact versions.
        build_hashes: Digests of the wheels of these versions; None in pins of earlier releases.
        inner_sources: Names of packages that the project takes from sources of its own, with these sources.
        file: Name of the wheel.
        wheel: Digest of the wheel.
        metadata: Digest of what resolving reads of it: its file name, requirements.
        platform: The platform that it was built on and is for; None for all platforms.
        reproducible: Whether building it twice, in two folders, gave the same bytes.
    """

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    name: str
    version: str
    source: dict[str, str]
    python: str
    commit: str | None = Field(None, pattern="^[0-9a-f]{40,64}$")
    digest: str | None = Field(None, pattern=_DIGEST)
    build_requirements: tuple[str, ...] = ()
    build_hashes: dict[str, tuple[str, ...]] | None = None
    inner_sources: dict[str, str] = Field(default_factory=dict)
    file: str = Field(pattern=r"^[^/\\]+\.whl$")
    wheel: str = Field(pattern=_DIGEST)
    metadata: str = Field(pattern=_DIGEST)
    platform: str | None = None
    reproducible: bool = True

    @property
    def identity(self) -> str:
        """The commit or digest of the source."""
        return self.commit or self.digest or ""

    def text(self) -> str:
        """The file's exact text."""
        return json.dumps(self.model_dump(exclude_none=True), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_pin(place: Path) -> WheelPin | None:
    """The pin in a file; None if there is no such file.

    Raises:
        LockError: It is damaged.
        OSError: It cannot be read.
    """
    try:
        return WheelPin.model_validate_json(place.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise LockError(
            f"{place} is damaged: {first_fault(error)}", hint="restore it from version control, or remove it"
        ) from None
