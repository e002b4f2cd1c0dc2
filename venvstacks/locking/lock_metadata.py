"""Lock metadata: what a lock was made from, and when; the form of `pylock.<env>.meta.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from venvstacks.data_faults import first_fault
from venvstacks.digests import prefixed, sha256_bytes, sha256_json

_HASH = r"^sha256:[0-9a-f]{64}$"


class _Model(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)


class LockedWheel(_Model):
    """A wheel that is built from source.

    Attributes:
        metadata: Digest of what resolving reads of it.
        wheel: Digest of the wheel; None where a lower layer holds it.
    """

    metadata: str = Field(pattern=_HASH)
    wheel: str | None = Field(None, pattern=_HASH)


class AdaptedVersion(_Model):
    """A version that a layer was locked with because a layer above needs it.

    Attributes:
        package: Normalised name of the package.
        version: The version.
        instead: The version that the layer would have got otherwise.
        target: Name of the target platform.
        needed_by: Environment name of the layer above.
    """

    package: str
    version: str
    instead: str
    target: str
    needed_by: str


class LockedFrom(_Model):
    """The inputs of a lock themselves, not only their hashes, so that a stale lock's old and new values can be shown.

    Attributes:
        inputs: `lock_inputs.lock_inputs`; `python` is `cpython@X.Y` if the lock is for all maintenance releases.
        below: Environment names of the lower layers to the hashes of their locks.
        local_wheels: Paths of local wheels, relative to the specification's folder, to their hashes.
        wheels: Wheels that are built from source, of this layer and of those below, by label; None if there are none.
        version_inputs: `lock_inputs.version_inputs`.
        adapted: Versions that the layer was locked with because layers above need them; a later lock tries without.
    """

    inputs: dict[str, Any]
    below: dict[str, str] = Field(default_factory=dict)
    local_wheels: dict[str, str] = Field(default_factory=dict)
    wheels: dict[str, LockedWheel] | None = None
    version_inputs: dict[str, Any]
    adapted: tuple[AdaptedVersion, ...] | None = None

    @property
    def hashes(self) -> dict[str, str]:
        """The three hashes of inputs, by their keys in the metadata."""
        declared, gathered = self.inputs.get("requirements"), self.inputs.get("requirements-from")
        others = {key: value for key, value in self.inputs.items() if key not in {"requirements", "requirements-from"}}
        wheels = {label: wheel.model_dump() for label, wheel in (self.wheels or {}).items()}
        files = [others, self.below, self.local_wheels, *([wheels] if wheels else [])]
        return {
            "lock_input_hash": prefixed(sha256_json([declared, gathered] if gathered else declared)),
            "other_inputs_hash": prefixed(sha256_json(files)),
            "version_inputs_hash": prefixed(sha256_json(self.version_inputs)),
        }


class LockMetadata(_Model):
    """`pylock.<env>.meta.json`; the first six keys are those of venvstacks 0.8.

    Attributes:
        requirements_hash: Hash of the lock file's text.
        lock_input_hash: Hash of the declared requirements.
        other_inputs_hash: Hash of everything else that the resolution depends on.
        version_inputs_hash: Hash of the inputs that, in addition to the lock's content, give the layer a new version.
        lock_version: Counts up from 1 for versioned layers.
        locked_at: When the lock's content last changed (ISO 8601, UTC).
        venvstacks: The inputs themselves; None in files of the original, which `original_locks` judges.
    """

    requirements_hash: str = Field(pattern=_HASH)
    lock_input_hash: str = Field(pattern=_HASH)
    other_inputs_hash: str = Field(pattern=_HASH)
    version_inputs_hash: str = Field(pattern=_HASH)
    lock_version: int = Field(ge=1)
    locked_at: str
    venvstacks: LockedFrom | None = None

    def to_text(self) -> str:
        """The file's exact text."""
        return json.dumps(self.model_dump(exclude_none=True), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class WantedLock:
    """What a lock would be made from now.

    Attributes:
        inputs: As in `LockedFrom`.
        below: As in `LockedFrom`; None for a lower lock that does not exist.
        local_wheels: As in `LockedFrom`; None for a recorded wheel that does not exist any more.
        version_inputs: As in `LockedFrom`.
        wheels: As in `LockedFrom`; None for a wheel that is not built yet.
        lower_changes: Environment names of changed lower layers to the packages that the lock takes from them, with
            the recorded and the present versions, as text.
        targets_alone: `Layer.targets_alone`.
    """

    inputs: dict[str, object]
    version_inputs: dict[str, object]
    below: Mapping[str, str | None] = field(default_factory=dict)
    local_wheels: Mapping[str, str | None] = field(default_factory=dict)
    wheels: Mapping[str, LockedWheel | None] = field(default_factory=dict)
    lower_changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    targets_alone: Mapping[str, str] = field(default_factory=dict)


def parse_metadata(text: str) -> LockMetadata:
    """Read lock metadata.

    Raises:
        ValueError: The text is damaged; the message says in one line how.
    """
    try:
        metadata = LockMetadata.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(first_fault(error)) from None
    made_from = metadata.venvstacks
    if made_from and any(getattr(metadata, key) != value for key, value in made_from.hashes.items()):
        raise ValueError("its hashes do not fit the inputs that it names")
    return metadata


def hash_lock(text: str) -> str:
    r"""`sha256:<hex>` of a lock's text; the same for every kind of line end, since a checkout may change those."""
    return prefixed(sha256_bytes(text.replace("\r\n", "\n").encode()))
