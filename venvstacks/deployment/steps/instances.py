"""Instances made: unpacked or linked in staging, put into the store, and fitted to their place there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import source_from_cache
from pathlib import Path

from venvstacks._injected import postinstall
from venvstacks.actions.toolset import Tools
from venvstacks.archives.expected import ExpectedTree, expect
from venvstacks.archives.unpack import unpack_archive
from venvstacks.deployment.binding import Bound
from venvstacks.deployment.offers import OfferedLayer
from venvstacks.deployment.state import GeneratedFile, Installed, InstanceRecord
from venvstacks.deployment.steps.place import (
    FILE_MANIFEST,
    RECORD_NAMES,
    Place,
)
from venvstacks.deployment.steps.switch import (
    throw_away,
)
from venvstacks.digests import TreeEntry, scan_tree
from venvstacks.errors import DeployError, ProcessFailedError
from venvstacks.model.conventions import LAYER_CONFIG
from venvstacks.model.platforms import TargetPlatform
from venvstacks.records.file_lists import FileManifest
from venvstacks.tools.files import link_or_copy, write_atomically
from venvstacks.tools.folder_links import link_folder
from venvstacks.tools.process import scrubbed_environment

_POSTINSTALL = "postinstall.py"
_NEEDED = (_POSTINSTALL, LAYER_CONFIG)


@dataclass(frozen=True)
class Delivered:
    """What was fetched for an instance.

    Attributes:
        bound: What it is.
        expected: Its files.
        packed: The same as its per-file manifest says it.
        archive: They themselves.
    """

    bound: Bound
    expected: ExpectedTree
    packed: bytes
    archive: Path


@dataclass(frozen=True)
class Prepared:
    """An instance in staging.

    Attributes:
        bound: What it is.
        expected: Its files.
        bytecode: Bytecode that it shares with the instance that it was linked from; None if it has to be compiled.
    """

    bound: Bound
    expected: ExpectedTree
    bytecode: tuple[GeneratedFile, ...] | None = None


def expected_tree(packed: bytes, layer: OfferedLayer, platform: TargetPlatform) -> ExpectedTree:
    """What a layer's archive has to hold, from its per-file manifest.

    Raises:
        DeployError: The manifest is damaged, or lists what no layer may hold.
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
        if name in RECORD_NAMES:  # they lie beside the layer in the store
            raise ValueError(f"no layer can be called {name!r}")


def unpack_instance(delivered: Delivered, place: Place, tools: Tools) -> Prepared:
    """Unpack a layer's archive as `staging/<id>/<deployed name>`.

    Raises:
        UnsafeArchiveError: The archive is not what its manifest says.
        InterruptedRunError: Nobody wants it any more.
        OSError: It cannot be written.
    """
    folder = place.staging / delivered.bound.id
    folder.mkdir()
    (folder / FILE_MANIFEST).write_bytes(delivered.packed)
    unpack_archive(delivered.archive, delivered.expected, folder, lambda: tools.processes.stopping)
    return Prepared(delivered.bound, delivered.expected)


def link_instance(bound: Bound, expected: ExpectedTree, donor: InstanceRecord, place: Place) -> Prepared:
    """Make an instance in staging out of another one that was unpacked from the same archive.

    Its files are hard links, which works because nothing ever writes into an instance's files. Bytecode comes along,
    since the archive, and so the Python that it is for, is the same.

    Raises:
        OSError: It cannot be written.
    """
    source = place.instance(donor.installed.id, donor.installed.target)
    folder = place.staging / bound.id
    target = folder / bound.layer.target
    folder.mkdir()
    link_or_copy(place.file_manifest(donor.installed.id), folder / FILE_MANIFEST)
    compiled = [generated.entry() for generated in donor.bytecode if (source / generated.path).is_file()]
    folders = {*expected.folders, *(entry.path.rpartition("/")[0] for entry in compiled)}
    for name in sorted(folders):
        (target / name).mkdir()
    for entry in (*expected.entries.values(), *compiled):
        _link_entry(entry, source / entry.path, target / entry.path)
    return Prepared(bound, expected, tuple(GeneratedFile.of(entry) for entry in compiled))


def _link_entry(entry: TreeEntry, source: Path, target: Path) -> None:
    if entry.target is not None:
        target.symlink_to(entry.target)
        return
    link_or_copy(source, target)
    if not target.samefile(source):  # Python knows bytecode by the time of its source
        shutil.copystat(source, target)


def settle(prepared: Iterable[Prepared], place: Place) -> None:
    """Put instances from staging into the store, with links to the instances below them.

    Raises:
        OSError: It cannot be written.
    """
    for one in prepared:
        folder = place.store / one.bound.id
        if folder.exists():  # children of a killed deploy may have gone on writing for a moment
            throw_away(place, folder)
        (place.staging / one.bound.id).rename(folder)
        for target, id_ in one.bound.lower.items():
            link_folder(folder / target, place.instance(id_, target))


def finish(prepared: Prepared, place: Place, tools: Tools) -> InstanceRecord:
    """Run an instance's post-install, and write its record, with which it counts.

    Raises:
        DeployError: Post-install failed.
        OSError: It cannot be written.
    """
    bound = prepared.bound
    folder = place.instance(bound.id, bound.layer.target)
    bytecode = prepared.bytecode
    if _run_postinstall(folder, bound.layer, tools, bytecode=bytecode is None):
        bytecode = tuple(GeneratedFile.of(entry) for entry in _bytecode(folder, prepared.expected))
    record = InstanceRecord(installed=_installed(prepared), bytecode=bytecode or ())
    write_atomically(place.record(bound.id), record.text())
    return record


def _bytecode(folder: Path, expected: ExpectedTree) -> tuple[TreeEntry, ...]:
    """Compiled files of what came with the archive (post-install's own module is compiled anew as it likes)."""

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
    """Let the layer fit itself to its place; returns whether it has compiled bytecode, which it does only if wanted."""
    try:
        config = postinstall.load_layer_config(folder)
        compiles = bytecode and config["bytecode"] == "on-deploy"
        python = os.path.normpath(folder / config["base_python"])
        command: list[str | Path] = [python, "-I", "-B", folder / _POSTINSTALL]
        command += [] if compiles else ["--no-compile"]
        tools.processes.run(command, env=scrubbed_environment(tools.environment))
    except postinstall.PostInstallError as error:
        raise DeployError(f"layer '{layer.name}': {error}", hint="have the layer published again") from error
    except ProcessFailedError as error:
        raise DeployError(
            f"layer '{layer.name}': post-install failed",
            details=(str(error.message), *error.details),
            hint="what was installed before is untouched; mend what is told above, and run the same command again",
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
