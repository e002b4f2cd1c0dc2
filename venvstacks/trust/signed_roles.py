"""Roles of signed publications: their names, their keys by default, and how long their signatures are valid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Holder = Literal["root", "targets", "online"]
"""Whose key it is: that of the root, of the content, or of the machine that renews time stamps and snapshots."""

HOLDERS: tuple[Holder, ...] = get_args(Holder)

ROLES_OF: Mapping[Holder, tuple[str, ...]] = {
    "root": ("root",),
    "targets": ("targets",),
    "online": ("snapshot", "timestamp"),
}
"""The roles of The Update Framework that each of them signs."""

DEFAULT_DAYS: Mapping[str, int] = {"root": 730, "targets": 730, "snapshot": 730, "timestamp": 90}
"""How long signatures are valid: decision 0033."""

TRUST_FOLDER = "tuf"
"""Folder of the signed metadata, below that of the manifests."""
