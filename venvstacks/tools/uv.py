"""uv: where it is, what it is called with, what its failures mean.

uv is started from argument lists only, in an environment that holds nothing of the user's own uv configuration:
a lock depends on the specification and on what the indexes serve, but on no user's home folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore
from typing import Literal

from venvstacks.errors import BuildError, MissingToolError, ProcessFailedError, UnsafeWheelError, UsageError
from venvstacks.tools.process import Completed, Processes, scrubbed_environment
from venvstacks.tools.uv_failures import FailureKind, explain_failure, passed_over

# Where things are and how they are reached; none of these changes what a resolution ends in.
_TRANSPORT = frozenset({
    "UV_CACHE_DIR", "UV_CONCURRENT_DOWNLOADS", "UV_HTTP_RETRIES", "UV_HTTP_TIMEOUT", "UV_INSECURE_HOST",
    "UV_KEYRING_PROVIDER", "UV_NATIVE_TLS", "UV_OFFLINE", "UV_SYSTEM_CERTS",
})  # fmt: skip
_HOSTS = "UV_INSECURE_HOST"
_HOST = re.compile(r"(https?://)?(\*|[\w.*-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?/?")
_CREDENTIAL = re.compile(r"UV_INDEX_.+_(USERNAME|PASSWORD)")

_INSTALL_HINTS: Mapping[FailureKind, str] = {
    "credentials": "set UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD, netrc or UV_KEYRING_PROVIDER",
    "server error": "the index that the lock names has a fault: try again later, or report it to its operator",
    "bad answer": "a file is not the one that was locked: lock again if it was rebuilt on purpose, else mistrust it",
    "network": "the wheels are not all in uv's cache, and their server cannot be reached: check the network",
}


@dataclass(frozen=True)
class UvTools:
    """uv, ready to be run.

    Attributes:
        program: The executable.
        environment: Its environment, scrubbed.
        processes: Starts it.
        resolvers: Taken by each resolution.
    """

    program: Path
    environment: Mapping[str, str] = field(repr=False)
    processes: Processes
    resolvers: BoundedSemaphore

    @classmethod
    def of(cls, environment: Mapping[str, str], processes: Processes, resolvers: BoundedSemaphore) -> UvTools:
        """The uv that is installed next to this program, for use within `environment`.

        Raises:
            MissingToolError: It is not there.
        """
        return cls(find_uv(), uv_environment(environment), processes, resolvers)


def find_uv() -> Path:
    """The executable of uv, from the distribution `uv`.

    Raises:
        MissingToolError: The distribution is not installed, or holds no executable.
    """
    try:
        import uv  # noqa: PLC0415 - a run in which everything is up to date never needs it

        return Path(uv.find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        raise MissingToolError(
            "uv was not found next to this program", hint="install it there: python -m pip install uv"
        ) from error


def uv_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: transport settings and index credentials stay, everything that steers results goes.

    Raises:
        UsageError: Hosts are named in a way that uv refuses; it would repeat the value, which may hold a password.
    """
    if not all(_HOST.fullmatch(host) for host in environment.get(_HOSTS, "").split()):
        raise UsageError(
            f"the environment variable {_HOSTS} holds something that is no host",
            hint="name hosts as HOST or HOST:PORT, separated by spaces; logins belong into UV_INDEX_<NAME>_PASSWORD",
        )
    keep = {name for name in environment if name in _TRANSPORT or _CREDENTIAL.fullmatch(name)}
    scrubbed = scrubbed_environment(environment, keep=keep)
    return {**scrubbed, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}


@dataclass(frozen=True)
class CompileCall:
    """One resolution for one target platform.

    Attributes:
        folder: Holds `pyproject.toml`, `constraints.txt` and, perhaps, the seed under the name of `output`.
        settings: The `uv.toml` that replaces all other configuration.
        output: Name of the PEP 751 lock that is written into `folder`: `pylock.<name>.toml`. None: nothing is written,
            and the packages are printed, each with those that need it.
        platform: Value of `--python-platform`; None for a resolution of all platforms and releases at once, whose
            markers are printed.
        python_version: `X.Y.Z` of the target's Python; `X.Y` would mean `X.Y.0` to markers.
        interpreter: An interpreter of the target's implementation, of any version; saves uv half of its time, which
            goes into looking for one (0.27 against 0.14 s here).
        macos: Oldest macOS that wheels may need.
        find_links: Further folders of wheels, absolute.
        use_index: Whether package indexes may be asked.
        excluded: A file that names packages to leave out, or None.
        refreshed: Packages about which indexes are asked although uv's cache knows them; None: all of them.
    """

    folder: Path
    settings: Path
    output: str | None
    platform: str | None
    python_version: str
    interpreter: str
    macos: str
    find_links: Sequence[Path] = ()
    use_index: bool = True
    excluded: Path | None = None
    refreshed: Sequence[str] | None = ()

    def argv(self, program: Path) -> list[str | Path]:
        """The command line."""
        options: list[str | Path] = [
            "--config-file", self.settings, "--no-build", *self._scope(),
            "--python-version", self.python_version, "--python", self.interpreter, "--no-python-downloads",
            *self._format(), "--constraints", "constraints.txt",
            "--preview-features", "pylock", "--quiet", "--no-header", "--color", "never",
        ]  # fmt: skip
        for folder in self.find_links:
            options += ["--find-links", folder.as_uri()]  # in a path, uv takes what follows a # for a fragment
        if not self.use_index:
            options.append("--no-index")
        if self.excluded:
            options += ["--excludes", self.excluded]
        if self.refreshed is None:
            options.append("--refresh")
        for name in self.refreshed or ():
            options += ["--refresh-package", name]
        return [program, "pip", "compile", "pyproject.toml", *options]

    def _scope(self) -> list[str]:
        return ["--universal"] if self.platform is None else ["--python-platform", self.platform]

    def _format(self) -> list[str]:
        if self.platform is None:
            return ["--format", "requirements.txt", "--no-annotate"]
        if self.output is None:
            return ["--format", "requirements.txt", "--annotation-style", "line"]
        return ["--format", "pylock.toml", "--output-file", self.output, "--no-annotate"]


def compile_lock(call: CompileCall, uv_tools: UvTools, *, log: Path | None = None) -> Completed:
    """Run one resolution; a failure is returned, not raised: those of all targets are reported together.

    Raises:
        ProcessFailedError: uv cannot be started.
        InterruptedRunError: The run is being stopped.
    """
    environment = {**uv_tools.environment, "MACOSX_DEPLOYMENT_TARGET": call.macos}
    with uv_tools.resolvers:
        return uv_tools.processes.run(
            call.argv(uv_tools.program), env=environment, cwd=call.folder, log=log, check=False
        )


@dataclass(frozen=True)
class InstallRequest:
    """One installation of a lock into an environment.

    Attributes:
        layer: What messages call the environment.
        lock_file: A PEP 751 lock; paths in it are relative to its folder.
        python: The environment's interpreter, in the place that it has there.
        platform: Value of `--python-platform`.
        macos: Oldest macOS that wheels may need.
        use_index: Whether wheels that uv's cache lacks may be fetched.
        log: File that collects what uv prints, or None.
        settings: A `uv.toml` that names indexes, where wheels need credentials; None for no configuration.
        link_mode: How files get from uv's cache into the environment; uv copies where it cannot link.
        cache: uv's cache folder; None for the user's own.
        target: A folder that gets the packages instead of the environment, for the Python `python_version` (`X.Y.Z`).
        python_version: The version of Python that wheels have to fit; empty for that of `python`.
    """

    layer: str
    lock_file: Path
    python: Path
    platform: str
    macos: str = "13.0"
    use_index: bool = True
    log: Path | None = None
    settings: Path | None = None
    link_mode: Literal["hardlink", "copy", "clone"] = "hardlink"
    cache: Path | None = None
    target: Path | None = None
    python_version: str = ""

    @property
    def prefix(self) -> Path:
        """The environment's folder."""
        if self.target:
            return self.target
        folder = self.python.parent
        return folder.parent if folder.name in {"bin", "Scripts"} else folder

    def argv(self, program: Path) -> list[str | Path]:
        """The command line."""
        configuration: list[str | Path] = ["--config-file", self.settings] if self.settings else ["--no-config"]
        return [
            program, "pip", "install", "--requirements", self.lock_file, "--python", self.python,
            "--python-platform", self.platform, *configuration, "--no-build", "--reinstall", "--link-mode",
            self.link_mode, "--break-system-packages", "--no-python-downloads", "--preview-features", "pylock",
            "--color", "never", *([] if self.use_index else ["--offline"]),
            *self._place(),
        ]  # fmt: skip

    def _place(self) -> list[str | Path]:
        options: list[str | Path] = ["--target", self.target] if self.target else []
        return [*options, *(["--python-version", self.python_version] if self.python_version else [])]


def install(request: InstallRequest, processes: Processes, environment: Mapping[str, str]) -> Completed:
    """Install exactly what a lock lists for a platform, hashes checked, into an environment.

    Neither caches nor lock files nor notes of the installer stay behind. Modes follow the umask and times are those
    of unpacking: publishing sets both.

    Args:
        request: What goes where.
        processes: Starts uv.
        environment: This program's own environment variables; uv sees the part that it may.

    Raises:
        UnsafeWheelError: uv unpacked a wheel, and passed over members that lead out of it.
        BuildError: uv failed, or is not there.
        InterruptedRunError: The run is being stopped.
    """
    child_environment = {
        **uv_environment(environment),
        "MACOSX_DEPLOYMENT_TARGET": request.macos,
        "UV_NO_INSTALLER_METADATA": "1",
        "RUST_LOG": "uv_extract=warn",  # uv reports the members that it skips in its log alone
        **({"UV_CACHE_DIR": str(request.cache)} if request.cache else {}),
    }
    cannot = f"the packages of layer '{request.layer}' cannot be installed"
    try:
        done = processes.run(request.argv(find_uv()), env=child_environment, log=request.log, check=False)
    except (MissingToolError, ProcessFailedError) as error:
        raise BuildError(f"{cannot}: {error.message}", details=error.details, hint=error.hint) from error
    finally:
        # uv guards environments against other uv processes by this file, and leaves it there, empty.
        (request.prefix / ".lock").unlink(missing_ok=True)
    if members := passed_over(done.stderr):
        raise UnsafeWheelError(f"{cannot}: a wheel holds files that lead out of it", details=members)
    if done.returncode:
        failure = explain_failure(done.stdout + done.stderr)
        raise BuildError(cannot, details=failure.explanation, hint=_INSTALL_HINTS.get(failure.kind))
    return done
