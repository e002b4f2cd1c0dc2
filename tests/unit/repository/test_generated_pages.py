"""The documentation says what the models and the command line say."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import pytest

import venvstacks
from tasks.reference import DOCS, PAGES, SCHEMA, fill, generated_names
from venvstacks.model.draft import parse_draft
from venvstacks.model.schema import schema_text

ROOT = Path(__file__).resolve().parents[3]
TEXTS = (ROOT / "README.md", *sorted((ROOT / DOCS).glob("*.md")))


def blocks(language: str) -> list[str]:
    return [
        block for page in TEXTS for block in re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    ]


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_pages_are_up_to_date(page: Path) -> None:
    text = page.read_text("utf-8")
    assert fill(text) == text, "run 'doit schema' and commit the result"


def test_the_schema_is_up_to_date() -> None:
    assert SCHEMA.read_text("utf-8") == schema_text(), "run 'doit schema' and commit the result"


def test_everything_that_is_generated_has_its_place() -> None:
    begun = [name for page in PAGES for name in re.findall("<!-- begin: (.+?) -->", page.read_text("utf-8"))]
    ended = [name for page in PAGES for name in re.findall("<!-- end: (.+?) -->", page.read_text("utf-8"))]
    assert sorted(begun) == sorted(generated_names())
    assert begun == ended


def test_a_stale_table_is_noticed() -> None:
    page = "before\n<!-- begin: exit codes -->\nold\n<!-- end: exit codes -->\nafter\n"
    filled = fill(page)
    assert "old" not in filled
    assert "| 4 | locking failed |" in filled
    assert filled.startswith("before\n")
    assert filled.endswith("after\n")


def test_a_marker_for_nothing_is_an_error() -> None:
    with pytest.raises(KeyError):
        fill("<!-- begin: the weather -->\n<!-- end: the weather -->")


@pytest.mark.parametrize("text", [text for text in blocks("toml") if "[[" in text])
def test_specifications_in_the_text_have_no_faults(text: str) -> None:
    assert parse_draft(text, "example.toml").faults == ()


@pytest.mark.parametrize("text", blocks("toml"))
def test_toml_in_the_text_can_be_read(text: str) -> None:
    assert tomllib.loads(text)


@pytest.mark.parametrize("text", blocks("python"))
def test_python_in_the_text_uses_the_stable_api(text: str) -> None:
    compile(text, "example.py", "exec")
    found = re.findall(r"from (venvstacks(?:\.deployment)?) import (.+)", text)
    assert found
    for module, names in found:
        assert {name.strip() for name in names.split(",")} <= set(dir(importlib.import_module(module)))


def test_the_stable_names_are_listed() -> None:
    listed = (DOCS / "api.md").read_text("utf-8").rpartition("<!-- begin: stable names -->")[2]
    assert set(re.findall("`(.+?)`", listed)) == set(venvstacks.__all__)


def test_links_of_the_front_pages_lead_somewhere() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\((?!http)([^)#]+)", Path(page).read_text("utf-8")):
            assert Path(link).exists(), f"{page} links to {link}"


def test_changelog_fragments_say_what_kind_they_are() -> None:
    fragments = [path for path in Path("changelog.d").iterdir() if path.name != "README.md"]
    for fragment in fragments:
        assert re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md", fragment.name)
        assert len(fragment.read_text("utf-8").strip()) > 20
