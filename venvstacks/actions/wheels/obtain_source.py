"""The source of an own package: its commit or digest, and its files in a folder of their own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from venvstacks.actions.toolset import Tools
from venvstacks.actions.wheels.wheel_request import OwnWheelRequest
from venvstacks.digests import prefixed, sha256_bytes, sha256_file
from venvstacks.errors import LockError, ProcessFailedError, RuntimeUnavailableError
from venvstacks.model.own_packages import ProjectFolder
from venvstacks.model.sources import Source
from venvstacks.modes import file_mode
from venvstacks.records.wheel_pins import WheelPin
from venvstacks.runtimes.unpack_python import unpack
from venvstacks.tools.cache_locks import note_use
from venvstacks.tools.files import make_folders, write_atomically
from venvstacks.tools.git import Repository
from venvstacks.tools.git_versions import make_tagged
from venvstacks.tools.transfer import Downloads, WantedFile
from venvstacks.urls import shown

_LARGEST_ARCHIVE = 1 << 30


@dataclass(frozen=True)
class ObtainedSource:
    """A source whose content is known.

    Attributes:
        request: The package.
        commit: The commit of a repository; None for other sources.
        digest: The digest of files or of an archive; None for repositories.
        archive: The archive, where the source is one.
    """

    request: OwnWheelRequest
    commit: str | None = None
    digest: str | None = None
    archive: Path | None = None

    @property
    def identity(self) -> str:
        """Commit or digest."""
        return self.commit or self.digest or ""

    def write_to(self, folder: Path, tools: Tools) -> Path:
        """Write the files into a new folder, and give the folder of the project in it.

        Raises:
            LockError: They cannot be had, or hold no such project.
            OSError: They cannot be written.
        """
        source, request = self.request.package.source, self.request
        if self.commit:
            _repository(request, tools).check_out(self.commit, folder)
        elif self.archive:
            _unpack(self.archive, folder)
            folder = _top_folder(folder)
        else:
            package = request.package
            assert package.tree is not None  # noqa: S101 - sources in folders have files
            found = ProjectFolder(package.tree, git_version=package.git_version)
            epoch, environment = request.source_date_epoch, tools.environment
            folder = copy_project(request.base, found, folder, epoch=epoch, environment=environment)
        project = folder / (source.subdirectory or ".")
        if not any((project / name).is_file() for name in ("pyproject.toml", "setup.py")):
            raise LockError(
                f"{source.label} holds no Python project: there is neither pyproject.toml nor setup.py",
                hint="name the folder of the project with subdirectory = ...",
            )
        return project


def obtain_source(request: OwnWheelRequest, pin: WheelPin | None, tools: Tools) -> ObtainedSource:
    """Find out which content a source has: for branches and URLs, the pinned one unless they are to move on.

    Raises:
        LockError: The source cannot be read, or is another one than the pinned one.
        TransferError: An archive cannot be fetched.
        OSError: A file cannot be read, or the cache not be written.
    """
    source = request.package.source
    kept = pin if pin and not request.upgrade and pin.source == request.source_settings() else None
    if source.git is not None:
        kind = next((kind for kind in ("rev", "tag", "branch") if getattr(source, kind) is not None), None)
        commit = kept.commit if kept else None
        return ObtainedSource(request, commit=commit or _repository(request, tools).commit_of(kind, source.revision))
    if source.url is not None:
        archive = _fetch(source, kept.digest if kept else None, tools)
        return ObtainedSource(request, digest=prefixed(sha256_file(archive)), archive=archive)
    digest = request.digest_of_files(tools.digests)
    tree = request.package.tree
    return ObtainedSource(
        request, digest=digest, archive=None if tree is None or tree.is_package else request.base / tree.path
    )


def _repository(request: OwnWheelRequest, tools: Tools) -> Repository:
    return Repository(request.package.source.git or "", tools.cache, tools.processes, tools.environment, request.log)


def _fetch(source: Source, pinned: str | None, tools: Tools) -> Path:
    """The archive at a URL, in the cache by its digest."""
    expected = source.sha256 or (pinned or "").removeprefix("sha256:")
    folder = tools.cache / "sources"
    with Downloads(tools.environment, tools.progress, stopping=lambda: tools.processes.stopping) as downloads:
        if not expected:
            data = downloads.read(source.address, _LARGEST_ARCHIVE)
            place = folder / sha256_bytes(data)
            write_atomically(place, data)
            return place
        place = folder / expected
        note_use(place)
        if not place.is_file() or sha256_file(place) != expected:
            make_folders(folder)
            downloads.fetch(WantedFile(source.address, expected), place)
        return place


def _unpack(archive: Path, folder: Path) -> None:
    folder.mkdir()
    try:
        unpack(archive, folder)
    except RuntimeUnavailableError as error:
        raise LockError(
            f"the source {shown(archive.name)} cannot be unpacked: {error.message}", hint=error.hint
        ) from None


def _top_folder(folder: Path) -> Path:
    """The one folder at the top of an archive, or the archive's own top where there is more."""
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def copy_project(
    base: Path, source: ProjectFolder, folder: Path, *, epoch: int, environment: Mapping[str, str]
) -> Path:
    """Copy the files that belong to a project, and no others; builds leave their traces in the copy.

    Args:
        base: What the project's path is relative to.
        source: The project.
        folder: A new folder.
        epoch: Time of the commit that a copy in a repository gets, in seconds.
        environment: Environment variables for git.

    Returns:
        The copy. Where the version comes from git, it lies in a repository as the project does.

    Raises:
        LockError: A file is missing, or git fails.
        OSError: A file cannot be written.
    """
    tree, version = source.tree, source.git_version
    project = folder / version.prefix if version else folder
    for name in tree.files:
        place = project / name
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(base / tree.place_of(name), place)
        except FileNotFoundError as error:
            raise LockError(
                f"a file of project {tree.path} was removed while it was copied: {name}", hint="run again"
            ) from error
        place.chmod(file_mode(executable=name in tree.executable))
    if version:
        try:
            make_tagged(folder, version.tag, epoch, environment)
        except ProcessFailedError as error:
            raise LockError(f"git fails for a copy of {tree.path}", details=error.details) from error
    return project
