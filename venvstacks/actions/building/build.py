"""Build an environment (its Python, its locked packages, its modules) in a new folder that replaces the old one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from venvstacks.actions.building.compiled_files import read_compiled_files
from venvstacks.actions.building.environment_tree import (
    WINDOWS_LAUNCHERS,
    copy_source,
    drop_unshipped,
    install_wheels,
    make_folders,
    place_tree,
    place_windows_launchers,
    write_launch,
)
from venvstacks.actions.building.obtaining_wheels import obtain_wheels
from venvstacks.actions.building.scripts import ScriptsRequest, settle_scripts
from venvstacks.actions.building.unsafe_wheels import check_local_wheels
from venvstacks.actions.building.wheel_placement import Scheme, place_wheels
from venvstacks.actions.building.wheel_store import UnpackedWheel, WheelRequest, drop
from venvstacks.actions.layer_request import LayerRequest
from venvstacks.actions.toolset import Tools
from venvstacks.archives.members import is_shipped
from venvstacks.digests import TreeEntry, scan_tree, tree_digest
from venvstacks.errors import BuildError
from venvstacks.locking.locks import LayerLock
from venvstacks.locking.pylock import parse_lock
from venvstacks.locking.uv_resolution import UnusableLockError
from venvstacks.locking.uv_texts import settings_text
from venvstacks.locking.wheel_choice import WheelTarget
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.runtime_needs import broken_promises
from venvstacks.model.specification import UvTable
from venvstacks.records.tree_records import BuildRecord, RuntimeRecord
from venvstacks.runtimes.provider_request import ArchiveSource, RuntimeRequest, RuntimeTools
from venvstacks.tools.files import path_from, remove_leftovers, staging_folder, swap_in, write_atomically
from venvstacks.tools.process import append_to_log
from venvstacks.tools.tree_removal import remove_tree
from venvstacks.tools.write_hints import special_hint


@dataclass(frozen=True)
class BuildRequest(LayerRequest):
    """What to build.

    Attributes:
        log: File that collects the output of child processes.
        host: The platform of this machine.
        uv: uv's settings.
        providers: Where Pythons come from, in order (runtimes only).
        archives: What provider `archive` offers for this Python (runtimes only).
        scripts: Whether console and GUI scripts become launchers; else they are removed.
        use_index: Whether uv may ask package indexes for what is not in its cache.
    """

    log: Path
    host: TargetPlatform | None = None
    uv: UvTable = field(default_factory=dict)
    providers: tuple[str, ...] = ()
    archives: Mapping[str, ArchiveSource] = field(default_factory=dict)
    scripts: bool = True
    use_index: bool = True


def build_layer(request: BuildRequest, tools: Tools) -> dict[str, object]:
    """Build the environment and write its records, the tree's last.

    Raises:
        BuildError: A Python, a package or a module could not be had, with what the failing tool said.
    """
    layer, layout, base = request.layer, request.layout, request.base
    record_path = base / layout.record("build", layer)
    try:
        remove_leftovers(base / layout.staging, layer.env_name)
        with staging_folder(base / layout.staging, layer.env_name) as staging:
            made = _make_sound_environment(request, staging / "env", tools)
            remove_tree(record_path)
            swap_in(staging / "env", base / layout.environment(layer), trash=base / layout.staging)
        if made.runtime:
            write_atomically(base / layout.record("runtime", layer), made.runtime.text())
        write_atomically(record_path, made.record.text())
    except OSError as error:
        raise BuildError(
            f"layer '{layer.name}': the environment cannot be written: {error}",
            hint=special_hint(error) or "check free space and permissions of the build folder, and of the cache",
        ) from error
    entries = made.record.entries
    counts: dict[str, object] = {"files": len(entries), "bytes": sum(entry.size for entry in entries)}
    return counts | ({"warnings": list(made.warnings)} if made.warnings else {})


@dataclass(frozen=True)
class _Made:
    """An environment that was made.

    Attributes:
        record: What it holds.
        runtime: What layers above use of it, for runtimes.
        damaged: Wheels whose files are not as they were unpacked, each with these files.
        warnings: What people should know.
    """

    record: BuildRecord
    runtime: RuntimeRecord | None
    damaged: Mapping[UnpackedWheel, Sequence[str]]
    warnings: Sequence[str]


def _make_sound_environment(request: BuildRequest, fresh: Path, tools: Tools) -> _Made:
    """Make the environment; wheels that have been changed since they were unpacked are fetched again, once."""
    made = _make_environment(request, fresh, tools)
    if not made.damaged:
        return made
    append_to_log(
        request.log,
        (f"note: not as the wheel of {wheel} has it: {', '.join(made.damaged[wheel])}" for wheel in made.damaged),
    )
    drop([wheel for wheel in made.damaged if wheel.key], tools)
    if all(wheel.key for wheel in made.damaged):
        remove_tree(fresh)
        made = _make_environment(request, fresh, tools)
    if made.damaged:
        raise _changed_wheels(request, made.damaged)
    return made


def _changed_wheels(request: BuildRequest, damaged: Mapping[UnpackedWheel, Sequence[str]]) -> BuildError:
    names = ", ".join(map(str, damaged))
    return BuildError(
        f"layer '{request.layer.name}': installed files are not those of the locked wheels of {names}",
        details=tuple(f"{wheel}: {path}" for wheel, paths in damaged.items() for path in paths[:5]),
        hint=f"clear what is cached: `uv cache clean {' '.join(wheel.name for wheel in damaged)}`, and run again",
    )


def _make_environment(request: BuildRequest, fresh: Path, tools: Tools) -> _Made:
    runtime, python = _make_python(request, fresh, tools)
    lock = _read_lock(request, request.base / request.layout.lock_file(request.layer))
    wheels = obtain_wheels(_wheel_request(request, lock), tools)
    scheme = Scheme(request.environment_layout, request.layer.runtime is None)
    placement = place_wheels(wheels.wheels, scheme, python)
    install_wheels(placement, fresh, request.environment_layout.site_dir)
    settle_scripts(
        ScriptsRequest(
            fresh, request.environment_layout, request.platform, _interpreter_names(request), request.scripts
        )
    )
    drop_unshipped(fresh)
    _settle_interpreter(request, fresh)
    record = _finish(request, fresh)
    damaged = wheels.damaged(placement, record.entries)
    return _Made(record, runtime, damaged, (*wheels.warnings, *placement.warnings, *_broken_promises(request, runtime)))


def _broken_promises(request: BuildRequest, runtime: RuntimeRecord | None) -> Iterator[str]:
    """A warning about a Python that does not run on all systems that its layer is meant for."""
    for broken in broken_promises(runtime.notes if runtime else (), request.layer.glibc):
        yield f"layer '{request.layer.name}': {broken}"


def _make_python(
    request: BuildRequest, fresh: Path, tools: Tools
) -> tuple[RuntimeRecord | None, tuple[TreeEntry, ...]]:
    """Make the environment without packages; give the files that belong to Python itself."""
    if request.layer.runtime is None:
        return _make_runtime(request, fresh, tools)
    make_folders(fresh, request.environment_layout, request.platform)
    if request.platform.is_windows:
        runtime = request.base / request.layout.environment(request.layer.runtime)
        if not place_windows_launchers(runtime, fresh):
            raise BuildError(
                f"layer '{request.layer.name}': {request.layer.python} has no launchers for virtual environments",
                details=(f"they are looked for in {WINDOWS_LAUNCHERS} of the runtime",),
                hint="use a complete Python as the runtime; embeddable packages have none",
            )
    return None, ()


def _make_runtime(request: BuildRequest, fresh: Path, tools: Tools) -> tuple[RuntimeRecord, tuple[TreeEntry, ...]]:
    from venvstacks.runtimes.providers import prepare_runtime  # noqa: PLC0415 - only runtimes need it

    runtime_tools = RuntimeTools(tools.processes, tools.environment, tools.cache, request.log, tools.progress)
    wanted = RuntimeRequest(request.layer.python, request.platform, request.archives, request.host)
    prepared = prepare_runtime(request.providers, wanted, runtime_tools)
    place_tree(prepared.entries, prepared.tree, fresh)
    (fresh / request.environment_layout.site_dir).mkdir(parents=True, exist_ok=True)
    record = RuntimeRecord(
        python=str(request.layer.python),
        provider=prepared.provider,
        build=prepared.build,
        digest=tree_digest(prepared.entries),
        notes=prepared.notes,
    )
    return record, prepared.entries


def _wheel_request(request: BuildRequest, lock: LayerLock) -> WheelRequest:
    layer = request.layer
    folder = (request.base / request.layout.lock_file(layer)).parent
    check_local_wheels(folder, lock, layer.name, BuildError)
    return WheelRequest(
        layer=layer.name,
        lock=lock,
        folder=folder,
        target=WheelTarget(request.platform, layer.python, layer.glibc, layer.macos),
        use_index=request.use_index,
        settings=settings_text(layer, request.uv, str(request.base)),
        log=request.log,
    )


def _read_lock(request: BuildRequest, path: Path) -> LayerLock:
    try:
        lock = parse_lock(path.read_text("utf-8"), request.layer.python)
        return lock.with_own_wheels_in(path_from(path.parent, request.base / request.layout.own_wheels))
    except (UnusableLockError, OSError, UnicodeDecodeError) as error:
        raise BuildError(f"the lock {path} cannot be used: {error}", hint="lock the layer again") from error


def _interpreter_names(request: BuildRequest) -> frozenset[str]:
    if request.platform.is_windows:
        return frozenset({"python.exe", "pythonw.exe"})
    return frozenset({"python", "python3", request.layer.python.versioned_name})


def _settle_interpreter(request: BuildRequest, fresh: Path) -> None:
    """Replace `venv`'s absolute links by one relative link to the runtime's interpreter; others lead to that one."""
    runtime = request.layer.runtime
    if runtime is None or request.platform.is_windows:
        return
    layout = request.environment_layout
    interpreter = fresh / layout.interpreter
    for name in _interpreter_names(request):
        remove_tree(interpreter.with_name(name))
    below = EnvironmentLayout.of(runtime, request.platform).interpreter
    interpreter.symlink_to(f"../../{runtime.env_name}/{below}")
    for name in ("python", "python3"):
        interpreter.with_name(name).symlink_to(interpreter.name)


def _finish(request: BuildRequest, fresh: Path) -> BuildRecord:
    site = fresh / request.environment_layout.site_dir
    layer = request.layer
    hashes = [
        copy_source(source, request.base, site, executables=not request.platform.is_windows) for source in layer.sources
    ]
    launched = [write_launch(launch, site) for launch in layer.launches]
    entries = scan_tree(fresh, is_shipped)
    return BuildRecord(
        env_name=request.layer.env_name,
        entries=entries,
        compiled=read_compiled_files(fresh, entries),
        launch_module=next(iter((*launched, *hashes)), None),
        support_modules=tuple(hashes if launched else hashes[1:]),
    )
