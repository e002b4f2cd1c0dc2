"""Safe unpacking of packed Pythons: tar in any usual compression, and zip.

Nothing an archive says can write outside the folder that it is unpacked to: names are checked, files are only ever
created where no link can be on the way, and links are made last and must end inside. Owners, times and modes other
than the executable bit are not taken over.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from venvstacks.errors import RuntimeUnavailableError
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.model.relative_paths import check_windows_names, is_absolute
from venvstacks.modes import file_mode, is_executable

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZIP_MAGIC = b"PK\x03\x04"


def unpack(archive: Path, folder: Path, *, windows: bool = False) -> None:
    """Unpack all members of `archive` into the empty folder `folder`.

    Args:
        archive: The file.
        folder: The folder.
        windows: Whether the archive is for Windows. Then, and always on Windows, names are refused that Windows cannot
            store or takes for devices: writing to one loses the content, or leads out of the folder.

    Raises:
        RuntimeUnavailableError: It is no archive, is damaged, or holds what no Python needs (devices, names or links
            that lead out of it).
        OSError: The folder cannot be written.
    """
    destination = _Destination(folder, windows_names=windows or os.name == "nt")
    try:
        if _starts_with(archive, _ZIP_MAGIC):
            _unpack_zip(archive, destination)
        else:
            _unpack_tar(archive, destination)
    except _shape_errors() as error:
        raise RuntimeUnavailableError(
            f"{archive.name} cannot be unpacked: {error}",
            hint="expected is a .tar.gz, .tar.bz2, .tar.xz, .tar.zst or .zip",
        ) from error


def _shape_errors() -> tuple[type[Exception], ...]:
    """The errors of the libraries for damaged streams and for members that would replace others."""
    import gzip  # noqa: PLC0415 - slow to import, like the next ones, and only wanted for failures
    import lzma  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    import zstandard  # noqa: PLC0415

    streams = zlib.error, lzma.LZMAError, zstandard.ZstdError, gzip.BadGzipFile, EOFError
    members = ValueError, FileExistsError, IsADirectoryError, NotADirectoryError
    return tarfile.TarError, zipfile.BadZipFile, *streams, *members


def find_root(folder: Path, python: PythonImplementation, platform: TargetPlatform) -> Path:
    """Where in an unpacked archive the runtime begins.

    Archives hold it at the top, in one folder (`python/` in python-build-standalone's "install only" archives) or in
    `install` below that (its full archives).

    Raises:
        RuntimeUnavailableError: The interpreter is in none of these places.
    """
    wanted = EnvironmentLayout.of_python(python, platform).interpreter
    children = sorted(child for child in folder.iterdir() if child.is_dir() and not child.is_symlink())
    for root in (folder, *children, *(child / "install" for child in children)):
        if os.path.lexists(root / wanted):
            return root
    raise RuntimeUnavailableError(
        f"the archive holds no {wanted}, so it is not {python} for {platform.name}",
        hint="the interpreter must be at the archive's top or in a single folder there",
    )


@dataclass(frozen=True)
class _Destination:
    """Where members are written to.

    Attributes:
        folder: The folder.
        windows_names: Whether names that Windows cannot store are refused.
    """

    folder: Path
    windows_names: bool

    def place(self, name: str, *, is_folder: bool = False) -> Path:
        """Where the member `name` belongs; a folder may be the packed folder itself (`./`).

        Raises:
            ValueError: The name leads out of the folder, or cannot be stored.
        """
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if not (parts or is_folder) or ".." in parts or is_absolute(name):
            raise ValueError(f"the member name {name!r} leads out of the archive")
        if self.windows_names and parts:
            check_windows_names("/".join(parts))
        return self.folder.joinpath(*parts)


def _unpack_zip(archive: Path, destination: _Destination) -> None:
    with zipfile.ZipFile(archive) as pack:
        for info in pack.infolist():
            place = destination.place(info.filename, is_folder=info.is_dir())
            if info.is_dir():
                place.mkdir(parents=True, exist_ok=True)
                continue
            with pack.open(info) as content:
                _write(place, content, executable=is_executable(info.external_attr >> 16))


def _unpack_tar(archive: Path, destination: _Destination) -> None:
    links: list[tuple[Path, str]] = []
    with _open_tar(archive) as pack:
        for member in pack:
            place = destination.place(member.name, is_folder=member.isdir())
            if member.isdir():
                place.mkdir(parents=True, exist_ok=True)
            elif member.issym():
                links.append((place, member.linkname))
            elif member.islnk():
                _copy_again(destination.place(member.linkname), place)
            elif member.isreg():
                content = pack.extractfile(member)
                if content is not None:
                    _write(place, content, executable=is_executable(member.mode))
            else:
                raise ValueError(f"{member.name} is neither a file nor a folder nor a link")
    _make_links(destination.folder, links)


@contextlib.contextmanager
def _open_tar(archive: Path) -> Iterator[tarfile.TarFile]:
    """`archive` as a stream of members; tarfile itself learns Zstandard only in Python 3.14."""
    if not _starts_with(archive, _ZSTD_MAGIC):
        with tarfile.open(archive, mode="r:*") as pack:
            yield pack
        return
    import zstandard  # noqa: PLC0415 - only needed for this kind of archive

    unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 31)
    with (
        archive.open("rb") as stream,
        unpacker.stream_reader(stream) as plain,
        tarfile.open(fileobj=plain, mode="r|") as pack,
    ):
        yield pack


def _starts_with(archive: Path, magic: bytes) -> bool:
    with archive.open("rb") as stream:
        return stream.read(len(magic)) == magic


def _write(place: Path, content: IO[bytes], *, executable: bool) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as stream:
        shutil.copyfileobj(content, stream, 1 << 18)
    place.chmod(file_mode(executable=executable))


def _copy_again(source: Path, place: Path) -> None:
    """A hard link in an archive becomes a file of its own: trees from the cache are linked, so inodes are shared."""
    if not source.is_file():
        raise ValueError(f"{place.name} is a hard link to a file that did not come before it")
    with source.open("rb") as content:
        _write(place, content, executable=is_executable(source.stat().st_mode))


def _make_links(folder: Path, links: list[tuple[Path, str]]) -> None:
    """Create symbolic links if they and their targets are inside `folder`, also where they lead through each other."""
    root = folder.resolve()
    for place, target in links:
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.parent.resolve().is_relative_to(root):
            raise ValueError(f"a link in the archive leads out of it: {place.name} -> {target}")
        place.symlink_to(target)
    for place, target in links:
        if PurePosixPath(target).is_absolute() or not place.resolve().is_relative_to(root):
            raise ValueError(f"a link in the archive leads out of it: {place.name} -> {target}")
