"""The command `cache`: how large the cache on this machine is, what can be removed, and whether it is sound."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from venvstacks.cli import declared_options as o
from venvstacks.cli.default_specification import nearest_specification
from venvstacks.cli.printable import print_json, print_message, print_result
from venvstacks.cli.rows import table_lines
from venvstacks.errors import ExitCode, StateError, UsageError
from venvstacks.insight.readable import readable_bytes
from venvstacks.tools.files import home_expanded

if TYPE_CHECKING:
    from venvstacks.caches.upkeep import Cache


class Action(StrEnum):
    """What is done with a cache."""

    SIZE = "size"
    PRUNE = "prune"
    VERIFY = "verify"


def cache(
    context: typer.Context,
    action: Annotated[Action, typer.Argument(metavar="ACTION", help="size, prune or verify.")],
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER", help="A cache, or a folder of shared results. [default: this user's, not uv's]"
        ),
    ] = None,
    *,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="SIZE|AGE",
            help="prune: keep what was used last, up to a size (20GB), or within a time (30d); repeatable.",
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="verify: remove what is damaged.")] = False,
    dry_run: o.DryRun = False,
    json: Annotated[bool, typer.Option("--json/--no-json", help="Show the result as JSON.")] = False,
) -> int:
    """Show the size of the cache, remove what was not used lately, or compare it with its digests; not uv's cache.

    uv keeps a cache of its own: `uv cache size`, `uv cache prune`.
    """
    from venvstacks.caches.upkeep import open_cache  # noqa: PLC0415 - not for the help
    from venvstacks.loading.cache_place import find_cache, signing_secret  # noqa: PLC0415

    for option, given, of in (("--keep", keep, Action.PRUNE), ("--remove", remove, Action.VERIFY)):
        if given and action is not of:
            raise UsageError(f"`cache {action}` takes no {option}", hint=f"it is for `cache {of}`")
    default, key = find_cache(nearest_specification())
    place = default if folder is None else home_expanded(folder).absolute()
    if folder is not None and not place.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="name a cache folder, or a folder of shared results")
    chosen = open_cache(place, key, signing_secret())
    try:
        if action is Action.SIZE:
            return _size(chosen, json=json)
        if action is Action.PRUNE:
            return _prune(chosen, keep or [], dry_run=dry_run, json=json, quiet=context.obj.quiet)
        return _verify(chosen, remove=remove, json=json)
    except OSError as error:
        raise StateError(f"{place} cannot be read: {error}", hint="check its owner and mode") from error


def _size(chosen: Cache, *, json: bool) -> int:
    from venvstacks.caches.upkeep import sizes  # noqa: PLC0415

    found = sizes(chosen)
    total = sum(size for _, size in found.values())
    if json:
        kinds = {kind: {"entries": count, "bytes": size} for kind, (count, size) in found.items()}
        print_json({"folder": str(chosen.folder), "kinds": kinds, "bytes": total})
        return ExitCode.DONE
    cells = [(kind, str(count), readable_bytes(size)) for kind, (count, size) in found.items()]
    lines = table_lines(("kind", "entries", "size"), cells, right=frozenset({1, 2}))
    print_result("\n".join([*lines, f"{readable_bytes(total)} in {chosen.folder}"]))
    return ExitCode.DONE


def _prune(chosen: Cache, keep: list[str], *, dry_run: bool, json: bool, quiet: bool) -> int:
    from venvstacks.caches.retention import Retention  # noqa: PLC0415
    from venvstacks.caches.upkeep import as_rows, prune  # noqa: PLC0415

    if not keep:
        raise UsageError("prune needs --keep", hint="give a size such as 20GB, an age such as 30d, or both")
    done = prune(chosen, Retention.parse(keep), dry_run=dry_run)
    size = sum(entry.size for entry in done.removed)
    if json:
        print_json(
            {
                "folder": str(chosen.folder),
                "dry_run": dry_run,
                "removed": as_rows(done.removed),
                "removed_bytes": size,
                "kept_bytes": done.kept_bytes,
                "in_use": as_rows(done.in_use),
            }
        )
        return ExitCode.DONE
    counts: dict[str, int] = {}
    for entry in done.removed:
        counts[entry.kind] = counts.get(entry.kind, 0) + 1
    listed = f" ({', '.join(f'{count} {kind}' for kind, count in counts.items())})" if counts else ""
    said = "would be removed" if dry_run else "removed"
    print_result(f"{readable_bytes(size)} {said}{listed}, {readable_bytes(done.kept_bytes)} kept in {chosen.folder}")
    if done.in_use and not quiet:
        print_message(f"note: in use, so kept: {', '.join(entry.name for entry in done.in_use)}")
    return ExitCode.DONE


def _verify(chosen: Cache, *, remove: bool, json: bool) -> int:
    from venvstacks.caches.upkeep import compare  # noqa: PLC0415

    found = compare(chosen, remove=remove)
    if json:
        print_json(
            {
                "folder": str(chosen.folder),
                "sound": found.sound,
                "not_compared": found.unknown,
                "damaged": [{"name": entry.name, "why": why} for entry, why in found.damaged.items()],
                "removed": remove,
            }
        )
    else:
        lines = [f"{'removed' if remove else 'damaged'}: {entry.name}: {why}" for entry, why in found.damaged.items()]
        unknown = f", {found.unknown} have nothing to be compared with" if found.unknown else ""
        print_result("\n".join([*lines, f"{found.sound} sound, {len(found.damaged)} damaged{unknown}"]))
        if found.damaged and not remove:
            print_message("hint: nothing of that is used; --remove removes it")
    return ExitCode.FOUND if found.damaged else ExitCode.DONE
