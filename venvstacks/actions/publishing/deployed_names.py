"""The deployed name and the time of a layer, which are only known once it is locked."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from venvstacks.errors import LockError
from venvstacks.locking.lock_metadata import LockMetadata, parse_metadata
from venvstacks.model.layout import StackLayout
from venvstacks.model.stack import Layer


def lock_metadata(layer: Layer, layout: StackLayout, base: Path) -> LockMetadata:
    """The metadata of a layer's lock.

    Raises:
        LockError: It is missing or damaged.
    """
    path = base / layout.lock_metadata(layer)
    try:
        return parse_metadata(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LockError(f"the lock metadata {path} cannot be read: {error}", hint="lock the layer again") from error


def deployed_name(layer: Layer, layout: StackLayout, base: Path) -> str:
    """The name of a layer's folder on target machines.

    Raises:
        LockError: The layer is versioned and its lock metadata is missing or damaged.
    """
    return layer.deployed_name(lock_metadata(layer, layout, base).lock_version if layer.versioned else 1)


def epoch(metadata: LockMetadata) -> int:
    """The time of a lock in whole seconds since 1970, which archived files carry."""
    return int(datetime.fromisoformat(metadata.locked_at).timestamp())
