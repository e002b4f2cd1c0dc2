"""The files around a specification, read from disk: its text, requirement files, uv settings, modules."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping
from pathlib import Path

from venvstacks.errors import Fault, SourceError, SpecificationError
from venvstacks.loading.options import Options
from venvstacks.loading.own_projects import read_projects
from venvstacks.loading.python_series import choose_pythons
from venvstacks.model.draft import Draft
from venvstacks.model.layout import StackLayout
from venvstacks.model.source_trees import SourceTree
from venvstacks.model.specification import UvTable
from venvstacks.model.surroundings import Surroundings
from venvstacks.model.toml_text import TomlError, parse_toml
from venvstacks.tools.module_files import read_source

UV_FILE = "venvstacks.uv.toml"
_MOST_BYTES = 64 << 20  # a hundred times what the largest stacks need; devices end nowhere


def read_text(path: Path, shown: str) -> str:
    """The text of a file; `shown` is what errors call it.

    Raises:
        SpecificationError: It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) <= _MOST_BYTES:
            return _universal(content.decode("utf-8-sig"))  # editors on Windows put a mark before the text
        message, hint = f"it has more than {_MOST_BYTES >> 20} MiB", "name a specification"
    except FileNotFoundError:
        message, hint = "there is no such file", f"looked for {path}"
    except IsADirectoryError:
        message, hint = "this is a folder", f"name the file in it, e.g. {shown}/venvstacks.toml"
    except UnicodeDecodeError as error:
        message, hint = f"not UTF-8 text: {error.reason} at byte {error.start}", "TOML files are UTF-8"
    except OSError as error:
        message, hint = f"cannot be read: {error.strerror or error}", "check its permissions"
    raise SpecificationError(shown, (Fault(message, hint=hint),))


def _universal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_surroundings(draft: Draft, base: Path, options: Options, environment: Mapping[str, str]) -> Surroundings:
    """Everything on disk that resolving a draft needs.

    Raises:
        SpecificationError: A file cannot be read.
        SourceError: A module cannot be read.
    """
    uv_file = _read_uv_file(base / UV_FILE) if draft.uv is None else None
    written = (options.build_dir, options.output_dir, options.export_dir, StackLayout().wheel_pins)
    others = (*written, draft.source, UV_FILE)  # no build reads what describes the stack
    return Surroundings(
        sources={path: _read_source(base, path) for path in draft.module_paths},
        uv_file=uv_file,
        macosx_deployment_target=environment.get("MACOSX_DEPLOYMENT_TARGET") or None,
        exclude_newer=environment.get("UV_EXCLUDE_NEWER") or None,
        requirement_files=read_requirement_files(draft.requirement_files, base),
        folder=base.resolve().as_posix(),
        pythons=choose_pythons(draft, base, options, environment),
        projects=read_projects(draft, (uv_file if draft.uv is None else draft.uv) or {}, base, environment, others),
    )


def read_requirement_files(paths: Iterable[str], base: Path) -> dict[str, str | ValueError | None]:
    """The texts of files that hold requirements, and of those that they include; None for what is not there."""
    texts: dict[str, str | ValueError | None] = {}
    waiting = list(paths)
    if waiting:
        from venvstacks.model.requirement_files import included_files  # noqa: PLC0415 - few specifications name files
    while waiting:
        path = waiting.pop()
        if path not in texts:
            text = texts[path] = _read_requirement_file(base / path)
            waiting += included_files(path, text) if isinstance(text, str) else ()
    return texts


def _read_requirement_file(path: Path) -> str | ValueError | None:
    """The text of a file in UTF-8, or in UTF-16 with a byte order mark, as PowerShell's `>` writes it."""
    try:
        data = path.read_bytes()
        encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
        return data.decode(encoding)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        return ValueError(f"it is neither UTF-8 nor UTF-16 text ({error.reason} at byte {error.start})")
    except (OSError, ValueError) as error:
        return ValueError(getattr(error, "strerror", None) or str(error))


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
        return parse_toml(read_text(path, path.name))
    except TomlError as error:
        raise SpecificationError(path.name, (Fault(str(error), error.line),)) from None
