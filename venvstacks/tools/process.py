"""The one place that starts processes.

Children get their own session, so that an interrupt ends them together with everything that they started. All
policy (what to run, in which environment, what a failure means) belongs to the callers.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from venvstacks.errors import InterruptedRunError, ProcessFailedError
from venvstacks.tools import survivors
from venvstacks.urls import without_secrets

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
"""The signal that no child can refuse; Windows has but one."""

_PATIENCE_SECONDS = 5.0
_INHERITED = frozenset({
    "HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TEMP", "TMP", "TMPDIR",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "SYSTEMROOT", "USERPROFILE", "XDG_CACHE_HOME", "NETRC",
})  # fmt: skip


def scrubbed_environment(
    environment: Mapping[str, str], *, keep: Iterable[str] = (), prefixes: tuple[str, ...] = ()
) -> dict[str, str]:
    """The part of `environment` that children may see: where things are, certificates and proxies, nothing else.

    Variables that change what uv or Python do (`UV_*`, `PYTHON*`, `PIP_*`) stay out, so that a result never depends
    on who ran the build. `keep` and `prefixes` name further variables to let through.
    """
    wanted = _INHERITED | set(keep)
    return {
        name: value for name, value in environment.items() if name in wanted or name.startswith(prefixes or ("\0",))
    }


@dataclass(frozen=True)
class Completed:
    """A child that has ended.

    Attributes:
        argv: What was run.
        returncode: Exit status; negative for the signal that ended it.
        stdout: Everything it printed to standard output.
        stderr: Everything it printed to standard error.
        seconds: Wall time.
    """

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    seconds: float


@dataclass(frozen=True)
class Rights:
    """Rights of a child process on POSIX systems, where they are not those of its parent.

    Attributes:
        umask: Its umask; the parent's if negative.
        user: User and group that it runs as, without further groups; for children of root.
    """

    umask: int = -1
    user: tuple[int, int] | None = None

    def arguments(self) -> dict[str, Any]:
        """The arguments of `Popen`."""
        if os.name != "posix":
            return {}
        owner = {"user": self.user[0], "group": self.user[1], "extra_groups": []} if self.user else {}
        return {"umask": self.umask, **owner}


@dataclass
class Processes:
    """All children of one run; safe to use from several threads.

    After `stop` no further child is started, and whoever waits for one gets an `InterruptedRunError`.

    Attributes:
        watch: Told of every child that has ended, with its task's log, working folder and environment; may be called
            from several threads at once.
    """

    _living: dict[int, subprocess.Popen[str]] = field(default_factory=dict)
    # reentrant, as a signal handler that calls `stop` may interrupt the main thread in the midst of another call
    _guard: threading.RLock = field(default_factory=threading.RLock)
    _stopping: bool = False
    started: int = 0
    watch: Callable[[Completed, Path | None, Path | None, Mapping[str, str]], None] | None = None

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        log: Path | None = None,
        check: bool = True,
        rights: Rights | None = None,
    ) -> Completed:
        """Run a child to its end and return what it printed.

        Args:
            argv: Program and arguments; never goes through a shell.
            env: The child's whole environment.
            cwd: Its working folder; this process's own if None.
            log: A file to which the command line and all output are appended.
            check: Raise on a failure instead of returning it.
            rights: Who the child runs as; None for the rights of this process.

        Raises:
            ProcessFailedError: It could not be started, or failed and `check` is set.
            InterruptedRunError: The run is being stopped.
        """
        command = tuple(str(part) for part in argv)
        begun = time.perf_counter()
        child: subprocess.Popen[str] | None = None
        try:
            with _signals_held_back():
                child = self._start(command, env, cwd, rights or Rights())
            stdout, stderr = child.communicate()
        except BaseException:  # an interrupt, for calls in the main thread: the child's own session has seen none
            if child is not None:
                _end(child)
            raise
        finally:
            if child is not None:
                with self._guard:
                    self._living.pop(child.pid, None)
        done = Completed(command, child.returncode, stdout, stderr, time.perf_counter() - begun)
        if log is not None:
            _append_to_log(log, done, cwd)
        if self.watch is not None:
            self.watch(done, log, cwd, env)
        if self._stopping:
            raise InterruptedRunError
        if check and done.returncode:
            raise ProcessFailedError(command, done.returncode, without_secrets(done.stdout + done.stderr))
        return done

    def _start(
        self, command: tuple[str, ...], env: Mapping[str, str], cwd: Path | None, rights: Rights
    ) -> subprocess.Popen[str]:
        with self._guard:
            if self._stopping:
                raise InterruptedRunError
            try:
                child = subprocess.Popen(
                    command,
                    cwd=cwd,
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    encoding="utf-8",
                    errors="replace",
                    start_new_session=True,
                    pass_fds=survivors.descriptors(),
                    **rights.arguments(),
                )
            except OSError as error:
                raise ProcessFailedError(command, 127, f"{command[0]} cannot be started: {error}") from error
            self._living[child.pid] = child
            self.started += 1
            return child

    def stop(self, signum: int = signal.SIGTERM) -> None:
        """Send `signum` to every living child and all that it started, and start no more."""
        with self._guard:
            self._stopping = True
            for child in list(self._living.values()):
                _send(child, signum)

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping


def _send(child: subprocess.Popen[str], signum: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(child.pid, signum)
        else:
            child.terminate()


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """Handle interrupts afterwards: one that is raised within `Popen` would leave a child that nobody knows of.

    Blocking them would not do, as children inherit that. Other threads than the main one see no signals anyway.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _: received.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for late in received:
            signal.raise_signal(late)


def _end(child: subprocess.Popen[str]) -> None:
    """Let a child clean up if it does so soon; a second interrupt does not wait for that."""
    with child:  # closes its pipes, and waits
        try:
            _send(child, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_PATIENCE_SECONDS)
        finally:
            _send(child, KILL)


def append_to_log(log: Path, lines: Iterable[str]) -> None:
    """Add lines to a task's log file, which is made if it is missing.

    Raises:
        OSError: It cannot be written.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8", errors="replace") as stream:  # paths need not be Unicode
        stream.writelines(f"{line}\n" for line in lines)


def _append_to_log(log: Path, done: Completed, cwd: Path | None) -> None:
    where = f"cd {shlex.quote(str(cwd))} && " if cwd else ""
    printed = (done.stdout + done.stderr).removesuffix("\n")
    ending = f"[exit status {done.returncode} after {done.seconds:.2f} s]"
    lines = (f"$ {where}{shlex.join(done.argv)}", *([printed] if printed else []), ending)
    append_to_log(log, map(without_secrets, lines))


def become(argv: Sequence[str | Path], env: Mapping[str, str]) -> NoReturn:
    """Replace this process by `argv`; where the system has no such call, run it and leave with its exit status."""
    command = [str(part) for part in argv]
    try:
        if os.name == "posix":
            os.execvpe(command[0], command, dict(env))  # noqa: S606 - no shell is the point
        raise SystemExit(subprocess.run(command, env=dict(env), check=False).returncode)
    except OSError as error:
        raise ProcessFailedError(tuple(command), 127, f"{command[0]} cannot be started: {error}") from error
