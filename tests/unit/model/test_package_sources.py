"""Sources as `[tool.uv.sources]` and PEP 508 references write them."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.requirements import Requirement

from venvstacks.model.sources import Source, parse_sources, source_of

FORMS: dict[str, tuple[dict[str, Any], str, str]] = {
    "folder": ({"path": "../app/"}, "path", "path ../app"),
    "archive": ({"path": "dist/app-1.0.tar.gz"}, "path", "path dist/app-1.0.tar.gz"),
    "branch": ({"git": "https://host/app", "branch": "main"}, "git", "git https://host/app@main"),
    "tag": ({"git": "ssh://git@host/app", "tag": "v1", "subdirectory": "py"}, "git", "git ssh://host/app@v1 (py)"),
    "default branch": ({"git": "file:///srv/app"}, "git", "git file:///srv/app"),
    "url": ({"url": "https://host/app-1.0.zip", "subdirectory": "a/./b"}, "url", "url https://host/app-1.0.zip (a/b)"),
    "workspace": ({"workspace": True, "editable": True}, "workspace", "the workspace"),
    "index": ({"index": "house"}, "index", "index house"),
    "login": ({"git": "https://me:secret@host/app"}, "git", "git https://host/app"),
}


@pytest.mark.parametrize(("table", "kind", "label"), FORMS.values(), ids=list(FORMS))
def test_the_forms_of_a_source(table: dict[str, Any], kind: str, label: str) -> None:
    source = Source.model_validate(table)
    assert (source.kind, source.label) == (kind, label)


WRONG: dict[str, tuple[object, tuple[str | int, ...], str]] = {
    "nothing": ({}, ("a",), "exactly one of index, path, git, url, workspace must be given"),
    "two kinds": ({"path": "x", "index": "y"}, ("a",), "exactly one of"),
    "two revisions": ({"git": "https://h/a", "tag": "1", "branch": "b"}, ("a",), "both 'tag' and 'branch' are given"),
    "revision of a path": ({"path": "x", "tag": "1"}, ("a",), "'tag' belongs to a git repository"),
    "outside": ({"url": "https://h/a.zip", "subdirectory": "../x"}, ("a", "subdirectory"), "not a folder within"),
    "no workspace": ({"workspace": False}, ("a",), "'workspace' can only be true"),
    "an option": ({"git": "https://h/a", "rev": "--upload-pack=x"}, ("a", "rev"), "is not the name of a commit"),
    "a command": ({"git": "ext::sh -c x"}, ("a", "git"), "is not the URL of a git repository"),
    "marker": ({"path": "x", "marker": "os = 1"}, ("a", "marker"), "is not a marker"),
    "unknown": ({"path": "x", "colour": 1}, ("a", "colour"), "unknown key"),
    "text": ("x", ("a",), "must be a table"),
}


@pytest.mark.parametrize(("value", "path", "message"), WRONG.values(), ids=list(WRONG))
def test_wrong_sources(value: object, path: tuple[str | int, ...], message: str) -> None:
    _, ((place, said, hint),) = parse_sources({"a": value})
    assert (place, message in said) == (path, True)
    assert hint


REFERENCES: dict[str, tuple[str, dict[str, Any]]] = {
    "commit": ("a @ git+https://host/a.git@564281f", {"git": "https://host/a.git", "rev": "564281f"}),
    "login": ("a @ git+ssh://git@host/a@v1", {"git": "ssh://git@host/a", "rev": "v1"}),
    "part": ("a @ git+https://h/a@b#subdirectory=x", {"git": "https://h/a", "rev": "b", "subdirectory": "x"}),
    "default": ("a @ git+https://h/a", {"git": "https://h/a"}),
    "folder": ("a @ file:../a%20b", {"path": "../a b"}),
    "archive": ("a @ https://h/a.tar.gz#sha256=00", {"url": "https://h/a.tar.gz#sha256=00"}),
}


@pytest.mark.parametrize(("text", "table"), REFERENCES.values(), ids=list(REFERENCES))
def test_references_are_sources(text: str, table: dict[str, Any]) -> None:
    assert source_of(Requirement(text)) == Source.model_validate(table)


@pytest.mark.parametrize("text", ["a>=1", "a @ https://h/a-1-py3-none-any.whl#sha256=00"])
def test_names_and_wheels_have_no_source(text: str) -> None:
    assert source_of(Requirement(text)) is None


def test_a_reference_that_is_no_address() -> None:
    with pytest.raises(ValueError, match="is not the URL of a git repository"):
        source_of(Requirement("a @ git+ext://x"))


def test_markers_choose_between_sources() -> None:
    found, faults = parse_sources(
        {
            "A_b": [
                {"path": "x", "marker": "sys_platform == 'linux'"},
                {"index": "i", "marker": "sys_platform != 'linux'"},
            ]
        }
    )
    assert faults == []
    assert [source.holds({"sys_platform": "linux"}) for source in found["a-b"]] == [True, False]


def test_paths_of_other_projects_are_moved() -> None:
    assert Source(path="../lib").seen_from("apps/one").path == "apps/lib"
    assert Source(index="house").seen_from("apps/one") == Source(index="house")
