from __future__ import annotations

import pytest

from venvstacks.tools.ignore_rules import parse_rules, verdict

# rules; path (folders end in a slash); verdict. All held against git in tests/integration/tools.
CASES = [
    ("", "a", None),
    ("# a\n\n", "# a", None),
    ("a", "a", True),
    ("a", "b/a", True),
    ("a", "a/b", None),  # only exactly the path that is asked about
    ("a/", "a", None),
    ("a/", "a/", True),
    ("/a", "b/a", None),
    ("b/a", "b/a", True),
    ("b/a", "c/b/a", None),
    ("!a", "a", False),
    ("a\n!a", "a", False),
    ("!a\na", "a", True),
    ("*", "b/c", True),
    ("*.py", "b/c.py", True),
    ("b/*.py", "b/c/d.py", None),
    ("?", "é", None),  # two bytes
    ("??", "é", True),
    ("**/a", "a", True),
    ("**/a", "b/c/a", True),
    ("a/**", "a/b/c", True),
    ("a/**", "a/", None),
    ("a/**/b", "a/b", True),
    ("a/**/b", "a/x/y/b", True),
    ("a/x**/b", "a/xy/b", True),
    ("a**b", "axb", True),
    ("[ab]", "b", True),
    ("[!ab]", "b", None),
    ("[^ab]", "c", True),
    ("[]a]", "]", True),
    ("[a-c]x", "bx", True),
    ("[c-a]x", "bx", None),
    ("[[:digit:]_]", "7", True),
    ("[[:nothing:]]", "n", None),
    ("[a", "[a", None),
    ("a[/]b", "a/b", None),
    ("\\#a", "#a", True),
    ("\\!a", "!a", True),
    ("a\\*", "a*", True),
    ("a\\*", "ab", None),
    ("a\\", "a\\", None),
    ("a  ", "a", True),
    ("a\\ ", "a ", True),
    ("a\r\n", "a", True),
    ("\ufeffa", "a", True),
    ("!", "!", None),
    ("/", "a/", None),
]


@pytest.mark.parametrize(("rules", "path", "expected"), CASES)
def test_rules(rules: str, path: str, expected: bool | None) -> None:  # noqa: FBT001 - a column of the table
    found = verdict(parse_rules(rules.encode()), path.rstrip("/").encode(), is_folder=path.endswith("/"))
    assert found is expected
