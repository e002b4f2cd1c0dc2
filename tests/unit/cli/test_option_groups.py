"""Options in groups: one parameter of a command, one option for each field."""

from __future__ import annotations

from dataclasses import fields

import pytest
import typer
from typer.testing import CliRunner

from venvstacks.api import Options, Selection
from venvstacks.cli import declared_options as o
from venvstacks.cli.help_format import App
from venvstacks.cli.option_groups import (
    Archives,
    Chosen,
    Environments,
    Layers,
    LockedLayers,
    Packages,
    PublishedLayers,
    Targets,
    expanded,
    given,
)

SELECTING, SETTING = [Chosen, LockedLayers, PublishedLayers, Layers], [Packages, Archives, Environments]


@pytest.mark.parametrize(("group", "target"), [*((g, Selection) for g in SELECTING), *((g, Options) for g in SETTING)])
def test_fields_are_called_as_in_the_api(group: type, target: type) -> None:
    known = {field.name for field in fields(target)}
    assert {field.name for field in fields(group)} <= known
    target(**given(group()))


def test_what_was_not_given_is_left_to_the_api() -> None:
    assert given(Packages(), Archives(compression="small")) == {
        "use_index": True, "tag_outputs": False, "compression": "small",
    }  # fmt: skip
    assert given(Chosen(include=["a*", "b"])) == {"include": ("a*", "b"), "allow_missing": False}


def test_every_field_of_a_selection_can_be_given() -> None:
    given_in_groups = {field.name for group in (Layers, Targets) for field in fields(group)}
    assert given_in_groups == {field.name for field in fields(Selection)}


def test_a_command_gets_its_groups_whole() -> None:
    app, seen = App(), []

    @app.command()
    def work(context: typer.Context, where: str, *, chosen: Chosen, jobs: o.Jobs = None, packages: Packages) -> int:
        """Work."""
        assert context.command.name == "work"
        seen.append((where, given(chosen), jobs, given(packages)))
        return 0

    done = CliRunner().invoke(app, ["here", "--include", "a", "--include", "b", "-j", "3", "--no-index"])
    assert done.exit_code == 0, done.output
    assert seen == [("here", given(Chosen(include=["a", "b"])), 3, given(Packages(use_index=False)))]
    assert "--local-wheels" in CliRunner().invoke(app, ["--help"]).output


def test_a_command_without_groups_is_left_as_it_is() -> None:
    def work(where: str) -> int:
        return len(where)

    assert expanded(work) is work
