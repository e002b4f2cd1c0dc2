"""Looks for what would make runs fail: Python, uv, runtimes, folders, free space, locks, the recorded state."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from venvstacks.api.free_space import existing_folder
from venvstacks.api.lock_state import lock_staleness
from venvstacks.errors import ProcessFailedError, VenvstacksError
from venvstacks.insight.readable import readable_bytes
from venvstacks.loading.project import Project
from venvstacks.model.runtime_needs import broken_promises
from venvstacks.model.stack import Layer
from venvstacks.records.published_metadata import read_metadata
from venvstacks.records.task_store import TaskStore
from venvstacks.records.tree_records import RuntimeRecord
from venvstacks.tools.file_systems import free_bytes
from venvstacks.tools.process import Processes

Level = Literal["ok", "warning", "problem"]

_LITTLE = 2 << 30  # bytes; fewer on a disk are worth a warning where it is not known how many are needed


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: What it is about.
        level: Whether it is in order.
        message: What was found, in a sentence.
        hint: What to do about it.
    """

    subject: str
    level: Level
    message: str
    hint: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON data."""
        return dict(vars(self))


def diagnose(project: Project) -> tuple[Finding, ...]:
    """Look at a project and this machine; nothing is changed, and no network is asked."""
    checks: tuple[Callable[[Project], Iterator[Finding]], ...] = (
        _platform, _uv, _runtimes, _folders, _space, _files, _locks, _state,
    )  # fmt: skip
    found = [Finding("Python", "ok", f"{sys.implementation.name} {sys.version.partition(' ')[0]} at {sys.executable}")]
    for check in checks:
        try:
            found += check(project)
        except (VenvstacksError, OSError) as error:
            text = error.message if isinstance(error, VenvstacksError) else str(error)
            hint = error.hint if isinstance(error, VenvstacksError) else None
            found.append(Finding(check.__name__.strip("_"), "problem", text, hint))
    return tuple(found)


def _platform(project: Project) -> Iterator[Finding]:
    platform = project.configuration.platform
    if platform is None:
        yield Finding("platform", "problem", "layers cannot be built on this machine", "lock here, and build elsewhere")
        return
    layers = project.stack.layers
    meant = [layer for layer in layers if platform in layer.platforms]
    if not meant:
        others = sorted({one.name for layer in layers for one in layer.platforms})
        hint = f"add it to `platforms`; the layers are for {', '.join(others) or 'no platform'}"
        yield Finding("platform", "problem", f"no layer is for this machine's platform, {platform.name}", hint)
    else:
        yield Finding("platform", "ok", f"{platform.name}: {len(meant)} of {len(layers)} layers are for it")


def _uv(project: Project) -> Iterator[Finding]:
    from venvstacks.tools.uv import find_uv, uv_environment  # noqa: PLC0415 - runs that need no uv do not load it

    program = find_uv()
    try:
        done = Processes().run([program, "--version"], env=uv_environment(project.environment), limit=30)
    except ProcessFailedError as error:
        yield Finding("uv", "problem", f"{program} does not start: {error.message}", "install uv again")
        return
    yield Finding("uv", "ok", f"{done.stdout.strip()} at {program}")


def _runtimes(project: Project) -> Iterator[Finding]:
    providers = project.configuration.runtime_providers
    for layer in project.stack.layers:
        if layer.runtime is not None or not layer.platforms:
            continue
        subject = f"runtime {layer.name}"
        record = project.base / project.configuration.layout.record("runtime", layer)
        if record.is_file():
            yield from _built_runtime(subject, layer, RuntimeRecord.load(record))
        elif providers[:1] == ("host",):
            yield _installed(project, subject, layer)
        else:
            yield Finding(
                subject, "ok", f"{layer.python} will come from {', '.join(providers)}, which is not asked here"
            )


def _built_runtime(subject: str, layer: Layer, record: RuntimeRecord) -> Iterator[Finding]:
    """A runtime that was built; one that was copied from this machine may need more than other machines have."""
    broken = tuple(broken_promises(record.notes, layer.glibc))
    for text in broken:
        message, _, hint = text.partition(": ")
        yield Finding(subject, "warning", f"{layer.python} from {record.provider}: {message}", hint)
    if not broken:
        yield Finding(subject, "ok", f"{layer.python} was built before, from {record.provider}")


def _installed(project: Project, subject: str, layer: Layer) -> Finding:
    from venvstacks.runtimes.installed_pythons import search  # noqa: PLC0415 - only for the provider `host`
    from venvstacks.runtimes.provider_request import RuntimeRequest, RuntimeTools  # noqa: PLC0415

    platform = project.configuration.platform
    if platform is None:
        return Finding(subject, "warning", "it is not known which Pythons would fit this machine")
    with tempfile.TemporaryDirectory(prefix="venvstacks-") as folder:
        tools = RuntimeTools(Processes(), project.environment, Path(folder), Path(folder) / "log")
        installation = next(search(RuntimeRequest(layer.python, platform), tools).found, None)
    if installation:
        return Finding(subject, "ok", f"{layer.python} is installed at {installation.executable}")
    hint = "install it, with pyenv for example, or add another provider to `runtime-providers`"
    return Finding(subject, "problem", f"{layer.python} is not installed on this machine", hint)


def _places(project: Project) -> dict[str, Path]:
    layout = project.configuration.layout
    return {
        "build folder": project.base / layout.build,
        "folder of archives": project.base / layout.artifacts,
        "folder of locks": project.base / layout.requirements,
        "cache": project.cache,
    }


def _folders(project: Project) -> Iterator[Finding]:
    for subject, folder in _places(project).items():
        nearest = existing_folder(folder)
        if os.path.lexists(folder) and not folder.is_dir():
            yield Finding(subject, "problem", f"{folder} is no folder", "remove it, or choose another folder")
            continue
        try:
            with tempfile.TemporaryFile(dir=nearest):
                pass
        except OSError as error:
            hint = "change its owner or mode, or choose another folder"
            yield Finding(subject, "problem", f"{nearest} cannot be written to: {error.strerror}", hint)
        else:
            yield Finding(subject, "ok", f"{folder}{'' if nearest == folder else ' (does not exist yet)'}")


def _space(project: Project) -> Iterator[Finding]:
    """Free space, compared with what the layers took when they were last published."""
    layout, tag = project.configuration.layout, project.configuration.tag
    published = (
        read_metadata(project.base / layout.published_metadata(layout.artifacts, layer, tag))
        for layer in project.stack.layers
    )
    known = sum(one.product.uncompressed_size + (one.archive_size or 0) for one in published if one)
    devices: dict[int, str] = {}
    for subject, folder in _places(project).items():
        nearest = existing_folder(folder)
        if devices.setdefault(nearest.stat().st_dev, subject) == subject:
            free = free_bytes(nearest)
            is_little = free < max(known, _LITTLE)
            needed = f"; a build of everything takes {readable_bytes(known)}" if known else ""
            yield Finding(
                f"disk of the {subject}",
                "warning" if is_little else "ok",
                f"{readable_bytes(free)} are free{needed}",
                "make room, or choose folders on another disk" if is_little else None,
            )


def _files(project: Project) -> Iterator[Finding]:
    """Links between cache and build folder, and names that the file system takes for one."""
    cache, build = existing_folder(project.cache), existing_folder(_places(project)["build folder"])
    if not (os.access(cache, os.W_OK) and os.access(build, os.W_OK)):
        return
    with (
        tempfile.TemporaryDirectory(dir=build, prefix=".venvstacks-") as folder,
        tempfile.TemporaryDirectory(dir=cache, prefix=".venvstacks-") as other,
    ):
        source, target = Path(other) / "Name", Path(folder) / "Name"
        source.touch()
        try:
            target.hardlink_to(source)
            yield Finding("links", "ok", "files of the cache are linked into environments, not copied")
        except OSError:
            hint = "put both on one disk: `cache` in [tool.venvstacks], or VENVSTACKS_CACHE"
            yield Finding("links", "warning", "cache and build folder are on different disks: files are copied", hint)
        with contextlib.suppress(OSError):
            target.touch()
        if (Path(folder) / "name").exists():
            hint = "packages whose files differ in case alone cannot be built here"
            yield Finding("names of files", "warning", "the build folder ignores upper and lower case", hint)


def _locks(project: Project) -> Iterator[Finding]:
    stale = {name: reasons for name, reasons in lock_staleness(project).items() if reasons}
    for name, reasons in stale.items():
        yield Finding(f"lock of {name}", "warning", "; ".join(map(str, reasons)), "run `venvstacks lock --if-needed`")
    if not stale:
        yield Finding("locks", "ok", "all are valid")


def _state(project: Project) -> Iterator[Finding]:
    place = project.base / project.configuration.layout.task_state
    if not place.exists():
        yield Finding("state", "ok", "nothing has been built yet")
        return
    with TaskStore(place, writable=False) as store:
        yield Finding("state", "ok", f"recorded tasks: {len(store.names())}")
