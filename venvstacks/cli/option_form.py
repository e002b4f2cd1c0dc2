"""The form in which options are declared: flags, help, name of the value, heading."""

from __future__ import annotations

from typing import Any

import typer


def option(
    flags: str,
    what: str,
    value: str | None = None,
    panel: str | None = None,
    **more: Any,  # noqa: ANN401 - as typer takes them
) -> typer.models.OptionInfo:
    """An option of commands, for `Annotated`.

    Args:
        flags: Its flags, separated by spaces.
        what: Its help.
        value: What help calls its value; None for flags.
        panel: The heading under which help lists it.
        more: Arguments of `typer.Option`.
    """
    declared: typer.models.OptionInfo = typer.Option(
        *flags.split(), help=what, metavar=value, rich_help_panel=panel, **more
    )
    return declared
