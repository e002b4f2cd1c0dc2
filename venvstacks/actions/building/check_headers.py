"""The check of a layer by the headers of its compiled files, for which nothing is started."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from venvstacks.actions.building.wheel_records import distribution_files
from venvstacks.actions.earlier_results import read_back
from venvstacks.actions.layer_request import LayerRequest
from venvstacks.binaries.compiled_file import CompiledFile
from venvstacks.binaries.read_headers import is_of_format, read_compiled_file
from venvstacks.binaries.static_check import Findings, LayerFiles, check_files
from venvstacks.digests import TreeEntry
from venvstacks.errors import ImportCheckError
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.runtime_needs import needed_libraries
from venvstacks.model.stack import Layer
from venvstacks.records.tree_records import LinkRecord, RuntimeRecord, StaticCheckRecord
from venvstacks.tools.files import write_atomically

_HEAD = 8


def check_headers(request: LayerRequest) -> dict[str, object]:
    """Check a linked layer, and write a record of that.

    Raises:
        ImportCheckError: It cannot run on its platform.
        MissingToolError: The parsers are not installed.
    """
    layer = request.layer
    place = request.base / request.layout.record("headers", layer)
    place.unlink(missing_ok=True)
    try:
        findings = check_files(_files(request))
    except OSError as error:
        raise ImportCheckError(f"layer '{layer.name}': its files cannot be read: {error}") from error
    if findings.faults:
        raise ImportCheckError(
            f"layer '{layer.name}' cannot run on {request.platform.name}",
            details=findings.faults,
            hint="correct linux_target or macosx_target of the layer if its machines are newer, or lock other wheels; "
            "--no-check-imports builds it as it is",
        )
    write_atomically(place, _record(findings).text())
    warnings = {"warnings": list(findings.warnings)} if findings.warnings else {}
    return {"compiled_files": findings.files, **warnings}


def _record(findings: Findings) -> StaticCheckRecord:
    return StaticCheckRecord(
        compiled_files=findings.files,
        newest_system=findings.newest,
        system_libraries=findings.system_libraries,
        missing_libraries=findings.missing,
        mach_files=findings.mach_files,
        warnings=findings.warnings,
    )


def _files(request: LayerRequest) -> LayerFiles:
    layer, platform = request.layer, request.platform
    environment = request.base / request.layout.environment(layer)
    entries = _entries(request, layer)
    compiled: dict[str, CompiledFile] = {}
    damaged: dict[str, str] = {}
    for entry in entries:
        if not entry.is_link and entry.size > _HEAD and _has_format(environment / entry.path, platform):
            try:
                compiled[entry.path] = read_compiled_file(environment / entry.path, platform.system)
            except ValueError as error:
                damaged[entry.path] = str(error)
    return LayerFiles(
        layer=layer.name,
        platform=platform,
        oldest=layer.glibc if platform.system == "linux" else layer.macos,
        compiled=compiled,
        damaged=damaged,
        supplied=_supplied(request, compiled) if layer.runtime is None else frozenset(),
        noted=_noted(request) if layer.runtime is None else (),
        names=frozenset(_names([entries, *(_entries(request, lower) for lower in layer.below)])),
    )


def _entries(request: LayerRequest, layer: Layer) -> tuple[TreeEntry, ...]:
    return read_back(LinkRecord, request.base / request.layout.record("link", layer), ImportCheckError).entries


def _has_format(path: Path, platform: TargetPlatform) -> bool:
    with path.open("rb", buffering=0) as stream:
        return is_of_format(stream.read(_HEAD), platform.system)


def _names(trees: Iterable[Iterable[TreeEntry]]) -> Iterable[str]:
    return (entry.path.rpartition("/")[2] for entries in trees for entry in entries)


def _supplied(request: LayerRequest, paths: Iterable[str]) -> frozenset[str]:
    """Those of a runtime's files that no package brings."""
    environment = request.base / request.layout.environment(request.layer)
    site_dir = request.environment_layout.site_dir
    brought = {path for files in distribution_files(environment, site_dir).values() for path in files}
    return frozenset(paths) - brought


def _noted(request: LayerRequest) -> tuple[str, ...]:
    """Libraries of the system that building the runtime has warned about."""
    place = request.base / request.layout.record("runtime", request.layer)
    return needed_libraries(read_back(RuntimeRecord, place, ImportCheckError).notes)
