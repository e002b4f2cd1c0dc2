"""Reads a specification and everything around it from disk, and compiles it: the way in for every front door."""

from __future__ import annotations

import difflib
import os
import platform
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import get_args

from venvstacks.archives.formats import (
    DEFAULT_FORMAT,
    SMALLEST_FORMAT,
    ArchiveFormat,
    archive_format,
    check_epoch,
)
from venvstacks.errors import Fault, SourceError, SpecificationError, UsageError
from venvstacks.graph.compiler import Configuration, LinkMode, compile_stack
from venvstacks.graph.taskgraph import TaskGraph
from venvstacks.model.draft import Draft, parse_draft
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import identify_platform
from venvstacks.model.requirement_files import included_files
from venvstacks.model.resolve import Surroundings, resolve
from venvstacks.model.specification import ProviderName, ToolSettings, UvTable
from venvstacks.model.stack import SourceTree, Stack
from venvstacks.tools.processors import usable_processors
from venvstacks.tools.sources import read_source

UV_FILE = "venvstacks.uv.toml"


@dataclass(frozen=True)
class Options:
    """What a caller may set; None stands for what `[tool.venvstacks]` says, or else for the default.

    Folders may be absolute or relative to the specification's folder; `~` is the home folder.

    Attributes:
        build_dir: Folder of environments and task state.
        output_dir: Folder of published archives.
        export_dir: Folder of exported environments.
        tag_outputs: Whether published names carry platform and build number.
        archive_format: `tar.zst`, `tar.xz`, `tar.gz` or `zip`.
        archive_level: Compression level of that format.
        compression: `fast`, `balanced`, `small` (which also chooses the smallest format, unless one is named), or a
            level in digits.
        link_mode: How files get into exports: `clone`, `copy` or `hardlink`.
        runtime_providers: Where Pythons come from, in order.
        local_wheels: Folders of wheels that are not on an index.
        use_index: Whether package indexes may be asked.
        check_imports: Whether linked layers are imported.
        jobs: Tasks that run at the same time.
        cache: Folder for downloads and prepared runtimes.
    """

    build_dir: str = "_build"
    output_dir: str = "_artifacts"
    export_dir: str = "_export"
    tag_outputs: bool = False
    archive_format: str | None = None
    archive_level: int | None = None
    compression: str | None = None
    link_mode: LinkMode | None = None
    runtime_providers: tuple[str, ...] | None = None
    local_wheels: tuple[str, ...] = ()
    use_index: bool = True
    check_imports: bool | None = None
    jobs: int | None = None
    cache: str | None = None


@dataclass(frozen=True)
class Project:
    """A specification, read, resolved and compiled.

    Attributes:
        path: The specification file.
        stack: What it says.
        configuration: What the tasks depend on beside it.
        graph: The whole task graph.
        options: What the caller set.
        environment: Environment variables, as a value.
    """

    path: Path
    stack: Stack
    configuration: Configuration
    graph: TaskGraph
    options: Options
    environment: Mapping[str, str]

    @property
    def base(self) -> Path:
        """The folder that all stored paths are relative to."""
        return self.path.parent

    @property
    def local_wheel_folders(self) -> tuple[Path, ...]:
        """Folders of local wheels, absolute."""
        return tuple(_folder(self.base, name) for name in self.options.local_wheels)

    @property
    def jobs(self) -> int:
        """Tasks that run at the same time."""
        return self.options.jobs or self.stack.settings.jobs or usable_processors()

    @property
    def cache(self) -> Path:
        """Folder for downloads and prepared runtimes."""
        named = self.options.cache or self.stack.settings.cache or self.environment.get("VENVSTACKS_CACHE")
        if named:
            return _folder(self.base, named)
        from platformdirs import user_cache_path  # noqa: PLC0415 - only asked for when something is built

        return user_cache_path("venvstacks", appauthor=False)


def load_project(
    path: Path | str, options: Options | None = None, environment: Mapping[str, str] | None = None
) -> Project:
    """Read the specification at `path` and compile it.

    Raises:
        SpecificationError: It cannot be read or is wrong; carries every fault.
        GraphError: Its tasks do not fit together.
        UsageError: An option makes no sense.
    """
    options = options or Options()
    environment = dict(os.environ if environment is None else environment)
    path = Path(path).expanduser().absolute()
    draft = parse_draft(_read(path, path.name), path.name)
    stack = resolve(draft, _read_surroundings(draft, path.parent, environment))
    configuration = _configure(stack.settings, options, path.parent, _epoch(environment))
    return Project(path, stack, configuration, compile_stack(stack, configuration), options, environment)


def _read(path: Path, shown: str) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        message, hint = "there is no such file", f"looked for {path}"
    except IsADirectoryError:
        message, hint = "this is a folder", f"name the file in it, e.g. {shown}/venvstacks.toml"
    except UnicodeDecodeError as error:
        message, hint = f"not UTF-8 text: {error.reason} at byte {error.start}", "TOML files are UTF-8"
    except OSError as error:
        message, hint = f"cannot be read: {error.strerror or error}", "check its permissions"
    raise SpecificationError(shown, (Fault(message, hint=hint),))


def _read_surroundings(draft: Draft, base: Path, environment: Mapping[str, str]) -> Surroundings:
    return Surroundings(
        sources={path: _read_source(base, path) for path in draft.module_paths},
        uv_file=_read_uv_file(base / UV_FILE) if draft.uv is None else None,
        macosx_deployment_target=environment.get("MACOSX_DEPLOYMENT_TARGET") or None,
        exclude_newer=environment.get("UV_EXCLUDE_NEWER") or None,
        requirement_files=_read_requirement_files(draft.requirement_files, base),
    )


def _read_requirement_files(paths: Iterable[str], base: Path) -> dict[str, str | None]:
    """The texts of files that hold requirements, and of those that they include; None for what is not there."""
    texts: dict[str, str | None] = {}
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        if path not in texts:
            text = texts[path] = _read(base / path, path) if (base / path).exists() else None
            waiting += included_files(path, text or "")
    return texts


def _read_source(base: Path, path: str) -> SourceTree | None:
    try:
        return read_source(base, path)
    except OSError as error:
        raise SourceError(
            f"module {path} cannot be read: {error.strerror or error}", hint="check its name and permissions"
        ) from error


def _read_uv_file(path: Path) -> UvTable | None:
    if not path.exists():
        return None
    try:
        return tomllib.loads(_read(path, path.name))
    except tomllib.TOMLDecodeError as error:
        raise SpecificationError(path.name, (Fault(f"not valid TOML: {error}"),)) from None


def _configure(settings: ToolSettings, options: Options, base: Path, epoch: int | None) -> Configuration:
    layout = StackLayout(
        build=_stored(base, options.build_dir),
        artifacts=_stored(base, options.output_dir),
        export=_stored(base, options.export_dir),
    )
    if len({layout.build, layout.artifacts, layout.export}) < 3:
        raise UsageError(
            "environments, archives and exports cannot share a folder",
            hint=f"they go to {layout.build}, {layout.artifacts} and {layout.export}; choose another output folder",
        )
    chosen, level = _choose_compression(settings, options)
    check = settings.check_imports if options.check_imports is None else options.check_imports
    for name in options.runtime_providers or ():
        _check_provider(name)
    return Configuration(
        platform=identify_platform(sys.platform, platform.machine()),
        layout=layout,
        tools=_tool_versions(),
        archive_format=chosen.suffix,
        archive_level=level,
        epoch=epoch,
        tag_outputs=options.tag_outputs,
        local_wheels=_local_wheels(base, options.local_wheels),
        check_imports=check,
        bytecode=settings.bytecode,
        link_mode=options.link_mode or settings.link_mode,
        runtime_providers=options.runtime_providers or settings.runtime_providers,
    )


def _choose_compression(settings: ToolSettings, options: Options) -> tuple[ArchiveFormat, int | None]:
    """Format and level of archives; what the caller says goes before what the specification says."""
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


def _check_provider(name: str) -> None:
    known = get_args(ProviderName)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
        raise UsageError(f"'{name}' is no runtime provider", hint=hint)


def _epoch(environment: Mapping[str, str]) -> int | None:
    """`SOURCE_DATE_EPOCH`, by the reproducible builds project's specification of it: seconds since 1970."""
    text = environment.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise UsageError(
            f"SOURCE_DATE_EPOCH is not a number of seconds: {text!r}",
            hint="give seconds since 1970 (UTC), or unset it to use the times of the locks",
        )
    return check_epoch(int(text))


def _folder(base: Path, name: str) -> Path:
    return base / Path(name).expanduser()


def _stored(base: Path, name: str) -> str:
    """A folder as stored paths begin: relative to the specification's folder where that is possible."""
    folder = os.path.normpath(_folder(base, name))
    try:
        return Path(os.path.relpath(folder, base)).as_posix()
    except ValueError:  # another drive on Windows
        return Path(folder).as_posix()


def _local_wheels(base: Path, folders: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for name in folders:
        folder = _folder(base, name)
        if not folder.is_dir():
            raise UsageError(f"there is no folder of local wheels {folder}", hint="check --local-wheels")
        found += sorted(_stored(base, str(wheel)) for wheel in folder.glob("*.whl"))
    return tuple(found)


def _tool_versions() -> dict[str, str]:
    import zlib  # noqa: PLC0415 - the version that counts is the loaded library's

    versions = {name: metadata.version(name) for name in ("venvstacks", "uv", "zstandard")}
    return {**versions, "zlib": zlib.ZLIB_RUNTIME_VERSION, "python": platform.python_version()}
