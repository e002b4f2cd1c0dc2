"""Versions that projects take from git's tags: the tag of a folder's work tree, and a copy that has the same tag.

Backends such as setuptools-scm and hatch-vcs ask git in the folder that they build. Between two tags they would give
each commit a version of its own, also the commit that adds a lock to the repository, which would then never be valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from venvstacks.errors import ProcessFailedError
from venvstacks.tools.process import Processes, Rights, scrubbed_environment

_SETTINGS = (
    "core.autocrlf=false", "core.hooksPath=/dev/null", "gc.auto=0", "commit.gpgSign=false", "tag.gpgSign=false",
    "core.excludesFile=", "user.name=venvstacks", "user.email=",
)  # fmt: skip


def read_git_version(folder: Path, environment: Mapping[str, str]) -> tuple[str, str | None] | None:
    """Where a folder is in its work tree, and the newest tag that the present commit has behind it, if there is one.

    None outside of repositories.
    """
    try:
        prefix = _git(folder, environment, "rev-parse", "--show-prefix").strip("/")
    except ProcessFailedError:
        return None
    try:
        return prefix, _git(folder, environment, "describe", "--tags", "--abbrev=0")
    except ProcessFailedError:  # no tag yet
        return prefix, None


def make_tagged(folder: Path, tag: str | None, epoch: int, environment: Mapping[str, str]) -> None:
    """Make a folder of files a repository of one commit, with the tag of the work tree that they were copied from.

    Raises:
        ProcessFailedError: git fails.
    """
    when = f"{epoch} +0000"
    dated = {**environment, "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    for command in (
        ("init", "--quiet", "--template=", "--initial-branch=main"),
        ("add", "--all", "--force"),
        ("commit", "--quiet", "--allow-empty", "--no-verify", "--message=source"),
        *([("tag", "--", tag)] if tag else []),
    ):
        _git(folder, dated, *command)


def _git(folder: Path, environment: Mapping[str, str], *arguments: str) -> str:
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    variables = scrubbed_environment(environment, keep=("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE", "GIT_CONFIG_GLOBAL"))
    argv: list[str | Path] = ["git", "-C", folder, *settings, *arguments]
    done = Processes().run(argv, env={**variables, "LC_ALL": "C"}, rights=Rights(umask=0o022))
    return done.stdout.strip()
