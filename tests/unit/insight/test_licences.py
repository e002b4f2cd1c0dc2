from __future__ import annotations

import pytest

from venvstacks.insight.licences import licence_of
from venvstacks.records.package_lists import LicenceFacts

APPROVED = "License :: OSI Approved"


@pytest.mark.parametrize(
    ("facts", "name", "source", "is_expression"),
    [
        (LicenceFacts(expression="MIT AND BSD-3-Clause", text="x"), "MIT AND BSD-3-Clause", "expression", True),
        (LicenceFacts(classifiers=(APPROVED, f"{APPROVED} :: MIT License")), "MIT", "classifier", True),
        (
            LicenceFacts(classifiers=(f"{APPROVED} :: BSD License", f"{APPROVED} :: Apache Software License")),
            "Apache-2.0 OR BSD-3-Clause",
            "classifier",
            True,
        ),
        (LicenceFacts(text="BSD 3-Clause"), "BSD-3-Clause", "text", True),
        (LicenceFacts(text="Frog licence", classifiers=(APPROVED,)), "Frog licence", "text", False),
        (
            LicenceFacts(classifiers=("License :: Other/Proprietary License",)),
            "Other/Proprietary License",
            "classifier",
            False,
        ),
        (LicenceFacts(), "unknown", "none", False),
    ],
)
def test_the_most_exact_statement_counts(facts: LicenceFacts, name: str, source: str, *, is_expression: bool) -> None:
    found = licence_of(facts)
    assert (found.name, found.source, found.is_expression) == (name, source, is_expression)
