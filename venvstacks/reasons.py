"""Reasons for which a task has to run again, as values that plans, runs and `why` show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

ReasonKind = Literal[
    "never run", "interrupted", "failed before", "forced", "missing output", "missing input", "new input",
    "dropped input", "changed input", "changed setting", "changed output list", "changed file", "invalid record",
]  # fmt: skip


_SHOWN_DETAILS = 5
"""Details that a line names; JSON data has them all."""


@dataclass(frozen=True)
class Reason:
    """One cause for which a result is stale.

    Attributes:
        kind: The kind of cause.
        subject: The file, setting or requirement that it is about; empty where the kind says everything.
        old: Its earlier value for people, or None.
        new: Its present value for people, or None.
        details: What exactly differs in it, for people, e.g. `numpy 2.1.0 -> 2.2.0` of a lock.
    """

    kind: ReasonKind
    subject: str = ""
    old: str | None = None
    new: str | None = None
    details: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The reason as JSON data."""
        return {**asdict(self), "details": list(self.details)}

    def describe(self, makers: Mapping[str, str]) -> str:
        """The reason with the names of tasks in place of the files that they write.

        Args:
            makers: Output path to the name of the task that makes it.
        """
        if self.kind == "changed input" and self.subject in makers and not self.details:
            return f"changed result: {makers[self.subject]}"
        return str(self)

    def __str__(self) -> str:
        text = f"{self.kind}: {self.subject}" if self.subject else self.kind
        if self.details:
            more = len(self.details) - _SHOWN_DETAILS
            return f"{text}: {', '.join(self.details[:_SHOWN_DETAILS])}" + (f" and {more} more" if more > 0 else "")
        if self.old is None and self.new is None:
            return text
        return f"{text}: {self.old or 'nothing'} -> {self.new or 'nothing'}"


def compare_settings(old: dict[str, object], new: dict[str, object], prefix: str = "") -> tuple[Reason, ...]:
    """What differs between two tables of settings, key by key and list element by list element."""
    reasons: list[Reason] = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before == after and (key in old) == (key in new):
            continue
        name = f"{prefix}{key}"
        if isinstance(before, dict) and isinstance(after, dict):
            reasons += compare_settings(before, after, f"{name}.")
        elif isinstance(before, list) and isinstance(after, list):
            reasons += _compare_lists(name, before, after)
        else:
            reasons.append(Reason("changed setting", name, _shown(before), _shown(after)))
    return tuple(reasons)


def _compare_lists(name: str, old: list[object], new: list[object]) -> list[Reason]:
    gone = [_element(value) for value in old if value not in new]
    come = [_element(value) for value in new if value not in old]
    if not gone and not come:  # the order changed, or how often something is named
        return [Reason("changed setting", name, ", ".join(map(_element, old)), ", ".join(map(_element, new)))]
    return [Reason("changed setting", name, ", ".join(gone) or None, ", ".join(come) or None)]


def _shown(value: object) -> str | None:
    return None if value is None else _element(value)


def _element(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
