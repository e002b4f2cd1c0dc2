"""How helps look: a flag is a name and a sentence; it takes no value, so that no type is shown for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from venvstacks.cli.option_groups import expanded


class _Flags:
    """Removes the types of flags from the help, including those of `--help` and of completion."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - typer's context
        """The parameters, as typer's commands give them."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc] # mixed into typer's commands
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
        return parameters


class Command(_Flags, TyperCommand):
    """A command."""


class Group(_Flags, TyperGroup):
    """All commands."""


class App(typer.Typer):
    """A command line whose commands are such ones."""

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:  # noqa: ANN401
        """Register a function as a command; it may take options in groups."""
        register = super().command(name, cls=Command, **settings)
        return lambda command: register(expanded(command))
