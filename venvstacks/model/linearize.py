"""C3 linearisation: the order in which the frameworks below a layer are searched.

The algorithm is that of Python's method resolution order (Barrett et al., 1996; described in Python's own "The
Python 2.3 Method Resolution Order"): every layer comes before those below it, the order in which a layer names its
frameworks is kept, and so is the order within each of theirs. Where no such order exists there is none.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)


class NoLinearOrderError(ValueError):
    """The declared orders contradict each other.

    Attributes:
        remaining: The sequences that could not be merged, each with what is left of it.
    """

    def __init__(self, remaining: Sequence[Sequence[object]]) -> None:
        super().__init__("; ".join(" before ".join(str(item) for item in part) for part in remaining))
        self.remaining = remaining


def linearize(declared: Sequence[Item], orders: Sequence[Sequence[Item]]) -> tuple[Item, ...]:
    """Merge the linear orders of the declared items into one.

    Args:
        declared: What a layer names, in its order.
        orders: For each declared item its own linear order, itself first.

    Returns:
        Every item once, such that all given sequences are subsequences of the result.

    Raises:
        NoLinearOrderError: There is no such order.
    """
    pending = [list(order) for order in (*orders, declared) if order]
    merged: list[Item] = []
    while pending:
        buried = {item for order in pending for item in order[1:]}
        head = next((order[0] for order in pending if order[0] not in buried), None)
        if head is None:
            raise NoLinearOrderError(pending)
        merged.append(head)
        pending = [rest for order in pending if (rest := order[1:] if order[0] == head else order)]
    return tuple(merged)
