"""`join`: one publication made of what several CI jobs have published."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from venvstacks.cli.printable import print_message
from venvstacks.errors import ExitCode


def join(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the joined publication.")],
    parts: Annotated[list[Path], typer.Argument(metavar="PART...", help="Folders that `publish` has written.")],
) -> int:
    """Make one publication of several with the same locks, such as one for each platform."""
    from venvstacks.api.joining import join as join_parts  # noqa: PLC0415 - not for the help
    from venvstacks.api.joining import joined_lines  # noqa: PLC0415

    joined = join_parts(out, parts)
    if not context.obj.quiet:
        for line in joined_lines(joined):
            print_message(line)
    return ExitCode.DONE
