"""The configuration of a project, from its settings, the options and this machine."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import get_args

from venvstacks.archives.formats import (
    ARCHIVE_FORMATS,
    DEFAULT_FORMAT,
    SMALLEST_FORMAT,
    ArchiveFormat,
    archive_format,
    check_epoch,
)
from venvstacks.errors import UsageError
from venvstacks.graph.configuration import Configuration
from venvstacks.loading.options import Options
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import identify_platform, named_platform
from venvstacks.model.specification import ProviderName, ToolSettings
from venvstacks.suggestions import suggestion
from venvstacks.tools.files import home_expanded, path_from


def configure(settings: ToolSettings, options: Options, base: Path, epoch: int | None) -> Configuration:
    """Combine settings, options and this machine; options win over settings.

    Raises:
        UsageError: An option makes no sense.
    """
    host = identify_platform(sys.platform, platform.machine())
    target = host if options.platform is None else named_platform(options.platform)
    foreign = target.name if target and target != host else None
    layout = StackLayout(
        build=_stored(base, options.build_dir),
        artifacts=_stored(base, options.output_dir),
        export=_stored(base, options.export_dir),
        foreign=foreign,
    )
    if layout.export in {layout.build, layout.artifacts}:  # archives may be next to environments: their names differ
        raise UsageError(
            "exports need a folder of their own",
            hint=f"environments go to {layout.build}, archives to {layout.artifacts} and exports to {layout.export}; "
            "choose another output folder",
        )
    tagged = options.tag_outputs or foreign is not None
    tag = target.name if target and tagged else None
    kept = _kept_format(settings, options, base / layout.stack_manifest(layout.artifacts, tag))
    chosen, level = (archive_format(kept), None) if kept else _choose_compression(settings, options)
    check = settings.check_imports if options.check_imports is None else options.check_imports
    emulators = {**settings.emulators, **dict(map(_named_emulator, options.emulators))}
    for name in options.runtime_providers or ():
        _check_provider(name)
    return Configuration(
        platform=target,
        layout=layout,
        host=host,
        emulator=emulators.get(foreign, ()) if foreign else (),
        tools=tool_versions(),
        archive_format=chosen.suffix,
        archive_level=level,
        kept_format=kept is not None,
        epoch=epoch,
        tag_outputs=tagged,
        release=_release(options.release or settings.release),
        local_wheels=_local_wheels(base, options.local_wheels),
        check_imports=check,
        check_headers=settings.check_headers,
        scripts=settings.scripts,
        bytecode=settings.bytecode,
        link_mode=options.link_mode or settings.link_mode,
        runtime_providers=options.runtime_providers or settings.runtime_providers,
    )


def _named_emulator(text: str) -> tuple[str, tuple[str, ...]]:
    """The platform that an option is about, and the words of its command."""
    from shlex import split  # noqa: PLC0415 - for few runs

    name, _, command = text.partition("=")
    try:
        words = tuple(split(command))
    except ValueError:  # a quote is missing
        words = ()
    if not words:
        raise UsageError(
            f"the emulator '{text}' is not a platform and a command",
            hint="name both: --emulator 'linux_aarch64=qemu-aarch64 -L /usr/aarch64-linux-gnu'",
        )
    return named_platform(name).name, words


def _kept_format(settings: ToolSettings, options: Options, manifest: Path) -> str | None:
    """The format in which the original has published into this folder; None if it has not, or the user chose one."""
    chosen = (settings.archive_format, settings.archive_level, options.archive_format, options.archive_level)
    if any(choice is not None for choice in (*chosen, settings.compression, options.compression)):
        return None
    if not manifest.is_file():
        return None
    from venvstacks.records.published_json import format_of_the_original  # noqa: PLC0415 - for what is published

    return format_of_the_original(manifest, tuple(ARCHIVE_FORMATS))


def _choose_compression(settings: ToolSettings, options: Options) -> tuple[ArchiveFormat, int | None]:
    """Format and level of archives; options have priority over the specification."""
    effort = settings.compression if options.compression is None else options.compression
    named = options.archive_format or settings.archive_format
    chosen = archive_format(named or (SMALLEST_FORMAT if effort == "small" else DEFAULT_FORMAT))
    if options.archive_level is not None:
        if options.compression is not None:
            raise UsageError("both a compression and an archive level are given", hint="give one of them")
        return chosen, chosen.level(options.archive_level)
    if options.compression is None and settings.archive_level is not None:
        return chosen, chosen.level(settings.archive_level)
    return chosen, chosen.effort(effort)


def _release(text: str | None) -> str | None:
    """What the publication is called, normalised.

    Raises:
        UsageError: It is no version.
    """
    if text is None:
        return None
    from venvstacks.records.releases import checked_release  # noqa: PLC0415 - most runs name no release

    try:
        return checked_release(text)
    except ValueError as error:
        raise UsageError(f"the release {error}", hint="give a version such as 2.4.1") from error


def _check_provider(name: str) -> None:
    known = get_args(ProviderName)
    if name not in known:
        hint = suggestion(name, known, otherwise=f"known are {', '.join(known)}")
        raise UsageError(f"'{name}' is no runtime provider", hint=hint)


def source_date_epoch(environment: Mapping[str, str]) -> int | None:
    """`SOURCE_DATE_EPOCH`, by the reproducible builds project's specification of it: seconds since 1970."""
    text = environment.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,20}", text):
        raise UsageError(
            f"SOURCE_DATE_EPOCH is not a number of seconds: {text[:40]!r}",
            hint="give seconds since 1970 (UTC), or unset it to use the times of the locks",
        )
    return check_epoch(int(text))


def absolute_folder(base: Path, name: str) -> Path:
    """A folder that a user named, relative to the specification's folder or with `~`."""
    return base / home_expanded(name)


def cache_folder(base: Path, options: Options, settings: ToolSettings, environment: Mapping[str, str]) -> Path:
    """The folder for downloads and prepared runtimes, from the options, the environment or the project."""
    if named := options.cache or environment.get("VENVSTACKS_CACHE") or settings.cache:
        return absolute_folder(base, named)
    from platformdirs import user_cache_path  # noqa: PLC0415 - only asked for when something is built

    return user_cache_path("venvstacks", appauthor=False)


def _stored(base: Path, name: str) -> str:
    """A folder as stored paths begin: relative to the specification's folder where that is possible."""
    return path_from(base, os.path.normpath(absolute_folder(base, name)))


def _local_wheels(base: Path, folders: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for name in folders:
        folder = absolute_folder(base, name)  # a missing folder is reported when something is locked
        found += sorted(_stored(base, str(wheel)) for wheel in folder.glob("*.whl"))
    return tuple(found)


def tool_versions() -> dict[str, str]:
    """Versions of the tools that shape results, as they are here."""
    import zlib  # noqa: PLC0415 - the version that counts is the loaded library's

    versions = {name: _version(name) for name in ("venvstacks", "uv", "zstandard")}
    return {**versions, "zlib": zlib.ZLIB_RUNTIME_VERSION, "python": platform.python_version()}


def _version(name: str) -> str:
    """The version of an installed distribution; the first lines of its metadata are enough to know it."""
    found = metadata.distribution(name)
    head = (found.read_text("METADATA") or "").partition("\n\n")[0]
    stated = re.search(r"^Version:[ \t]*(\S+)", head, re.MULTILINE)
    return stated[1] if stated else found.version
