"""The executables of a built environment: scripts become relocatable launchers; what no package brings is removed."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

from venvstacks.actions.building.declared_scripts import declared_scripts
from venvstacks.actions.building.wheel_records import installed_path, read_record, record_digest, record_rows, rows_text
from venvstacks.digests import sha256_bytes
from venvstacks.linking.launchers import (
    console_script,
    names_python_in,
    posix_header,
    split_shebang,
    windows_script,
    windows_shebang,
)
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import TargetPlatform
from venvstacks.modes import file_mode
from venvstacks.tools.files import write_atomically
from venvstacks.tools.tree_removal import remove_tree

_EPOCH = (1980, 1, 1, 0, 0, 0)
_PROGRAMS = {
    ("amd64", "console_scripts"): "t64.exe", ("amd64", "gui_scripts"): "w64.exe",
    ("arm64", "console_scripts"): "t64-arm.exe", ("arm64", "gui_scripts"): "w64-arm.exe",
}  # fmt: skip


@dataclass(frozen=True)
class ScriptsRequest:
    """What to do with the scripts of an environment.

    Attributes:
        environment: The tree.
        layout: Its layout.
        platform: The platform that it is for.
        keep: File names in the folder of executables that are kept as they are: the interpreter under all its names.
        launchers: Whether scripts become launchers; else they are removed.
    """

    environment: Path
    layout: EnvironmentLayout
    platform: TargetPlatform
    keep: frozenset[str]
    launchers: bool = True

    @property
    def folder(self) -> Path:
        """The folder that installers put scripts into."""
        return self.environment / self.inner_folder

    @property
    def inner_folder(self) -> str:
        """The same, relative to the environment."""
        return "Scripts" if self.platform.is_windows else "bin"


def settle_scripts(request: ScriptsRequest) -> None:
    """Replace the scripts of installed distributions by launchers, and correct their RECORDs.

    Files that no RECORD lists, such as the activation scripts of `venv`, are removed: they hold absolute paths.

    Raises:
        OSError: The environment cannot be read or written to.
    """
    present = {path.name for path in request.folder.iterdir()} if request.folder.is_dir() else set()
    if not present - request.keep:
        return
    listed: set[str] = set()
    for record in sorted((request.environment / request.layout.site_dir).glob("*.dist-info/RECORD")):
        listed |= _settle_distribution(request, record, present)
    for name in present - listed - request.keep:
        remove_tree(request.folder / name)


def _settle_distribution(request: ScriptsRequest, record: Path, present: set[str]) -> set[str]:
    """Do so for one distribution; return the names of all its files in the folder."""
    rows = record_rows(read_record(record))
    scripts = {name: row for row in rows if (name := _script_name(request, row[0])) in present}
    if not scripts:
        return set()
    declared = declared_scripts(record.parent, request.layout.short_version)
    contents = dict(_new_contents(request, declared, scripts))
    for name, content in contents.items():
        place = request.folder / name
        remove_tree(place)
        if content is None:
            rows.remove(scripts[name])
            continue
        write_atomically(place, content)
        place.chmod(file_mode(executable=not request.platform.is_windows))
        scripts[name][1:] = [record_digest(sha256_bytes(content)), str(len(content))]
    if contents:
        write_atomically(record, rows_text(rows))
    return set(scripts)


def _script_name(request: ScriptsRequest, listed: str) -> str:
    """The name of a file in the folder of executables; empty for a file in another folder."""
    folder, _, name = installed_path(request.layout.site_dir, listed).rpartition("/")
    return name if folder == request.inner_folder else ""


def _new_contents(
    request: ScriptsRequest, declared: Mapping[str, EntryPoint], scripts: Mapping[str, object]
) -> Iterator[tuple[str, bytes | None]]:
    """New content of each file that is a script of the environment's Python; None for one that is removed."""
    for name in sorted(scripts):
        point = declared.get(name.removesuffix(".exe") if request.platform.is_windows else name)
        if point is not None:
            yield name, _launcher(request, point) if request.launchers else None
            continue
        shebang = split_shebang((request.folder / name).read_bytes())
        if shebang and names_python_in(shebang[0], request.folder.as_posix()):
            header = b"#!python\n" if request.platform.is_windows else posix_header(_python(request)).encode()
            yield name, header + shebang[1] if request.launchers else None


def _launcher(request: ScriptsRequest, point: EntryPoint) -> bytes:
    module, function = point.module, point.attr
    if not request.platform.is_windows:
        return console_script(module, function, _python(request)).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        main = zipfile.ZipInfo("__main__.py", _EPOCH)
        main.create_system = 3  # the same on every system that builds
        file.writestr(main, windows_script(module, function))
    python = _python(request).replace("/", "\\")
    if point.group == "gui_scripts":
        python = python.replace("python.exe", "pythonw.exe")
    return _windows_program(request, point.group) + windows_shebang(python) + archive.getvalue()


def _windows_program(request: ScriptsRequest, group: str) -> bytes:
    import distlib  # noqa: PLC0415 - only for Windows

    return (Path(distlib.__file__).parent / _PROGRAMS[request.platform.machine, group]).read_bytes()


def _python(request: ScriptsRequest) -> str:
    return posixpath.relpath(request.layout.python, request.inner_folder)
