"""Publishing a stack a second time, in another place and under other conditions, to compare the archives.

The second build runs in a process of its own, since umask, time zone and locale belong to processes. It shares
with the first one: the specification and its locks, downloaded packages and Pythons (unless caches are to be empty),
the machine, and the versions of the tools. It does not share: the folders, the umask, the time zone, the
language, the number of jobs, the order of hashes, the home folder, compiled bytecode, and the time.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from venvstacks.archives.compare import ArchiveDifference, compare_archives
from venvstacks.digests import sha256_bytes, sha256_file
from venvstacks.errors import InterruptedRunError, ProcessFailedError, PublishError, UsageError
from venvstacks.graph.selection import Selection, select_layers
from venvstacks.loading.project import Project
from venvstacks.model.layout import StackLayout
from venvstacks.model.stack import Layer
from venvstacks.records.published_metadata import LayerMetadata, read_metadata
from venvstacks.tools.folder_links import link_entry
from venvstacks.tools.process import Processes

_OTHER_UMASK = "077"
_CONDITIONS = {
    "TZ": "Asia/Kathmandu",
    "LC_ALL": "tr_TR.UTF-8",
    "LANG": "tr_TR.UTF-8",
    "PYTHONHASHSEED": "4242",
}
_KEPT = ("bytecode",)
"""Folders of the cache that hold results instead of downloads; the second build makes its own."""

_START = (
    "import os, sys; os.umask(int(sys.argv.pop(1), 8)); from venvstacks.cli.error_boundary import run_command_line; "
    "sys.exit(run_command_line(sys.argv[1:]))"
)

Verdict = Literal["same", "different", "not published"]


@dataclass(frozen=True)
class Verified:
    """The result for one layer.

    Attributes:
        layer: Its environment name.
        verdict: Whether the second archive has the same bytes as the published one.
        archive: The published archive's name; empty if there is none.
        difference: The first difference, if both archives exist on this machine.
        same_inputs: Whether both archives were made from the same: the specification, the lock, options and versions
            of tools. A difference with other inputs is no fault, but a sign that something has to be published again.
        provenance: Whether the published statement of provenance says what the second build was made from; None where
            nothing is stated.
        contradictions: Where it says something else.
    """

    layer: str
    verdict: Verdict
    archive: str = ""
    difference: ArchiveDifference | None = None
    same_inputs: bool = True
    provenance: Literal["same", "different"] | None = None
    contradictions: tuple[str, ...] = ()

    @property
    def is_proven(self) -> bool:
        """Whether the second build gave the same archive, and the same statement where there is one."""
        return self.verdict == "same" and self.provenance != "different"

    def as_json(self) -> dict[str, object]:
        """The same as JSON data."""
        found = self.difference
        detail = {"member": found.member, "kind": found.kind, "detail": found.detail} if found else None
        return {
            "layer": self.layer,
            "verdict": self.verdict,
            "archive": self.archive,
            "difference": detail,
            "same_inputs": self.same_inputs,
            "provenance": self.provenance,
            "contradictions": list(self.contradictions),
        }


@dataclass(frozen=True)
class Verification:
    """What is verified, and how.

    Attributes:
        selection: Which layers.
        work_dir: Folder of the second build, which is kept; None for a temporary one.
        fresh_caches: Whether the second build begins with empty caches, and so downloads everything again.
    """

    selection: Selection
    work_dir: Path | None = None
    fresh_caches: bool = False


def reproduce(project: Project, wanted: Verification, processes: Processes) -> tuple[Verified, ...]:
    """Build and publish the selected layers again, and compare their archives with those that are published.

    Args:
        project: The project.
        wanted: Which layers, and how the second build is made.
        processes: Starts the second build; stopping it ends the comparison, too.

    Raises:
        UsageError: Nothing is published, or the folder of the second build is not empty.
        PublishError: The second build failed.
        InterruptedRunError: `processes` was stopped.
    """
    layers = _published_layers(project, wanted.selection)
    with _second_place(wanted.work_dir) as place:
        _build_again(project, layers, wanted, place, processes)
        return tuple(_judged(project, layer, place) for layer in layers if not _is_stopped(processes))


def _is_stopped(processes: Processes) -> bool:
    if processes.stopping:
        raise InterruptedRunError
    return False


def _published_layers(project: Project, selection: Selection) -> tuple[Layer, ...]:
    platform, included = project.configuration.platform, select_layers(project.stack, selection).included
    chosen = [layer for layer in project.stack.layers if layer.env_name in included and platform in layer.platforms]
    if not any(_metadata(project, layer) for layer in chosen):
        folder = project.configuration.layout.artifacts
        raise UsageError(f"no selected layer is published in {folder}", hint="run `venvstacks publish` first")
    return tuple(chosen)


def _metadata(project: Project, layer: Layer, layout: StackLayout | None = None) -> LayerMetadata | None:
    configuration = project.configuration
    layout = layout or configuration.layout
    return read_metadata(project.base / layout.published_metadata(layout.artifacts, layer, configuration.tag))


@contextlib.contextmanager
def _second_place(work_dir: Path | None) -> Iterator[Path]:
    """An empty folder with a name that is long, has a space and is not ASCII."""
    if work_dir is not None:
        work_dir.mkdir(parents=True, exist_ok=True)
        if any(work_dir.iterdir()):
            raise UsageError(f"the folder {work_dir} is not empty", hint="name another one")
        yield work_dir
        return
    folder = Path(tempfile.mkdtemp(prefix="venvstacks-verify-"))
    try:
        yield folder / "ein anderer Ort, 別の場所"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _build_again(
    project: Project, layers: Sequence[Layer], wanted: Verification, place: Path, processes: Processes
) -> None:
    place.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", _START, _OTHER_UMASK if _umask() != 0o077 else "022"]
    command += ["--quiet", "build", str(project.path), "--publish", "--build-dependencies", "--no-publish-dependencies"]
    command += ["--build-dir", str(place / "build"), "--output-dir", str(place / "artifacts")]
    command += _repeated_options(project, layers)
    environment = {**project.environment, **_CONDITIONS, **_caches(project, wanted, place)}
    environment["HOME"] = str(place / "home")
    environment.setdefault("PATH", os.defpath)
    (place / "home").mkdir()
    try:
        processes.run(command, env=environment, log=place / "second-build.log")
    except ProcessFailedError as error:
        raise PublishError(
            "the stack cannot be built a second time",
            details=error.details,
            hint="build and publish it again first; use --work-dir to keep the second build",
        ) from error


def _umask() -> int:
    """This process's umask, which can only be read by setting it."""
    umask = os.umask(0o022)
    os.umask(umask)
    return umask


def _repeated_options(project: Project, layers: Sequence[Layer]) -> list[str]:
    """The options that the bytes of archives depend on, as they were given for the published ones."""
    options, configuration = project.options, project.configuration
    repeated = [f"--archive-format={configuration.archive_format}", f"--jobs={2 if project.jobs == 1 else 1}"]
    if configuration.archive_level is not None:
        repeated.append(f"--archive-level={configuration.archive_level}")
    repeated += [f"--runtime-provider={provider}" for provider in configuration.runtime_providers]
    repeated += [f"--local-wheels={folder}" for folder in project.local_wheel_folders]
    repeated += [f"--include={_literal(layer.env_name)}" for layer in layers]
    repeated += ["--tag-outputs"] if options.tag_outputs else []
    repeated += [f"--platform={configuration.layout.foreign}"] if configuration.is_foreign else []
    repeated += [] if options.use_index else ["--no-index"]
    return repeated


def _literal(name: str) -> str:
    return name.replace("[", "[[]")


def _caches(project: Project, wanted: Verification, place: Path) -> Mapping[str, str]:
    """Environment variables that give the second build the downloads of the first, but none of its results."""
    cache = place / "cache"
    cache.mkdir()
    if wanted.fresh_caches:
        return {"VENVSTACKS_CACHE": str(cache), "UV_CACHE_DIR": str(place / "uv")}
    if project.cache.is_dir():
        for folder in project.cache.iterdir():
            if folder.name not in _KEPT:
                link_entry(cache / folder.name, folder.absolute())
    # uv looks for its cache below the home folder, and the second build has another one
    named = project.environment.get("UV_CACHE_DIR") or _uv_cache(project.environment)
    return {"VENVSTACKS_CACHE": str(cache), **({"UV_CACHE_DIR": named} if named else {})}


def _uv_cache(environment: Mapping[str, str]) -> str | None:
    """The cache folder that uv chooses on Unix."""
    if os.name != "posix":
        return None
    caches = environment.get("XDG_CACHE_HOME") or f"{environment.get('HOME', '')}/.cache"
    return f"{caches}/uv" if caches.startswith("/") else None


def _judged(project: Project, layer: Layer, place: Path) -> Verified:
    """The result for one layer, with what its statement of provenance says."""
    found, published = _compare(project, layer, place), _metadata(project, layer)
    if published is None or published.product.provenance is None:
        return found
    from venvstacks.actions.publishing.provenance import differences, provenance_of  # noqa: PLC0415 - few are stated

    configuration, stated = project.configuration, published.product.provenance
    layout = replace(configuration.layout, build=str(place / "build"), artifacts=str(place / "artifacts"))
    again = _metadata(project, layer, layout)
    assert again is not None  # noqa: S101 - compared above
    again = again.model_copy(update={"archive_name": published.archive_name})
    second = provenance_of(project.stack, replace(configuration, layout=layout), project.base, again)
    try:
        content = (project.base / configuration.layout.artifacts / stated.name).read_bytes()
        statement = json.loads(content) if sha256_bytes(content) == stated.sha256 else {}
        other = differences(statement, second.statement()) if statement else (f"{stated.name} was changed",)
    except (OSError, ValueError) as error:
        other = (f"{stated.name} cannot be read: {error}",)
    return replace(found, provenance="different" if other else "same", contradictions=other)


def _compare(project: Project, layer: Layer, place: Path) -> Verified:
    published = _metadata(project, layer)
    if published is None or published.archive_name is None:
        return Verified(layer.env_name, "not published")
    layout = StackLayout(artifacts=str(place / "artifacts"))
    again = _metadata(project, layer, layout)
    if again is None or again.archive_name is None:
        raise PublishError(f"layer '{layer.name}': the second build published nothing")
    same_inputs = published.product.inputs_digest == again.product.inputs_digest
    first = project.base / project.configuration.layout.artifacts / published.archive_name
    if published.archive_hashes == again.archive_hashes and not _is_other_file(first, again):
        return Verified(layer.env_name, "same", published.archive_name)
    difference = None
    if first.is_file():
        try:
            difference = compare_archives(first, Path(layout.artifacts) / again.archive_name)
        except ValueError as error:
            raise PublishError(
                f"layer '{layer.name}': {first} cannot be compared: {error}", hint="publish it again"
            ) from error
    return Verified(layer.env_name, "different", published.archive_name, difference, same_inputs)


def _is_other_file(archive: Path, again: LayerMetadata) -> bool:
    """Whether a published archive exists and differs from its metadata; one that was moved counts as unchanged."""
    return archive.is_file() and {"sha256": sha256_file(archive)} != again.archive_hashes
