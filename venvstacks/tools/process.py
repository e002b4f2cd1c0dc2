"""The one place that starts processes.

Children get their own session, so that an interrupt ends them together with everything that they started. They print
into files, not into pipes: a process that they leave in the background is not waited for. All policy (what to run,
in which environment, what a failure means) belongs to the callers.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn

from venvstacks.errors import InterruptedRunError, ProcessFailedError, TimeLimitError
from venvstacks.tools import survivors
from venvstacks.tools.interruptions import deadline, handling_signals, signals_held_back
from venvstacks.urls import without_secrets

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
"""The signal that no child can ignore; Windows has only one."""

_PATIENCE_SECONDS = 5.0
_INHERITED = frozenset({
    "HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TEMP", "TMP", "TMPDIR",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "SYSTEMROOT", "USERPROFILE", "XDG_CACHE_HOME", "NETRC",
    # facts about a Windows machine: `platform`, `subprocess` and `shutil.which` read them
    "COMSPEC", "OS", "PATHEXT", "PROCESSOR_ARCHITECTURE", "PROCESSOR_ARCHITEW6432", "SYSTEMDRIVE", "WINDIR",
})  # fmt: skip


def scrubbed_environment(
    environment: Mapping[str, str], *, keep: Iterable[str] = (), prefixes: tuple[str, ...] = ()
) -> dict[str, str]:
    """The part of `environment` that children get: places of files, certificates, proxies and facts about the machine.

    Variables that change what uv or Python do (`UV_*`, `PYTHON*`, `PIP_*`) are left out, so that results do not depend
    on the user. `keep` and `prefixes` name further variables to let through.
    """
    wanted = _INHERITED | set(keep)
    return {
        name: value for name, value in environment.items() if name in wanted or name.startswith(prefixes or ("\0",))
    }


@dataclass(frozen=True)
class Completed:
    """A child that has ended.

    Attributes:
        argv: The command.
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
    """Rights of a child process on POSIX systems that differ from its parent's.

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


@dataclass(frozen=True)
class _Launch:
    """How a child is started; its output goes into two files."""

    command: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)  # may hold passwords
    cwd: Path | None
    rights: Rights
    output: IO[bytes]
    errors: IO[bytes]


@dataclass
class Processes:
    """All children of one run; safe to use from several threads.

    After `stop` no further child is started, and callers that wait for one get an `InterruptedRunError`.

    Attributes:
        started: How many children were started.
        watch: Called for every child that has ended, with its task's log, working folder and environment; may be called
            from several threads at once.
    """

    _living: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    # reentrant, as a signal handler that calls `stop` may interrupt the main thread during another call
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
        limit: float | None = None,
    ) -> Completed:
        """Run a child to its end and return what it printed.

        Args:
            argv: Program and arguments; never goes through a shell.
            env: The child's whole environment.
            cwd: Its working folder; this process's own if None.
            log: A file to which the command line and all output are appended.
            check: Raise on a failure instead of returning it.
            rights: User and umask of the child; None for those of this process.
            limit: Seconds after which the child is ended, with all that it started; None for as long as it takes.

        Raises:
            ProcessFailedError: It could not be started, or failed and `check` is set.
            TimeLimitError: It did not end within `limit`.
            InterruptedRunError: The run is being stopped.
        """
        command = tuple(str(part) for part in argv)
        begun = time.perf_counter()
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            returncode, overdue = self._wait_for(_Launch(command, env, cwd, rights or Rights(), output, errors), limit)
            done = Completed(command, returncode, _text(output), _text(errors), time.perf_counter() - begun)
        if log is not None:
            _append_to_log(log, done, cwd)
        if self.watch is not None:
            self.watch(done, log, cwd, env)
        if self._stopping:
            raise InterruptedRunError
        printed = without_secrets(done.stdout + done.stderr)
        if overdue and limit is not None:
            raise TimeLimitError(command, done.returncode, printed, limit)
        if check and done.returncode:
            raise ProcessFailedError(command, done.returncode, printed)
        return done

    def _wait_for(self, launch: _Launch, limit: float | None) -> tuple[int, bool]:
        """Exit status of a child, and whether it was ended because its time was over."""
        child: subprocess.Popen[bytes] | None = None
        overdue = threading.Event()

        def end() -> None:
            overdue.set()
            if child is not None:
                self._end_soon([child])

        try:
            with signals_held_back():
                child = self._start(launch)
            with deadline(limit, end):
                return handling_signals(child.wait), overdue.is_set()
        except BaseException:  # an interrupt in the main thread, which the child's own session does not get
            if child is not None:
                _end(child)
            raise
        finally:
            if child is not None:
                with self._guard:
                    self._living.pop(child.pid, None)

    def _start(self, launch: _Launch) -> subprocess.Popen[bytes]:
        with self._guard:
            if self._stopping:
                raise InterruptedRunError
            try:
                child = subprocess.Popen(
                    launch.command,
                    cwd=launch.cwd,
                    env=dict(launch.env),
                    stdin=subprocess.DEVNULL,
                    stdout=launch.output,
                    stderr=launch.errors,
                    start_new_session=True,
                    pass_fds=survivors.descriptors(),
                    **launch.rights.arguments(),
                )
            except OSError as error:
                program = launch.command[0]
                raise ProcessFailedError(launch.command, 127, f"{program} cannot be started: {error}") from error
            self._living[child.pid] = child
            self.started += 1
            return child

    def _end_soon(self, children: Sequence[subprocess.Popen[bytes]], signum: int = signal.SIGTERM) -> None:
        """Send `signum` to children and all that they started, and kill those that go on for some seconds."""
        for child in children:
            _send(child, signum)
        later = threading.Timer(_PATIENCE_SECONDS, self._kill_living, [children])
        later.daemon = True
        later.start()

    def _kill_living(self, children: Sequence[subprocess.Popen[bytes]]) -> None:
        with self._guard:
            for child in children:
                if child.pid in self._living:
                    _send(child, KILL)

    def stop(self, signum: int = signal.SIGTERM) -> None:
        """Send `signum` to every living child and all that it started, and start no more.

        A child that ignores the signal is killed a few seconds later.
        """
        with self._guard:
            self._stopping = True
            if children := list(self._living.values()):
                self._end_soon(children, signum)

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping


def _text(stream: IO[bytes]) -> str:
    """All that a child has printed into a file."""
    stream.seek(0)
    return stream.read().decode("utf-8", errors="replace").replace("\r\n", "\n")


def python_command(script: Path) -> list[str | Path]:
    """The start of a command that runs a script with this program's own Python, without installed packages."""
    return [sys.executable, "-I", "-S", script]


def _send(child: subprocess.Popen[bytes], signum: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(child.pid, signum)
        else:
            child.terminate()


def _end(child: subprocess.Popen[bytes]) -> None:
    """Give a child a short time to clean up; a second interrupt ends that."""
    with child:  # waits
        try:
            _send(child, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_PATIENCE_SECONDS)
        finally:
            _send(child, KILL)


def append_to_log(log: Path, lines: Iterable[str]) -> None:
    """Add lines to a task's log file, which is created if it is missing.

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
