"""The contents that a user names: by a specification, a publication's folder or URL, locks, or a revision in git."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from venvstacks.deployment.steps.publication_source import open_source
from venvstacks.errors import ProcessFailedError, UsageError
from venvstacks.insight.contents import StackContents
from venvstacks.insight.reading.lock_contents import contents_of_locks, is_lock, locks_in
from venvstacks.insight.reading.project_contents import read_project
from venvstacks.insight.reading.publication_contents import read_publication
from venvstacks.loading.options import Options
from venvstacks.loading.project import Project, load_project
from venvstacks.model.conventions import METADATA_DIR
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import TargetPlatform
from venvstacks.tools.files import home_expanded
from venvstacks.tools.process import Processes, scrubbed_environment
from venvstacks.tools.transfer import Downloads

_SPECIFICATION = "venvstacks.toml"
_LOCKS = StackLayout().requirements


@dataclass(frozen=True)
class Reading:
    """How contents are read.

    Attributes:
        platform: For which platform, where there are several.
        environment: Environment variables: proxies, certificates, git's.
        here: The folder that revisions in git are about: that of the specification.
        options: Options of projects.
    """

    platform: TargetPlatform
    environment: Mapping[str, str] = field(repr=False)
    here: Path = field(default_factory=Path)
    options: Options = field(default_factory=Options)


def read_contents(text: str, reading: Reading) -> StackContents:
    """The contents of a specification's project, or of a publication.

    Raises:
        VenvstacksError: There is neither, or it is not valid.
    """
    if is_publication(text):
        with Downloads(reading.environment) as downloads:
            return read_publication(open_source(text, lambda: downloads), reading.platform)
    project = named_project(text, reading)
    if project is None:
        raise UsageError(
            f"{text} is neither a publication nor a folder with a specification",
            hint="name a venvstacks.toml, the folder that `venvstacks publish` has written, or its URL",
        )
    return read_project(project)


def is_publication(text: str) -> bool:
    """Whether it is a URL, or a folder with published metadata."""
    return "://" in text or (home_expanded(text) / METADATA_DIR).is_dir()


def named_project(text: str, reading: Reading) -> Project | None:
    """The project of a specification, or of the one in a folder; None for publications and other folders.

    Raises:
        SpecificationError: It cannot be read, or is wrong.
    """
    place = home_expanded(text)
    if is_publication(text):
        return None
    if place.is_dir():
        if not (place / _SPECIFICATION).is_file():
            return None
        place /= _SPECIFICATION
    return load_project(place, reading.options, reading.environment)


def read_side(text: str, reading: Reading, *, prefer_locks: bool) -> StackContents:
    """One side of a comparison: also locks alone, in a folder or a revision.

    Args:
        text: What the user named.
        reading: How to read it.
        prefer_locks: Whether of a project only its locks are compared, as the other side is locks too.

    Raises:
        VenvstacksError: There is no such thing, or it is not valid.
    """
    folder = lock_folder(text)
    if folder is not None and (prefer_locks or folder == home_expanded(text)):
        return contents_of_locks(text, locks_in(folder), reading.platform)
    if is_revision(text):
        return contents_of_locks(text, _locks_of_revision(text, reading), reading.platform)
    return read_contents(text, reading)


def holds_locks_alone(text: str) -> bool:
    """Whether a name stands for locks without a specification: a folder of locks, or a revision."""
    return is_revision(text) or lock_folder(text) == home_expanded(text)


def is_revision(text: str) -> bool:
    """Whether it can only be the name of a revision: it is no URL, and there is no such file or folder."""
    return "://" not in text and not home_expanded(text).exists()


def lock_folder(text: str) -> Path | None:
    """The folder of the locks that a name stands for: of itself, or next to a specification; None if there are none."""
    if "://" in text:
        return None
    place = home_expanded(text)
    beside = place if place.is_dir() else place.parent
    candidates = (place, beside / _LOCKS) if place.is_dir() else (beside / _LOCKS,)
    exists = place.exists() and not (place / METADATA_DIR).is_dir()
    return next((folder for folder in candidates if exists and any(folder.glob("*/pylock.*.toml"))), None)


def _locks_of_revision(revision: str, reading: Reading) -> dict[str, str]:
    """The texts of the locks next to the specification in a revision, by environment name.

    Raises:
        UsageError: There is no such revision, or it holds no locks.
    """
    unknown = UsageError(
        f"'{revision}' is neither a file, a folder nor a URL, nor a revision that git knows here",
        hint="name a specification, a publication, a folder of locks, or a commit, tag or branch",
    )
    if revision.startswith("-") or ":" in revision:
        raise unknown
    listed = _git(reading, "ls-tree", "-r", "-z", "--name-only", revision, "--", f"{_LOCKS}/")
    if listed is None:
        raise unknown
    inside = [name.removeprefix(f"{_LOCKS}/") for name in listed.split("\0") if name.startswith(f"{_LOCKS}/")]
    texts = {
        name.partition("/")[0]: _git(reading, "show", f"{revision}:./{_LOCKS}/{name}")
        for name in inside
        if is_lock(name)
    }
    found = {name: text for name, text in texts.items() if text is not None}
    if not found:
        raise UsageError(f"revision {revision} has no locks in {_LOCKS}/", hint="commit the folder of the locks")
    return found


def _git(reading: Reading, *arguments: str) -> str | None:
    """What git prints in the folder of the specification; None if it fails.

    Raises:
        UsageError: git cannot be started.
    """
    variables = {**scrubbed_environment(reading.environment), "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = Processes().run(["git", "-C", reading.here.absolute(), *arguments], env=variables, check=False)
    except ProcessFailedError as error:
        raise UsageError("git cannot be started", hint="install git, or compare publications") from error
    return done.stdout if done.returncode == 0 else None
