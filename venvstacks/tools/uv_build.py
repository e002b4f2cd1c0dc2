"""uv as a builder of wheels: what it is called with, and what it reports about the build's own requirements."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from venvstacks.tools.process import Completed, Rights
from venvstacks.tools.uv import UvTools

_INSTALLED = re.compile(r"^DEBUG Installing build requirements?: (.+)$", re.MULTILINE)
_LOGGED = re.compile(r"\s*$|DEBUG |TRACE |INFO |Building wheel")
_OFFLINE = "network was disabled"


@dataclass(frozen=True)
class WheelBuild:
    """One wheel to build, in isolation.

    Attributes:
        project: Folder of the project.
        output: Folder for the wheel.
        python: The Python that builds it.
        settings: The `uv.toml` that replaces all other configuration.
        constraints: A file of the versions that the build's requirements have to have; None for the newest ones.
        epoch: Value of `SOURCE_DATE_EPOCH`.
        macos: Oldest macOS that compiled code is for.
        find_links: Further folders of wheels, absolute.
        use_index: Whether package indexes may be asked.
        offline: Whether what uv has in its cache has to do.
    """

    project: Path
    output: Path
    python: Path
    settings: Path
    constraints: Path | None
    epoch: int
    macos: str
    find_links: Sequence[Path] = ()
    use_index: bool = True
    offline: bool = False

    def argv(self, program: Path) -> list[str | Path]:
        """The command line. Requirements of builds are taken as wheels: only named sources are ever built."""
        options: list[str | Path] = [
            "--wheel", "--out-dir", self.output, "--no-create-gitignore", "--python", self.python,
            "--no-python-downloads", "--config-file", self.settings, "--no-build", "--color", "never",
        ]  # fmt: skip
        if self.constraints:
            options += ["--build-constraints", self.constraints]
        for folder in self.find_links:
            options += ["--find-links", folder.as_uri()]
        options += [*([] if self.use_index else ["--no-index"]), *(["--offline"] if self.offline else [])]
        return [program, "build", self.project, *options]


def build_wheel(call: WheelBuild, uv_tools: UvTools, log: Path | None) -> Completed:
    """Run a build; a failure is returned, not raised.

    Raises:
        ProcessFailedError: uv cannot be started.
        InterruptedRunError: The run is being stopped.
    """
    environment = {
        **uv_tools.environment,
        "SOURCE_DATE_EPOCH": str(call.epoch),
        "PYTHONHASHSEED": "0",
        "MACOSX_DEPLOYMENT_TARGET": call.macos,
        "RUST_LOG": "uv_dispatch=debug",  # uv reports what it installs for a build in its log alone
    }
    return uv_tools.processes.run(
        call.argv(uv_tools.program), env=environment, log=log, check=False, rights=Rights(umask=0o022)
    )


@dataclass(frozen=True)
class EditableInstall:
    """A project to install as editable.

    Attributes:
        project: Its folder.
        target: The folder that gets what leads imports to it.
        python: The Python that is to import it.
        settings: As in `WheelBuild`.
        constraints: As in `WheelBuild`.
        offline: As in `WheelBuild`.
    """

    project: Path
    target: Path
    python: Path
    settings: Path
    constraints: Path
    offline: bool = True

    def argv(self, program: Path) -> list[str | Path]:
        """The command line."""
        return [
            program, "pip", "install", "--editable", self.project, "--target", self.target, "--no-deps",
            "--python", self.python, "--no-python-downloads", "--config-file", self.settings,
            "--build-constraints", self.constraints, "--color", "never", *(["--offline"] if self.offline else []),
        ]  # fmt: skip


def install_editable(call: EditableInstall, uv_tools: UvTools, log: Path | None) -> Completed:
    """Install a project as editable; a failure is returned, not raised.

    Raises:
        ProcessFailedError: uv cannot be started.
        InterruptedRunError: The run is being stopped.
    """
    return uv_tools.processes.run(call.argv(uv_tools.program), env=uv_tools.environment, log=log, check=False)


@dataclass(frozen=True)
class HashQuery:
    """The question which files the versions that a build has installed have, on all platforms.

    Attributes:
        folder: Holds `built-with.in`, the exact versions, and gets the answer.
        python: As in `WheelBuild`.
        settings: As in `WheelBuild`.
        find_links: As in `WheelBuild`.
        use_index: As in `WheelBuild`.
        offline: As in `WheelBuild`.
    """

    folder: Path
    python: Path
    settings: Path
    find_links: Sequence[Path] = ()
    use_index: bool = True
    offline: bool = True

    def argv(self, program: Path) -> list[str | Path]:
        """The command line."""
        options: list[str | Path] = [
            "--universal", "--no-deps", "--no-build", "--python", self.python, "--no-python-downloads",
            "--config-file", self.settings, "--format", "pylock.toml", "--output-file", _ANSWER,
            "--preview-features", "pylock", "--quiet", "--color", "never",
        ]  # fmt: skip
        for folder in self.find_links:
            options += ["--find-links", folder.as_uri()]
        options += [*([] if self.use_index else ["--no-index"]), *(["--offline"] if self.offline else [])]
        return [program, "pip", "compile", "built-with.in", *options]


_ANSWER = "pylock.built-with.toml"


def ask_hashes(query: HashQuery, requirements: Sequence[str], uv_tools: UvTools) -> str | None:
    """A PEP 751 lock of exact versions with the wheels of all platforms; None where uv fails.

    Raises:
        ProcessFailedError: uv cannot be started.
        InterruptedRunError: The run is being stopped.
    """
    (query.folder / "built-with.in").write_text("".join(f"{line}\n" for line in requirements), "utf-8")
    argv = query.argv(uv_tools.program)
    done = uv_tools.processes.run(argv, env=uv_tools.environment, cwd=query.folder, check=False)
    return None if done.returncode else (query.folder / _ANSWER).read_text("utf-8")


def constraint_lines(requirements: Sequence[str], hashes: Mapping[str, Sequence[str]]) -> list[str]:
    """Constraints to exact versions, with hashes where they are known; uv refuses other files then."""
    exact = (line for line in requirements if "==" in line)
    return [" ".join([line, *(f"--hash={each}" for each in hashes.get(line, ()))]) for line in exact]


def is_other_file(done: Completed) -> bool:
    """Whether a build failed because a file of its requirements is not the one that was recorded."""
    return done.returncode != 0 and "Hash mismatch" in done.stderr


def build_requirements(done: Completed) -> tuple[str, ...]:
    """What uv has installed for a build, as it reports it (seen with uv 0.13): `name==version`, sorted."""
    found = {item.strip() for match in _INSTALLED.finditer(done.stderr) for item in match[1].split(", ")}
    return tuple(sorted(found))


def lacked_network(done: Completed) -> bool:
    """Whether a build failed because uv's cache did not hold its requirements."""
    return done.returncode != 0 and _OFFLINE in done.stderr


def explanation(done: Completed) -> tuple[str, ...]:
    """What uv and the build backend said about a failure, without uv's log; the last lines."""
    lines = (done.stdout + done.stderr).splitlines()
    said = [line.rstrip() for line in lines if not _LOGGED.match(line)]
    return tuple(said[-30:])
