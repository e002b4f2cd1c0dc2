"""Which licences are accepted: SPDX expressions judged by lists of allowed and denied licences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from venvstacks.insight.licences import Licence, LicenceRow

_MOST_WORDS = 500  # of an expression, which comes from strangers


@dataclass(frozen=True)
class LicenceRules:
    """What is accepted.

    Attributes:
        allowed: Patterns of licences that are accepted; all are where it is empty.
        denied: Patterns of licences that are not accepted.
    """

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()

    def accepts(self, licence: Licence) -> bool:
        """Whether a package under this licence is accepted.

        Of `A OR B` one has to be accepted, of `A AND B` both. What is no expression is compared as a whole.
        """
        expression = canonical_expression(licence.name) if licence.is_expression else None
        if expression is None:
            return self._accepts(licence.name)
        words = re.findall(r"[()]|[^\s()]+", expression)
        if len(words) > _MOST_WORDS:
            return False
        return _Judgement(words, self._accepts).result()

    def _accepts(self, name: str) -> bool:
        if _fits(name, self.denied):
            return False
        return not self.allowed or _fits(name, self.allowed)

    def refused(self, rows: Iterable[LicenceRow]) -> Iterator[LicenceRow]:
        """The packages that are not accepted."""
        return (row for row in rows if not self.accepts(row.licence))


def _fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern fits a licence; `X WITH exception` also fits where `X` does."""
    base = name.partition(" WITH ")[0]
    return any(fnmatchcase(one.lower(), pattern.lower()) for pattern in patterns for one in (name, base))


def canonical_expression(text: str) -> str | None:
    """An SPDX expression in its usual spelling; None if it is not valid."""
    try:
        return str(canonicalize_license_expression(text))
    except (InvalidLicenseExpression, RecursionError):
        return None


class _Judgement:
    """Evaluates an expression from its words; `AND` binds more than `OR`."""

    def __init__(self, words: Sequence[str], accepts: Callable[[str], bool]) -> None:
        self.words = list(words)
        self.accepts = accepts
        self.place = 0

    def result(self) -> bool:
        return self._any()

    def _any(self) -> bool:
        found = self._all()
        while self._take("OR"):
            found = self._all() or found
        return found

    def _all(self) -> bool:
        found = self._one()
        while self._take("AND"):
            found = self._one() and found
        return found

    def _one(self) -> bool:
        if self._take("("):
            found = self._any()
            self._take(")")
            return found
        name = self.words[self.place]
        self.place += 1
        if self._take("WITH"):
            name = f"{name} WITH {self.words[self.place]}"
            self.place += 1
        return self.accepts(name)

    def _take(self, word: str) -> bool:
        if self.place < len(self.words) and self.words[self.place] == word:
            self.place += 1
            return True
        return False
