"""Root metadata of signed publications, parsed; whether it is trusted is decided elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from venvstacks.trust.refusals import refusing

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata, Root


def parse_root(data: bytes, place: str) -> Metadata[Root]:
    """Root metadata, which is not verified.

    Args:
        data: The file's content.
        place: Where it is from, for messages.

    Raises:
        TrustError: It is not root metadata.
    """
    from tuf.api.exceptions import RepositoryError  # noqa: PLC0415 - only for signed publications
    from tuf.api.metadata import Metadata, Root  # noqa: PLC0415

    with refusing(place):
        found = Metadata.from_bytes(data)
        if not isinstance(found.signed, Root):
            raise RepositoryError(f"it holds {found.signed.type} metadata where root metadata is expected")
        return found
