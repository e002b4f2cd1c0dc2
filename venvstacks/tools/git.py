"""git: mirrors of repositories in the cache, commits that revisions name, and checkouts.

git runs without a terminal, without hooks and without the user's line ends. Credentials that stand in a URL reach it
through its environment, so that no command line, log or checkout holds them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from venvstacks.digests import sha256_bytes
from venvstacks.errors import LockError, ProcessFailedError
from venvstacks.tools.cache_locks import note_use
from venvstacks.tools.process import Completed, Processes, Rights, scrubbed_environment
from venvstacks.urls import shown, without_logins

_KEPT = frozenset({
    "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_NO_VERIFY",
    "SSH_ASKPASS", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME",
})  # fmt: skip
_SETTINGS = (
    "core.autocrlf=false", "core.eol=lf", "core.fileMode=true", "core.hooksPath=/dev/null", "gc.auto=0",
    "advice.detachedHead=false", "submodule.recurse=false", "fetch.recurseSubmodules=false",
)  # fmt: skip
_RIGHTS = Rights(umask=0o022)
_DEFAULT = "refs/venvstacks/default"
_ALL = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


@dataclass(frozen=True)
class Repository:
    """One repository.

    Attributes:
        url: Its URL, with credentials if the specification has some.
        cache: The cache folder.
        processes: Starts git.
        environment: This program's own environment variables.
        log: File that collects what git prints.
    """

    url: str = field(repr=False)
    cache: Path
    processes: Processes
    environment: Mapping[str, str] = field(repr=False)
    log: Path | None = None

    @property
    def place(self) -> str:
        """The URL without credentials. The user name of an ssh URL is none."""
        return without_logins(self.url) if self._has_login else self.url

    def commit_of(self, kind: str | None, revision: str | None) -> str:
        """The commit that a revision names at present: 40 hex digits (64 where git uses SHA-256).

        Args:
            kind: `tag`, `branch` or `rev`; None for the default branch.
            revision: Its name.

        Raises:
            LockError: The repository cannot be read, or has no such revision.
        """
        with self._locked_mirror() as mirror:
            self._fetch(mirror, *_ALL, f"+HEAD:{_DEFAULT}")
            for name in _candidates(kind, revision):
                if (commit := self._parse(mirror, name)) is not None:
                    return commit
            if kind == "rev" and revision and re.fullmatch("[0-9a-f]{40,64}", revision):
                self._fetch(mirror, revision, missing=self._no_such(revision))
                return revision
        raise self._no_such(f"{kind} '{revision}'" if revision else "default branch")

    def check_out(self, commit: str, folder: Path) -> None:
        """Put the files of a commit, with its submodules, into a folder that does not exist yet.

        Raises:
            LockError: The commit is in the repository no more, or a submodule cannot be had.
        """
        with self._locked_mirror() as mirror:
            if self._parse(mirror, commit) is None:
                self._fetch(mirror, *_ALL)
            if self._parse(mirror, commit) is None:
                self._fetch(mirror, commit, missing=self._vanished(commit))
            self._git("clone", "--quiet", "--no-checkout", "--template=", mirror, folder)
        self._git("-C", folder, "remote", "set-url", "origin", self.place)
        self._git("-C", folder, "checkout", "--quiet", "--detach", "--force", commit)
        if (folder / ".gitmodules").is_file():
            self._git("-C", folder, "submodule", "--quiet", "update", "--init", "--recursive", "--force")

    @contextmanager
    def _locked_mirror(self) -> Iterator[Path]:
        from filelock import FileLock  # noqa: PLC0415 - 30 ms, and few stacks have repositories

        folder = self.cache / "git"
        mirror = folder / sha256_bytes(self.place.encode())[:24]
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{mirror.name}.lock"):
            if not (mirror / "HEAD").is_file():
                self._git("init", "--quiet", "--bare", "--template=", mirror)
            note_use(mirror / "HEAD")
            yield mirror

    def _fetch(self, mirror: Path, *what: str, missing: LockError | None = None) -> None:
        """Fetch references; old commits stay in the mirror, even where a branch was rewritten."""
        try:
            self._git(
                "-C", mirror, "fetch", "--quiet", "--force", "--prune", "--no-write-fetch-head", self.place, *what
            )
        except LockError as error:
            if missing is None:
                raise
            missing.details = error.details
            raise missing from None

    def _parse(self, mirror: Path, name: str) -> str | None:
        argv = ("-C", mirror, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        done = self._run(argv, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    def _git(self, *arguments: str | Path) -> None:
        try:
            self._run(arguments, check=True)
        except ProcessFailedError as error:
            raise LockError(
                f"git cannot read {shown(self.url)}" if error.returncode != 127 else "git cannot be started",
                details=tuple(line for line in error.details if not line.startswith("hint:")),
                hint="check the address, and that git reaches it without asking: with a credential helper, a key, or a "
                "login in the URL" if error.returncode != 127 else "install git, which repositories need",
            ) from error  # fmt: skip

    def _run(self, arguments: tuple[str | Path, ...], *, check: bool) -> Completed:
        settings = [*_SETTINGS, *(["protocol.file.allow=always"] if urlsplit(self.url).scheme == "file" else [])]
        argv: list[str | Path] = ["git", *(part for setting in settings for part in ("-c", setting)), *arguments]
        return self.processes.run(argv, env=self._child_environment(), log=self.log, check=check, rights=_RIGHTS)

    def _child_environment(self) -> dict[str, str]:
        kept = scrubbed_environment(self.environment, keep=_KEPT)
        variables = {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"}
        if not self._has_login:
            return variables
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return {
            **variables,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{parts.scheme}://{parts.netloc}/.insteadOf",
            "GIT_CONFIG_VALUE_0": f"{parts.scheme}://{host}/",
        }

    @property
    def _has_login(self) -> bool:
        return urlsplit(self.url).scheme in {"http", "https"} and without_logins(self.url) != self.url

    def _no_such(self, what: str) -> LockError:
        return LockError(f"{shown(self.url)} has no {what}", hint="see which branches, tags and commits it has")

    def _vanished(self, commit: str) -> LockError:
        return LockError(
            f"commit {commit[:12]}, which is locked, is not in {shown(self.url)} any more",
            hint="its branch was rewritten, or it was removed: move on with --upgrade-package, or restore the commit",
        )


def _candidates(kind: str | None, revision: str | None) -> tuple[str, ...]:
    """References that a revision may mean, in order."""
    if kind is None or revision is None:
        return (_DEFAULT,)
    if kind in {"tag", "branch"}:
        return (f"refs/{'tags' if kind == 'tag' else 'heads'}/{revision}",)
    return (f"refs/tags/{revision}", f"refs/heads/{revision}", *([revision] if _is_commit(revision) else []))


def _is_commit(revision: str) -> bool:
    return re.fullmatch("[0-9a-f]{4,64}", revision) is not None
