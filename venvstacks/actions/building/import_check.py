"""The closing check of an environment: its Python starts, and what the layer declares can be imported."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from venvstacks._injected import child
from venvstacks.actions.earlier_results import read_back
from venvstacks.actions.toolset import Tools
from venvstacks.errors import ImportCheckError, ProcessFailedError
from venvstacks.model.conventions import LAYER_CONFIG
from venvstacks.model.declared import declared_distributions
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.records.tree_records import CheckRecord, ProvidedRecord
from venvstacks.tools.files import write_atomically
from venvstacks.tools.process import scrubbed_environment

_HINT = (
    "a missing shared library or package is the usual cause; if the packages cannot be imported on this "
    "machine at all (no graphics card, say), set check-imports = false in [tool.venvstacks]"
)


def distributions_to_check(layer: Layer, platform: TargetPlatform, *, trust_below: bool) -> dict[str, bool]:
    """What to check in an environment: distribution to whether it has to be imported in any case.

    What a layer below declares was imported when that one was linked, with the same files: it only has to be found
    where it was. A layer like that costs nothing, instead of a second and more for each application on SciPy.

    Args:
        layer: The layer.
        platform: Its platform.
        trust_below: Whether layers below are found here as they were there. They are not where several of them publish
            different libraries of one name: which one the dynamic linker takes depends on who looks.
    """
    checked = (
        {name for lower in layer.below for name in declared_distributions(lower, platform)} if trust_below else set()
    )
    return {name: name not in checked for name in declared_distributions(layer, platform)}


@dataclass(frozen=True)
class CheckRequest:
    """Which environment to check.

    Attributes:
        layer: The layer.
        platform: The platform of this machine.
        layout: Where everything is, relative to `base`.
        base: The specification's folder.
        log: File that collects the output of child processes.
    """

    layer: Layer
    platform: TargetPlatform
    layout: StackLayout
    base: Path
    log: Path

    @property
    def environment(self) -> Path:
        """The environment's folder."""
        return self.base / self.layout.environment(self.layer)


def check_layer(request: CheckRequest, tools: Tools) -> dict[str, object]:
    """Import what a linked layer declares, and write a record of that.

    Raises:
        ImportCheckError: Its Python does not start, or something cannot be imported.
    """
    record = request.base / request.layout.record("check", request.layer)
    record.unlink(missing_ok=True)
    wanted = distributions_to_check(request.layer, request.platform, trust_below=not _shadowed_libraries(request))
    check_imports(request.layer, request.environment, wanted, request.log, tools)
    write_atomically(record, CheckRecord(imported=tuple(sorted(wanted))).text())
    return {"imported": len(wanted)}


def _shadowed_libraries(request: CheckRequest) -> set[str]:
    """Names of shared libraries that several layers below publish with different content."""
    found: dict[str, set[str]] = {}
    for below in request.layer.below:
        place = request.base / request.layout.record("provided", below)
        for name, digest in read_back(ProvidedRecord, place, ImportCheckError).provided.libraries.items():
            found.setdefault(name, set()).add(digest)
    return {name for name, digests in found.items() if len(digests) > 1}


def check_imports(layer: Layer, environment: Path, distributions: dict[str, bool], log: Path, tools: Tools) -> None:
    """Start the environment's Python, import distributions, and look up the layer's launch and support modules.

    Args:
        layer: The layer.
        environment: Its linked environment.
        distributions: As `distributions_to_check` gives them.
        log: File that collects the output of the child process.
        tools: Starts it.

    Raises:
        ImportCheckError: Python does not start or something cannot be imported; says what and why.
    """
    config = json.loads((environment / LAYER_CONFIG).read_bytes())
    wanted = {
        "distributions": distributions,
        "modules": [source.module for source in layer.sources if source.is_importable],
        "site_dir": str(environment / config["site_dir"]),
    }
    report = log.with_suffix(".imports")
    argv = [*child_command(environment / config["python"], tools), "imports", report, json.dumps(wanted)]
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    try:
        tools.processes.run(argv, env=scrubbed_environment(tools.environment), log=log)
        said = _read(report)
    except ProcessFailedError as error:
        raise _failed_at(_read(report), layer, error, log) from error
    finally:
        report.unlink(missing_ok=True)
    failures = said[-1] if said and isinstance(said[-1], list) else [[*said[-1:], "ended the process"]]
    if failures:
        details = tuple(": ".join(map(str, failure)) for failure in failures)
        raise ImportCheckError(
            f"layer '{layer.name}': what it declares cannot be imported", details=details, hint=_HINT
        )


def child_command(python: Path, tools: Tools) -> list[str | Path]:
    """The start of a command that lets `python` run `venvstacks._injected.child`."""
    return [python, "-I", "-B", Path(child.__file__), tools.cache / "bytecode"]


def _failed_at(said: list[object], layer: Layer, error: ProcessFailedError, log: Path) -> ImportCheckError:
    hint = f"the log is {log}"
    if not said:
        return ImportCheckError(f"layer '{layer.name}': its Python does not start", details=error.details, hint=hint)
    told = (*error.details, f"exit status {error.returncode}")
    return ImportCheckError(
        f"layer '{layer.name}': Python fails while it imports '{said[-1]}'", details=told, hint=hint
    )


def _read(report: Path) -> list[object]:
    """All that a child has told; what a killed one has not finished writing does not count."""
    said: list[object] = []
    with contextlib.suppress(OSError, ValueError):
        said.extend(json.loads(line) for line in report.read_text("utf-8").splitlines())
    return said
