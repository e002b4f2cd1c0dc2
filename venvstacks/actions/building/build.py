"""Build an environment: its Python, its locked packages, its modules; fresh beside the old one, swapped in whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from venvstacks.actions.building.environment_tree import copy_source, drop_unshipped, lay_down
from venvstacks.actions.building.import_check import child_command
from venvstacks.actions.building.scripts import ScriptsRequest, settle_scripts
from venvstacks.actions.building.unsafe_wheels import check_local_wheels, name_unsafe_wheels
from venvstacks.actions.building.wheel_records import damaged_distributions
from venvstacks.actions.linking.compiled_files import read_compiled_files
from venvstacks.actions.toolset import Tools
from venvstacks.archives.members import is_shipped
from venvstacks.digests import scan_tree, tree_digest
from venvstacks.errors import BuildError, ProcessFailedError, UnsafeWheelError
from venvstacks.locking.locks import LayerLock
from venvstacks.locking.pylock import parse_lock
from venvstacks.locking.uv_resolution import UnusableLockError
from venvstacks.locking.uv_texts import settings_text
from venvstacks.model.layout import EnvironmentLayout, StackLayout
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.specification import UvTable
from venvstacks.model.stack import Layer
from venvstacks.records.tree_records import BuildRecord, RuntimeRecord
from venvstacks.runtimes.provider_request import ArchiveSource, RuntimeRequest, RuntimeTools
from venvstacks.tools.files import remove_leftovers, remove_tree, staging_folder, swap_in, write_atomically
from venvstacks.tools.process import append_to_log, scrubbed_environment
from venvstacks.tools.uv import InstallRequest, forget_cached, install


@dataclass(frozen=True)
class BuildRequest:
    """What to build.

    Attributes:
        layer: The layer.
        platform: The platform of this machine.
        layout: Where everything is, relative to `base`.
        base: The specification's folder.
        log: File that collects the output of child processes.
        uv: uv's settings.
        providers: Where Pythons come from, in order (runtimes only).
        archives: What provider `archive` offers for this Python (runtimes only).
        scripts: Whether console and GUI scripts become launchers; else they are removed.
        use_index: Whether uv may ask package indexes for what is not in its cache.
    """

    layer: Layer
    platform: TargetPlatform
    layout: StackLayout
    base: Path
    log: Path
    uv: UvTable = field(default_factory=dict)
    providers: tuple[str, ...] = ()
    archives: Mapping[str, ArchiveSource] = field(default_factory=dict)
    scripts: bool = True
    use_index: bool = True

    @property
    def environment_layout(self) -> EnvironmentLayout:
        """Paths inside the environment."""
        return EnvironmentLayout.of(self.layer, self.platform)


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
            fresh = staging / "env"
            runtime, record = _make_environment(request, fresh, tools)
            if damaged := damaged_distributions(fresh, request.environment_layout.site_dir, record.entries):
                _forget_damaged(request, damaged, tools)
                remove_tree(fresh)
                runtime, record = _make_environment(request, fresh, tools)
            remove_tree(record_path)
            swap_in(fresh, base / layout.environment(layer), trash=base / layout.staging)
        if runtime:
            write_atomically(base / layout.record("runtime", layer), runtime.text())
        write_atomically(record_path, record.text())
    except OSError as error:
        raise BuildError(
            f"layer '{layer.name}': the environment cannot be written: {error}",
            hint="check free space and permissions of the build folder, and of the cache",
        ) from error
    return {"files": len(record.entries), "bytes": sum(entry.size for entry in record.entries)}


def _make_environment(request: BuildRequest, fresh: Path, tools: Tools) -> tuple[RuntimeRecord | None, BuildRecord]:
    runtime = _make_python(request, fresh, tools)
    _install_packages(request, fresh, tools)
    scripts = ScriptsRequest(
        fresh, request.environment_layout, request.platform, _interpreter_names(request), request.scripts
    )
    settle_scripts(scripts)
    drop_unshipped(fresh, request.environment_layout)
    _settle_interpreter(request, fresh)
    return runtime, _finish(request, fresh)


def _forget_damaged(request: BuildRequest, damaged: Mapping[str, Sequence[str]], tools: Tools) -> None:
    """Have uv unpack distributions anew: files of theirs are not as their wheels list them.

    Should they not be so in the wheel, either, the next attempt shows the same, and is what the lock means.
    """
    append_to_log(
        request.log,
        (f"note: not as the wheel of {name} lists it: {path}" for name in damaged for path in damaged[name]),
    )
    try:
        forget_cached(sorted(damaged), tools.processes, tools.environment, log=request.log)
    except ProcessFailedError as error:
        raise BuildError(
            f"layer '{request.layer.name}': uv's cache holds changed files of {', '.join(damaged)}",
            details=error.details,
            hint=f"repair it with `uv cache clean {' '.join(damaged)}`",
        ) from error


def _make_python(request: BuildRequest, fresh: Path, tools: Tools) -> RuntimeRecord | None:
    if request.layer.runtime is None:
        return _make_runtime(request, fresh, tools)
    base_python = request.base / request.layout.environment(request.layer.runtime)
    base_python /= EnvironmentLayout.of(request.layer.runtime, request.platform).interpreter
    argv = [*child_command(base_python, tools), "venv", fresh]
    try:
        tools.processes.run(argv, env=scrubbed_environment(tools.environment), log=request.log)
    except ProcessFailedError as error:
        raise BuildError(
            f"layer '{request.layer.name}': its virtual environment could not be made",
            details=error.details,
            hint=f"the log is {request.log}",
        ) from error
    return None


def _make_runtime(request: BuildRequest, fresh: Path, tools: Tools) -> RuntimeRecord:
    from venvstacks.runtimes.providers import prepare_runtime  # noqa: PLC0415 - only runtimes need it

    runtime_tools = RuntimeTools(tools.processes, tools.environment, tools.cache, request.log, tools.progress)
    wanted = RuntimeRequest(request.layer.python, request.platform, request.archives)
    prepared = prepare_runtime(request.providers, wanted, runtime_tools)
    lay_down(prepared.entries, prepared.tree, fresh)
    (fresh / request.environment_layout.site_dir).mkdir(parents=True, exist_ok=True)
    return RuntimeRecord(
        python=str(request.layer.python),
        provider=prepared.provider,
        build=prepared.build,
        digest=tree_digest(prepared.entries),
        notes=prepared.notes,
    )


def _install_packages(request: BuildRequest, fresh: Path, tools: Tools) -> None:
    """Install what the lock lists: from uv's cache if it is all there, else with what indexes have.

    A lock names wheels by digest, so what the cache holds cannot be out of date. uv does not know that: left to itself
    it asks about each wheel, and an index that answers with the wheel instead of "not modified" (as seen with mirrors)
    has it downloaded at every build: 0.9 s for scikit-learn and what it needs, against 0.3 s.
    """
    lock_file = request.base / request.layout.lock_file(request.layer)
    lock = _read_lock(request, lock_file)
    if not any(lock.installed(request.platform.name)):
        return
    check_local_wheels(lock_file.parent, lock, request.layer.name, BuildError)
    settings = fresh.with_name("uv.toml")
    settings.write_text(settings_text(request.layer, request.uv, str(request.base)), "utf-8")
    wanted = InstallRequest(
        layer=request.layer.name,
        lock_file=lock_file,
        python=fresh / request.environment_layout.interpreter,
        platform=request.platform.uv_platform(request.layer.glibc),
        macos=request.layer.macos,
        use_index=False,
        log=request.log,
        settings=settings,
    )
    try:
        _install_cached_or_fetched(wanted, tools, may_fetch=request.use_index)
    except UnsafeWheelError as error:
        raise name_unsafe_wheels(error, lock, request.platform.name, wanted, tools) from None


def _install_cached_or_fetched(wanted: InstallRequest, tools: Tools, *, may_fetch: bool) -> None:
    try:
        install(wanted, tools.processes, tools.environment)
    except UnsafeWheelError:
        raise
    except BuildError:
        if not may_fetch:
            raise
        install(replace(wanted, use_index=True), tools.processes, tools.environment)


def _read_lock(request: BuildRequest, path: Path) -> LayerLock:
    try:
        return parse_lock(path.read_text("utf-8"), request.layer.python)
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
    hashes = [copy_source(source, request.base, site) for source in request.layer.sources]
    entries = scan_tree(fresh, is_shipped)
    return BuildRecord(
        env_name=request.layer.env_name,
        entries=entries,
        compiled=read_compiled_files(fresh, entries),
        launch_module=hashes[0] if hashes else None,
        support_modules=tuple(hashes[1:]),
    )
