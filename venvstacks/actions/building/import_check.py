"""The import check of a layer: its Python starts, and what it declares can be imported as in one flat environment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from venvstacks.actions.building.flat_environment import flat_environment
from venvstacks.actions.building.import_child import Failure, ask
from venvstacks.actions.building.import_packs import ImportPack
from venvstacks.actions.building.passed_checks import PassedCheck
from venvstacks.actions.earlier_results import read_back
from venvstacks.actions.emulation import StartedPython, started_python
from venvstacks.actions.layer_request import LayerRequest
from venvstacks.actions.toolset import Tools
from venvstacks.errors import ImportCheckError
from venvstacks.model.conventions import LAYER_CONFIG
from venvstacks.model.declared import declared_distributions
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.records.tree_records import CheckRecord, LibrariesRecord
from venvstacks.tools.files import write_atomically

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
    answer = ask(request, python, wanted, tools, pack)
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
            found = ask(request, flat, wanted, tools).failures
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
