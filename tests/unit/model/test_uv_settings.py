"""What is said about uv's settings before uv sees them."""

from __future__ import annotations

import pytest

from tests.support.specifications import SMALL, stack_of, the_fault_of

UV_FAULTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "index not an array": ("index = 1", ("index",), "must be an array of tables"),
    "index without a place": ('index = [{ name = "a" }]', ("index", "0"), "an index needs a 'url'"),
    "sources not a table": ("sources = 1", ("sources",), "must be a table"),
    "source from two places": (
        'sources = { a = { path = "a", index = "b" } }',
        ("sources", "a"),
        "exactly one of index, path, git",
    ),
    "source of an extra": (
        'sources = { a = { path = "a", extra = "b" } }',
        ("sources", "a"),
        "layers have no extras and groups",
    ),
    "not a number": ("x = [1.0, nan]", ("x", "1"), "is not a finite number"),
    "infinite": ("x = -inf", ("x",), "is not a finite number"),
    "one package, two spellings": (
        'sources = { Torch = { index = "main" }, torch = { index = "main" } }\nindex = [{ name = "main", url = "x" }]',
        ("sources", "torch"),
        "'Torch' and 'torch' are the same distribution",
    ),
    "source from nowhere": ('sources = { a = { index = "b" } }', ("sources", "a"), "'b' is not a named index"),
}


@pytest.mark.parametrize(("line", "path", "message"), UV_FAULTS.values(), ids=list(UV_FAULTS))
def test_uv_settings_that_cannot_be_locked_with(line: str, path: tuple[str, ...], message: str) -> None:
    fault = the_fault_of(f"[tool.uv]\n{line}\n{SMALL}")
    assert message in fault.message
    assert (fault.line, fault.key) == (2, ".".join(("tool", "uv", *path)))


def test_the_inline_uv_table_wins_whole() -> None:
    beside = {"no-index": True}
    assert stack_of(SMALL, uv_file=beside).uv == beside
    assert stack_of(f"{SMALL}[tool.uv]\nfind-links = ['x']\n", uv_file=beside).uv == {"find-links": ["x"]}
    assert stack_of(f"{SMALL}[tool.uv]\n", uv_file=beside).uv == {}


def test_faults_name_the_uv_file() -> None:
    fault = the_fault_of(SMALL, uv_file={"sources": 1})
    assert (fault.line, fault.key) == (None, "sources")
    assert fault.hint is not None
    assert fault.hint.startswith("in venvstacks.uv.toml, next to the specification: write <package> = ")


def test_exclude_newer_from_the_environment() -> None:
    assert stack_of(SMALL, exclude_newer="2026-01-01").uv == {"exclude-newer": "2026-01-01"}
    text = f'{SMALL}[tool.uv]\nexclude-newer = "2025-01-01"\n'
    assert stack_of(text, exclude_newer="2026-01-01").uv == {"exclude-newer": "2025-01-01"}
