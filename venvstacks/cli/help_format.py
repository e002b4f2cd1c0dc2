"""How helps look: options in groups, each name whole at any width, and examples at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from venvstacks.cli.default_specification import with_specification
from venvstacks.cli.option_groups import expanded

_WIDEST = 100  # columns; longer lines are hard to read
_NAMES = 30  # columns; a longer name gets a line of its own
_GAP = 2
_UNBROKEN = "\N{NON-BREAKING HYPHEN}"


class _Grouped:
    """Lists options by group, in plain text: a table with borders cuts names that do not fit."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - typer's context
        """The parameters; flags without a type, and with their default only where it is to be on."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc] # mixed into typer's commands
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
                parameter.show_default = parameter.default is True
            if parameter.name == "spec":
                parameter.required = False
        return parameters

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's
        """Write the arguments, the options by group, and the commands."""
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            if parameter.param_type_name == "argument":
                groups["Arguments"].append((parameter.metavar or parameter.name.upper(), parameter.help or ""))
            elif record := parameter.get_help_record(ctx):
                groups.setdefault(parameter.rich_help_panel or "Options", []).append(record)
        for command in getattr(self, "commands", {}).values():
            paragraph, _, _ = (command.help or "").partition("\n\n")
            groups.setdefault(command.rich_help_panel or "Commands", []).append((command.name, paragraph))
        for title, rows in groups.items():
            if rows:
                with formatter.section(_heading(title)):
                    _write_rows(formatter, rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's
        """Write examples."""
        from venvstacks.cli.examples import EXAMPLES  # noqa: PLC0415 - for helps alone

        if lines := EXAMPLES.get(ctx.info_name):
            with formatter.section(_heading("Examples")):
                for line in lines:
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def _write_rows(formatter: Any, rows: list[tuple[str, str]]) -> None:  # noqa: ANN401 - typer's
    """Write names and texts in two columns; lines end at spaces, never within `run-report` or a longer word."""
    begin = len(formatter.buffer)
    longest = max((len(word) for _, text in rows for word in text.split()), default=0)
    room = formatter.width - formatter.current_indent - longest - _GAP
    formatter.write_dl([(name, text.replace("-", _UNBROKEN)) for name, text in rows], min(room, _NAMES), _GAP)
    formatter.buffer[begin:] = [piece.replace(_UNBROKEN, "-") for piece in formatter.buffer[begin:]]


def _heading(title: str) -> str:
    return typer.style(title, bold=True)  # taken out again where the output is not a terminal


class Command(_Grouped, TyperCommand):
    """A command; the specification may be left out if it is in this folder or above it."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401 - typer's context
        """The arguments as the usage line names them, in brackets where they may be left out."""
        arguments = [each for each in self.get_params(ctx) if each.param_type_name == "argument"]
        named = [(each.metavar or each.name.upper(), each.required) for each in arguments]
        return [
            "[OPTIONS]",
            *(name if required or name.startswith("[") else f"[{name}]" for name, required in named),
        ]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's context
        """Parse arguments, with the specification put in where it was left out."""
        names = [each.name for each in self.params if each.param_type_name == "argument" and each.nargs == 1]
        if names[:1] == ["spec"]:
            given, *_ = self.make_parser(ctx).parse_args(list(args))
            if not given.get("help"):
                values = [given[name] for name in names if isinstance(given.get(name), str)]
                args = with_specification(args, values, len(names))
        rest: list[str] = super().parse_args(ctx, args)
        return rest


class Group(_Grouped, TyperGroup):
    """All commands."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer's
        """The command that the arguments name.

        Raises:
            UsageError: There is none; the hint names the one that was probably meant.
        """
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            from venvstacks.cli.meant_commands import unknown_command  # noqa: PLC0415 - for errors alone

            raise unknown_command(args[0], self.commands)
        return super().resolve_command(ctx, args)

    @staticmethod
    def commands_with(option: str) -> list[str]:
        """The commands that have an option, those included that are not loaded."""
        from venvstacks.cli.meant_commands import commands_with  # noqa: PLC0415 - for errors alone

        return commands_with(option)


class App(typer.Typer):
    """A command line whose commands are such ones."""

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:  # noqa: ANN401
        """Register a function as a command; it may take options in groups."""
        settings["context_settings"] = {"max_content_width": _WIDEST, **(settings.get("context_settings") or {})}
        register = super().command(name, cls=Command, **settings)
        return lambda command: register(expanded(command))
