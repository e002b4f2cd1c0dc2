"""Creating instances: unpacked or copied in the staging folder, moved to the store, and post-installed there."""

from __future__ import annotations

import contextlib
import os
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import source_from_cache
from pathlib import Path

from venvstacks._injected import postinstall
from venvstacks.actions.toolset import Tools
from venvstacks.archives.expected import ExpectedTree, expect
from venvstacks.archives.unpack import make_listed_folders, unpack_archive
from venvstacks.deployment.binding import Bound
from venvstacks.deployment.offers import OfferedLayer
from venvstacks.deployment.state import GeneratedFile, Installed, InstanceRecord
from venvstacks.deployment.steps.place import (
    FILE_MANIFEST,
    RECORD_NAMES,
    Place,
)
from venvstacks.deployment.steps.switch import Warn, staging_folder, throw_away
from venvstacks.digests import TreeEntry, scan_tree
from venvstacks.errors import DeployError, InterruptedRunError, ProcessFailedError
from venvstacks.model.conventions import LAYER_CONFIG
from venvstacks.model.platforms import TargetPlatform
from venvstacks.records.file_lists import FileManifest
from venvstacks.tools.clones import lay_file
from venvstacks.tools.files import write_atomically
from venvstacks.tools.folder_links import link_folder
from venvstacks.tools.patience import rename_patiently
from venvstacks.tools.process import Rights, scrubbed_environment
from venvstacks.tools.shared_files import lay_shared

_POSTINSTALL = "postinstall.py"
_NEEDED = (_POSTINSTALL, LAYER_CONFIG)
_SOURCES_PER_PROCESS = 50  # post-install starts a further process for as many
_RIGHTS = Rights(umask=0o022)  # not the user's: generated files are as readable as those of the archive


@dataclass(frozen=True)
class Delivered:
    """The fetched files of an instance.

    Attributes:
        bound: The layer, and the instances below it.
        expected: The files that the archive has to hold.
        packed: The per-file manifest that lists them, as it was published.
        archive: The archive's file on this machine.
    """

    bound: Bound
    expected: ExpectedTree
    packed: bytes
    archive: Path | zipfile.Path


@dataclass(frozen=True)
class Prepared:
    """An instance in the staging folder.

    Attributes:
        bound: The layer, and the instances below it.
        expected: Its files.
        folder: The folder that is to be moved to the store.
        bytecode: Bytecode that was copied with the files; None if it has to be compiled.
    """

    bound: Bound
    expected: ExpectedTree
    folder: Path
    bytecode: tuple[GeneratedFile, ...] | None = None

    @property
    def sources(self) -> int:
        """How many files of its are to be compiled."""
        if self.bytecode is not None:
            return 0
        return sum(path.endswith(".py") for path in self.expected.entries)


def expected_tree(packed: bytes, layer: OfferedLayer, platform: TargetPlatform) -> ExpectedTree:
    """The files that a layer's archive has to hold, from its per-file manifest.

    Raises:
        DeployError: The manifest is damaged, or lists files that no layer may have.
    """
    try:
        manifest = FileManifest.unpack(packed)
        expected = expect(
            manifest.entries(), manifest.install_target, siblings=frozenset(layer.lower), platform=platform
        )
        _check_shape(expected, layer)
    except ValueError as error:
        raise DeployError(
            f"the per-file manifest {layer.files.name} is refused: {error}", hint="have the layer published again"
        ) from error
    return expected


def _check_shape(expected: ExpectedTree, layer: OfferedLayer) -> None:
    if expected.top != layer.target:
        raise ValueError(f"it is about '{expected.top}'")
    for path in _NEEDED:
        if path not in expected.entries or expected.entries[path].is_link:
            raise ValueError(f"it lists no file {path}")
    for name in (layer.target, *layer.lower):
        if name in RECORD_NAMES:  # they are next to the layer in the store
            raise ValueError(f"no layer can be called {name!r}")


def unpack_instance(
    delivered: Delivered, place: Place, tools: Tools, on_bytes: Callable[[int], None] | None = None
) -> Prepared:
    """Unpack a layer's archive in the staging folder; `on_bytes` is called for every piece that is written.

    Raises:
        UnsafeArchiveError: The archive is not what its manifest says.
        InterruptedRunError: The deploy is being stopped.
        OSError: It cannot be written.
    """
    folder = staging_folder(place, delivered.bound.id)
    write_atomically(folder / FILE_MANIFEST, delivered.packed)
    unpack_archive(delivered.archive, delivered.expected, folder, lambda: tools.processes.stopping, on_bytes)
    return Prepared(delivered.bound, delivered.expected, folder)


def copy_instance(bound: Bound, expected: ExpectedTree, donor: InstanceRecord, place: Place, tools: Tools) -> Prepared:
    """Make an instance in the staging folder from another one that was unpacked from the same archive.

    Compiled code is shared where that is possible, and the other files are clones or copies: what an application writes
    into files of one instance changes no other. Bytecode is copied too, since the archive, and so the Python that it
    is for, is the same.

    Raises:
        InterruptedRunError: The deploy is being stopped.
        OSError: It cannot be written.
    """
    source = place.instance(donor.installed.id, donor.installed.target)
    folder = staging_folder(place, bound.id)
    target = folder / bound.layer.target
    lay_file(place.file_manifest(donor.installed.id), folder / FILE_MANIFEST)
    compiled = [generated.entry() for generated in donor.bytecode if (source / generated.path).is_file()]
    make_listed_folders(target, {*expected.folders, *(entry.path.rpartition("/")[0] for entry in compiled)})
    for entry in (*expected.entries.values(), *compiled):
        if tools.processes.stopping:
            raise InterruptedRunError
        _copy_entry(entry, source / entry.path, target / entry.path)
    return Prepared(bound, expected, folder, tuple(GeneratedFile.of(entry) for entry in compiled))


def _copy_entry(entry: TreeEntry, source: Path, target: Path) -> None:
    if entry.target is not None:
        target.symlink_to(entry.target)
        return
    lay_shared(source, target, executable=entry.executable)
    info = source.stat()
    os.utime(target, ns=(info.st_atime_ns, info.st_mtime_ns))  # Python knows bytecode by the time of its source


def settle(prepared: Iterable[Prepared], place: Place, warn: Warn) -> None:
    """Move instances from the staging folder into the store, and then link each to the instances below it.

    Links come last, as a junction (the link of Windows) can only be made to a folder that exists.

    Raises:
        OSError: It cannot be written.
    """
    instances = tuple(prepared)
    for one in instances:
        folder = place.store / one.bound.id
        if folder.exists():  # children of a killed deploy may have written for a moment longer
            throw_away(place, folder, warn)
        rename_patiently(one.folder, folder)
    for one in instances:
        for target, id_ in one.bound.lower.items():
            link_folder(place.store / one.bound.id / target, place.instance(id_, target))


class Compilers:
    """Processes that post-install scripts may run at the same time: each takes as many as it starts."""

    def __init__(self, count: int) -> None:
        """Allow `count` processes, at least one."""
        self._count = self._free = max(1, count)
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taken(self, wanted: int) -> Iterator[None]:
        """Wait until `wanted` processes are free (all of them, if there are not as many), and hold them."""
        count = min(wanted, self._count)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= count)
            self._free -= count
        try:
            yield
        finally:
            with self._changed:
                self._free += count
                self._changed.notify_all()


def finish(prepared: Prepared, place: Place, tools: Tools, compilers: Compilers) -> InstanceRecord:
    """Run an instance's post-install, and write its record, with which it counts as finished.

    Raises:
        DeployError: Post-install failed.
        InterruptedRunError: The deploy is being stopped.
        OSError: It cannot be written.
    """
    bound = prepared.bound
    folder = place.instance(bound.id, bound.layer.target)
    bytecode = prepared.bytecode
    with compilers.taken(1 + prepared.sources // _SOURCES_PER_PROCESS):
        compiles = _run_postinstall(folder, bound.layer, tools, bytecode=bytecode is None)
    if compiles:
        bytecode = tuple(GeneratedFile.of(entry) for entry in _bytecode(folder, prepared.expected))
    record = InstanceRecord(installed=_installed(prepared), bytecode=bytecode or ())
    write_atomically(place.record(bound.id), record.text())
    return record


def _bytecode(folder: Path, expected: ExpectedTree) -> tuple[TreeEntry, ...]:
    """Bytecode of the archive's sources; Python writes that of `sitecustomize.py`, which is not one of them, itself."""

    def is_new(path: str) -> bool:
        if path in expected.entries:  # links to folders among them
            return False
        return compiled_from(path) in expected.entries if path.endswith(".pyc") else (folder / path).is_dir()

    return scan_tree(folder, is_new)


def compiled_from(path: str) -> str:
    """The source of a bytecode file in a `__pycache__`; empty if its name is not one of those."""
    try:
        return source_from_cache(path).replace(os.sep, "/")
    except ValueError:
        return ""


def _run_postinstall(folder: Path, layer: OfferedLayer, tools: Tools, *, bytecode: bool) -> bool:
    """Run the layer's post-install script; returns whether it has compiled bytecode, which it does only if wanted."""
    try:
        config = postinstall.load_layer_config(folder)
        compiles = bytecode and config["bytecode"] == "on-deploy"
        python = os.path.normpath(folder / config["base_python"])
        command: list[str | Path] = [python, "-I", "-B", folder / _POSTINSTALL]
        command += [] if compiles else ["--no-compile"]
        tools.processes.run(command, env=scrubbed_environment(tools.environment), rights=_RIGHTS)
    except postinstall.PostInstallError as error:
        raise DeployError(f"layer '{layer.name}': {error}", hint="have the layer published again") from error
    except ProcessFailedError as error:
        raise DeployError(
            f"layer '{layer.name}': post-install failed",
            details=(str(error.message), *error.details),
            hint="what was installed before is untouched; correct what is named above, and run the same command again",
        ) from error
    return compiles


def _installed(prepared: Prepared) -> Installed:
    layer = prepared.bound.layer
    return Installed(
        id=prepared.bound.id,
        layer=layer.name,
        target=layer.target,
        kind=layer.kind,
        python=layer.python,
        lock_version=layer.lock_version,
        archive=layer.archive.sha256,
        files=layer.files.sha256,
        size=prepared.expected.size,
        lower=dict(prepared.bound.lower),
        launch_module=layer.launch_module,
    )
