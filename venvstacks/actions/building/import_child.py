"""Asking a Python what it can import, in a process that can change nothing; how it ended says something, too."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks._injected import check_child, confine
from venvstacks.actions.emulation import StartedPython
from venvstacks.actions.toolset import Tools
from venvstacks.errors import ImportCheckError, ProcessFailedError, TimeLimitError
from venvstacks.tools.files import staging_folder
from venvstacks.tools.process import python_command, scrubbed_environment

if TYPE_CHECKING:
    from venvstacks.actions.building.import_check import CheckRequest
    from venvstacks.actions.building.import_packs import ImportPack


@dataclass(frozen=True)
class Failure:
    """One thing that cannot be imported.

    Attributes:
        distribution: Who brings it; empty for a launch or support module.
        module: The module; empty where the failure is about the distribution.
        reason: What is wrong.
    """

    distribution: str
    module: str
    reason: str

    def __str__(self) -> str:
        names = dict.fromkeys(name for name in (self.distribution, self.module) if name)
        return ": ".join([*names, self.reason])

    def is_about_one_of(self, others: Sequence[Failure]) -> bool:
        """Whether one of other failures is about the same thing."""
        return (self.distribution, self.module) in {(other.distribution, other.module) for other in others}


@dataclass(frozen=True)
class Answer:
    """What a child found out.

    Attributes:
        failures: What cannot be imported.
        compiled: Paths of the sources that it had to compile.
    """

    failures: tuple[Failure, ...]
    compiled: tuple[str, ...] = ()


def ask(
    request: CheckRequest,
    python: StartedPython,
    wanted: Mapping[str, object],
    tools: Tools,
    pack: ImportPack | None = None,
) -> Answer:
    """Let a Python import things where it can change nothing and leave nothing behind.

    Args:
        request: The layer, and the limits of the process.
        python: The Python.
        wanted: What `check_child` reads: distributions, modules, launch targets and the folder of the packages.
        tools: What starts processes.
        pack: Bytecode of modules that are compiled already.

    Raises:
        ImportCheckError: It does not start, or takes too long.
    """
    with staging_folder(request.staging, f"{request.layer.env_name}.check") as staging:
        scratch = staging / "scratch"
        scratch.mkdir()
        report = scratch / "report"
        (staging / "request").write_text(json.dumps(wanted), "utf-8")
        bytecode = pack.copy_to(staging / "bytecode") if pack else ""
        child: list[str | Path] = ["-I", "-B", Path(check_child.__file__), report, staging / "request", bytecode]
        argv = [*python.command, *child]
        confined = [*python_command(Path(confine.__file__)), scratch, *argv]
        try:
            tools.processes.run(
                argv if request.platform.is_windows else confined,
                env={**_scratch_environment(scrubbed_environment(tools.environment), scratch), **python.variables},
                cwd=scratch,
                log=request.log,
                limit=request.limit,
            )
            return _answer(_read(report))
        except TimeLimitError as error:
            raise _too_slow(request, _read(report), error) from error
        except ProcessFailedError as error:
            return _crash(request, _read(report), error)


def _scratch_environment(environment: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """`environment` with all folders that programs keep something in replaced by one that is thrown away."""
    folders = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "TMP", "TEMP", "TMPDIR", "XDG_CACHE_HOME",
               "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")  # fmt: skip
    kept = {name: value for name, value in environment.items() if name != "NETRC"}
    return {**kept, **dict.fromkeys(folders, str(scratch))}


def _answer(said: Sequence[object]) -> Answer:
    last = said[-1] if said else ""
    if not isinstance(last, dict):
        return Answer((Failure(str(last), "", "ended the process"),))
    return Answer(tuple(Failure(*row) for row in last["failures"]), tuple(last["compiled"]))


def _crash(request: CheckRequest, said: Sequence[object], error: ProcessFailedError) -> Answer:
    """What the end of a failed child means: a failure of what it was importing.

    Raises:
        ImportCheckError: It had not begun to import anything.
    """
    if not said or not isinstance(said[-1], str) or not said[-1]:
        raise ImportCheckError(
            f"layer '{request.layer.name}': its Python does not start",
            details=error.details,
            hint=f"the log is {request.log}",
        ) from error
    ending = "; ".join([f"Python ended with exit status {error.returncode}", *error.details[-3:]])
    return Answer((Failure(said[-1], "", ending),))


def _too_slow(request: CheckRequest, said: Sequence[object], error: TimeLimitError) -> ImportCheckError:
    return ImportCheckError(
        f"layer '{request.layer.name}': importing '{said[-1] if said else ''}' did not end within {error.limit:g} s",
        details=error.details,
        hint=f"the log is {request.log}; --no-check-imports builds the layer without importing anything",
    )


def _read(report: Path) -> list[object]:
    """All that a child has reported; what a killed one has not finished writing does not count."""
    said: list[object] = []
    with contextlib.suppress(OSError, ValueError):
        said.extend(json.loads(line) for line in report.read_text("utf-8").splitlines())
    return said
