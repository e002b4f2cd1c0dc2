from __future__ import annotations

import pytest

from venvstacks.insight.licence_rules import LicenceRules, canonical_expression
from venvstacks.insight.licences import Licence


def licence(name: str, *, is_expression: bool = True) -> Licence:
    return Licence(name, "expression", is_expression)


@pytest.mark.parametrize(
    ("expression", "accepted"),
    [
        ("MIT", True),
        ("mit", True),
        ("BSD-3-Clause", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT AND (GPL-3.0-only OR BSD-2-Clause)", True),
        ("GPL-3.0-only OR MIT AND GPL-2.0-only", False),
        ("(GPL-3.0-only OR MIT) AND BSD-2-Clause", True),
        ("Apache-2.0 WITH LLVM-exception", False),
    ],
)
def test_expressions_are_judged_by_their_parts(expression: str, *, accepted: bool) -> None:
    assert LicenceRules(allowed=("MIT", "BSD-*")).accepts(licence(expression)) is accepted


def test_what_is_denied_is_not_accepted() -> None:
    rules = LicenceRules(denied=("GPL-*", "unknown"))
    assert rules.accepts(licence("LGPL-3.0-only"))
    assert rules.accepts(licence("MIT OR GPL-3.0-only")), "one may choose the other"
    assert not rules.accepts(licence("MIT AND GPL-3.0-only"))
    assert not rules.accepts(licence("GPL-2.0-only WITH Classpath-exception-2.0"))
    assert not rules.accepts(licence("unknown", is_expression=False))
    assert LicenceRules(allowed=("Apache-2.0",)).accepts(licence("Apache-2.0 WITH LLVM-exception"))


def test_what_is_no_expression_is_compared_as_a_whole() -> None:
    rules = LicenceRules(allowed=("Frog Licence*",))
    assert rules.accepts(licence("Frog Licence 2", is_expression=False))
    assert not rules.accepts(licence("MIT AND"))
    assert not rules.accepts(licence("(" * 3000 + "MIT" + ")" * 3000))
    assert LicenceRules().accepts(licence("MIT AND"))


def test_spelling_is_the_usual_one() -> None:
    assert canonical_expression("mit and bsd-3-clause") == "MIT AND BSD-3-Clause"
    assert canonical_expression("MIT AND") is None
