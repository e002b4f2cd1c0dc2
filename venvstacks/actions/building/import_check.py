"""The import check of a layer: its Python starts, and what it declares can be imported as in one flat environment."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from venvstacks._injected import check_child, confine
from venvstacks.actions.building.flat_environment import flat_environment
from venvstacks.actions.building.import_packs import ImportPack
from venvstacks.actions.building.passed_checks import PassedCheck
from venvstacks.actions.earlier_results import read_back
from venvstacks.actions.emulation import StartedPython, started_python
from venvstacks.actions.layer_request import LayerRequest
from venvstacks.actions.toolset import Tools
from venvstacks.errors import ImportCheckError, ProcessFailedError, TimeLimitError
from venvstacks.model.conventions import LAYER_CONFIG
from venvstacks.model.declared import declared_distributions
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.records.tree_records import CheckRecord, LibrariesRecord
from venvstacks.tools.files import staging_folder, write_atomically
from venvstacks.tools.process import python_command, scrubbed_environment

IMPORT_SECONDS = 300.0
"""How long all imports of one layer may take together."""

_LACKING_HINT = (
    "one flat environment lacks it, too: require what the application imports and none of its packages declares, and "
    "see whether `launch` names what is there; --no-check-imports builds it as it is"
)
_LACKING = ("ModuleNotFoundError", "AttributeError", "is nothing", "there is no")
"""How reasons begin that lie in what is installed, on whichever machine."""
_HINT = (
    "in one flat environment these imports work: let the layer declare what it imports, or put the packages that "
    "belong together into one layer; --no-check-imports builds it as it is"
)


@dataclass(frozen=True)
class CheckRequest(LayerRequest):
    """Which environment to check.

    Attributes:
        log: File that collects the output of child processes.
        limit: Seconds that the imports may take.
        emulator: Start of the commands that run the environment's Python, if it is for another machine.
    """

    log: Path
    limit: float = IMPORT_SECONDS
    emulator: tuple[str, ...] = ()

    @property
    def staging(self) -> Path:
        """Where folders that last as long as the check are made."""
        return self.base / self.layout.staging


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
class _Answer:
    """What a child found out.

    Attributes:
        failures: What cannot be imported.
        compiled: Paths of the sources that it had to compile.
    """

    failures: tuple[Failure, ...]
    compiled: tuple[str, ...] = ()


def check_layer(request: CheckRequest, tools: Tools) -> dict[str, object]:
    """Import what a linked layer declares, and write a record of that.

    What cannot be imported in one flat environment of the same packages either is no fault of the layers (a machine
    without a graphics card, say): it is reported as a warning.

    Raises:
        ImportCheckError: Its Python does not start, or something cannot be imported that can be in a flat environment.
    """
    record = request.base / request.layout.record("check", request.layer)
    record.unlink(missing_ok=True)
    wanted = distributions_to_check(request.layer, request.platform, trust_below=not _shadowed_libraries(request))
    passed = PassedCheck.of(request, wanted, tools)
    warnings: tuple[str, ...] = ()
    if not (passed and passed.is_known()):
        warnings = _warnings(request, wanted, tools)
        if passed and not warnings:
            passed.remember()
    write_atomically(record, CheckRecord(imported=tuple(sorted(wanted)), warnings=warnings).text())
    return {"imported": len(wanted), **({"warnings": list(warnings)} if warnings else {})}


def _warnings(request: CheckRequest, wanted: Mapping[str, bool], tools: Tools) -> tuple[str, ...]:
    """Import everything; what cannot be imported in one flat environment either is a warning.

    Raises:
        ImportCheckError: As for `check_layer`.
    """
    failures = _remaining(request, check_imports(request, wanted, tools), wanted, tools)
    return _excuse(request, failures, tools) if failures else ()


def distributions_to_check(layer: Layer, platform: TargetPlatform, *, trust_below: bool) -> dict[str, bool]:
    """What to check in an environment: distribution to whether it has to be imported in any case.

    What a layer below declares was imported when that one was checked, with the same files: it only has to be found
    where it was. A layer like that costs nothing, instead of a second and more for each application on SciPy.

    Args:
        layer: The layer.
        platform: Its platform.
        trust_below: Whether layers below are found here as they were there. They are not where several of them publish
            different libraries of one name: which one the dynamic linker takes depends on the layer that asks.
    """
    checked = (
        {name for lower in layer.below for name in declared_distributions(lower, platform)} if trust_below else set()
    )
    return {name: name not in checked for name in declared_distributions(layer, platform)}


def _shadowed_libraries(request: CheckRequest) -> set[str]:
    """Names of shared libraries that several layers below publish with different content."""
    found: dict[str, set[str]] = {}
    for below in request.layer.below:
        place = request.base / request.layout.record("libraries", below)
        for name, digest in read_back(LibrariesRecord, place, ImportCheckError).libraries.items():
            found.setdefault(name, set()).add(digest)
    return {name for name, digests in found.items() if len(digests) > 1}


def check_imports(request: CheckRequest, distributions: Mapping[str, bool], tools: Tools) -> tuple[Failure, ...]:
    """Start the environment's Python, import distributions, and look up the layer's launch and support modules.

    Returns:
        What cannot be imported.

    Raises:
        ImportCheckError: Python does not start, or takes too long.
    """
    config = json.loads((request.environment / LAYER_CONFIG).read_bytes())
    wanted = {
        "distributions": dict(distributions),
        "modules": [source.module for source in request.layer.sources if source.is_importable],
        "launches": [launch.target for launch in request.layer.launches],
        "site_dir": str(request.environment / config["site_dir"]),
    }
    pack = ImportPack.of(request, distributions, tools)
    python = started_python(request.layer, request.platform, request.environment, request.emulator, config)
    answer = _ask(request, python, wanted, tools, pack)
    pack.extend(answer.compiled)
    return answer.failures


def _remaining(
    request: CheckRequest, failures: Sequence[Failure], wanted: Mapping[str, bool], tools: Tools
) -> tuple[Failure, ...]:
    """The failures that remain where each distribution is imported by a process of its own.

    Imports can change what later ones find: pip removes the hook that setuptools needs, for example. Where one ended
    the process, nothing after it was imported, so that all are imported again.
    """
    names = {failure.distribution for failure in failures if failure.distribution}
    if any(not failure.module for failure in failures):
        names |= {name for name, load in wanted.items() if load}
    remaining = [failure for failure in failures if not failure.distribution]
    for name in sorted(names):
        found = check_imports(request, {**dict.fromkeys(wanted, False), name: True}, tools)
        remaining += [each for each in found if each.distribution in {name, ""} and each not in remaining]
    return tuple(remaining)


def _excuse(request: CheckRequest, failures: Sequence[Failure], tools: Tools) -> tuple[str, ...]:
    """Warnings about failures that a flat environment shows, too.

    Raises:
        ImportCheckError: It does not show all of them.
    """
    layer = request.layer
    names = dict.fromkeys((failure.distribution for failure in failures if failure.distribution), True)
    targets = [launch.target for launch in layer.launches if Failure("", launch.target, "").is_about_one_of(failures)]
    alike: list[Failure] = []
    if names or targets:
        with flat_environment(request) as python:
            flat = StartedPython((*request.emulator, python))
            wanted = {"distributions": names, "modules": [], "launches": targets, "site_dir": ""}
            found = _ask(request, flat, wanted, tools).failures
        alike = [failure for failure in failures if failure.is_about_one_of(found)]
    lacking = [failure for failure in alike if not failure.distribution and failure.reason.startswith(_LACKING)]
    if faults := [failure for failure in failures if failure not in alike] or lacking:
        raise ImportCheckError(
            f"layer '{layer.name}': what it declares cannot be imported",
            details=tuple(map(str, faults)),
            hint=_LACKING_HINT if faults == lacking else _HINT,
        )
    return tuple(
        f"layer '{layer.name}': {failure} (in one flat environment, too: this machine may lack something, "
        "or it wants settings first)"
        for failure in failures
    )


def _ask(
    request: CheckRequest,
    python: StartedPython,
    wanted: Mapping[str, object],
    tools: Tools,
    pack: ImportPack | None = None,
) -> _Answer:
    """Let a Python import things where it can change nothing and leave nothing behind."""
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
                env={**scratch_environment(scrubbed_environment(tools.environment), scratch), **python.variables},
                cwd=scratch,
                log=request.log,
                limit=request.limit,
            )
            return _answer(_read(report))
        except TimeLimitError as error:
            raise _too_slow(request, _read(report), error) from error
        except ProcessFailedError as error:
            return _crash(request, _read(report), error)


def scratch_environment(environment: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """`environment` with all folders that programs keep something in replaced by one that is thrown away."""
    folders = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "TMP", "TEMP", "TMPDIR", "XDG_CACHE_HOME",
               "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")  # fmt: skip
    kept = {name: value for name, value in environment.items() if name != "NETRC"}
    return {**kept, **dict.fromkeys(folders, str(scratch))}


def _answer(said: Sequence[object]) -> _Answer:
    last = said[-1] if said else ""
    if not isinstance(last, dict):
        return _Answer((Failure(str(last), "", "ended the process"),))
    return _Answer(tuple(Failure(*row) for row in last["failures"]), tuple(last["compiled"]))


def _crash(request: CheckRequest, said: Sequence[object], error: ProcessFailedError) -> _Answer:
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
    return _Answer((Failure(said[-1], "", ending),))


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
