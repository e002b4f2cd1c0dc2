"""C3 linearisation: the order in which the frameworks below a layer are searched.

The algorithm is that of Python's method resolution order (Barrett et al., 1996; described in Python's own "The
Python 2.3 Method Resolution Order"): every layer comes before those below it, the order in which a layer names its
frameworks is kept, and so is the order within each of theirs. If no such order exists, it is an error.
"""

from __future__ import annotations

from collections import Counter, deque
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
    if len(declared) == 1 and len(orders) == 1 and orders[0][0] == declared[0]:
        return tuple(orders[0])
    pending = [deque(order) for order in (*orders, declared) if order]
    buried = Counter(item for order in pending for item in list(order)[1:])  # in how many tails an item still is
    merged: list[Item] = []
    while pending:
        head = next((order[0] for order in pending if not buried[order[0]]), None)
        if head is None:
            raise NoLinearOrderError([list(order) for order in pending])
        merged.append(head)
        for order in pending:
            if order[0] == head:
                order.popleft()
                if order:
                    buried[order[0]] -= 1
        pending = [order for order in pending if order]
    return tuple(merged)
