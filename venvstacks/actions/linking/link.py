"""Link an environment to the layers below it: its description of itself, shared libraries, wrapper, search path."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from venvstacks._injected import layer_chain, postinstall
from venvstacks.actions.earlier_results import read_back
from venvstacks.actions.publishing.bytecode import Compilation, compile_tree
from venvstacks.actions.publishing.deployed_names import deployed_name
from venvstacks.actions.toolset import Tools
from venvstacks.digests import TreeEntry, sha256_bytes
from venvstacks.errors import LinkError
from venvstacks.linking.chain import Chain, LowerPackages, own_pth_files
from venvstacks.linking.dynlibs import LibrarySearch, SharedLibrary, describe_shadowing, find_libraries
from venvstacks.linking.layer_config import ON_DEPLOY, LayerConfig, LayerPaths, layered_config, runtime_config
from venvstacks.linking.provided import Provided
from venvstacks.linking.wrapper import needs_wrapper, wrapper_text
from venvstacks.model.conventions import DYNLIB_DIR, LAYER_CONFIG
from venvstacks.model.layout import EnvironmentLayout, StackLayout
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.records.tree_records import BuildRecord, LinkRecord, ProvidedRecord
from venvstacks.tools.files import remove_tree, write_atomically
from venvstacks.tools.symbols import exports_module_init

_SHARE = "share/venv"


@dataclass(frozen=True)
class LinkRequest:
    """What to link.

    Attributes:
        layer: The layer.
        platform: The platform of this machine.
        layout: Where everything is, relative to `base`.
        base: The specification's folder.
        log: File that collects notes and the output of child processes.
        bytecode: When bytecode is made: `on-deploy`, `shipped` or `none`.
    """

    layer: Layer
    platform: TargetPlatform
    layout: StackLayout
    base: Path
    log: Path
    bytecode: str = ON_DEPLOY

    @property
    def environment(self) -> Path:
        """The environment's folder."""
        return self.base / self.layout.environment(self.layer)


def link_layer(request: LinkRequest, tools: Tools) -> dict[str, object]:
    """Link the environment, and write what it publishes to other layers and to archives.

    The step may be repeated on an environment that was linked before, or half linked.

    Raises:
        LinkError: Shared libraries are in conflict.
    """
    layer, layout, base = request.layer, request.layout, request.base
    build = read_back(BuildRecord, base / layout.record("build", layer), LinkError)
    try:
        remove_tree(base / layout.record("link", layer))
        libraries = _find_libraries(request, build.entries)
        _note_shadowing(request)
        config = _layer_config(request)
        chain = _chain(request, build.entries, config)
        name = _alias(request)
        changed = (*_write_links(request, config, libraries), *_write_chain(request, chain))
        postinstall.relink(request.environment)
        postinstall.make_overlay(request.environment)
        replaced = {entry.path for entry in changed}
        entries = [entry for entry in build.entries if entry.path not in replaced]
        compiled = _compile(request, (*entries, *changed), tools)
        provided = Provided({library.name: library.sha256 for library in libraries}, chain.pth_files)
        record = LinkRecord.of(build, name, (*entries, *changed, *compiled))
        write_atomically(base / layout.record("provided", layer), ProvidedRecord(provided=provided).text())
        write_atomically(base / layout.record("link", layer), record.text())
    except postinstall.PostInstallError as error:
        raise LinkError(f"layer '{layer.name}': {error}") from error
    except OSError as error:
        raise LinkError(
            f"layer '{layer.name}': the environment cannot be linked: {error}",
            hint="check free space and permissions of the build folder",
        ) from error
    return {"libraries": len(libraries)}


def _compile(request: LinkRequest, entries: Iterable[TreeEntry], tools: Tools) -> tuple[TreeEntry, ...]:
    """Write bytecode next to the sources if it is shipped."""
    if request.bytecode != "shipped":
        return ()
    wanted = Compilation.of(request.layer, request.platform, request.environment, entries, LinkError)
    return compile_tree(wanted, request.log, tools)


def _find_libraries(request: LinkRequest, entries: Iterable[TreeEntry]) -> tuple[SharedLibrary, ...]:
    environment = request.environment
    search = LibrarySearch(
        request.platform,
        EnvironmentLayout.of(request.layer, request.platform).site_dir,
        lambda path: exports_module_init(environment / path),
        request.layer.dynlib_exclude,
    )
    found = find_libraries(request.layer.env_name, entries, search)
    _write_notes(request, [f"dynlib_exclude: '{glob}' leaves out nothing" for glob in found.unused_excludes])
    return found.libraries


def _note_shadowing(request: LinkRequest) -> None:
    """Write to the log which libraries of the layers below are hidden by others."""
    below = [
        (
            lower.env_name,
            [SharedLibrary(name, "", 0, digest) for name, digest in _provided(request, lower).libraries.items()],
        )
        for lower in request.layer.below
    ]
    _write_notes(request, describe_shadowing(below))


def _write_notes(request: LinkRequest, notes: Sequence[str]) -> None:
    if notes:
        request.log.parent.mkdir(parents=True, exist_ok=True)
        with request.log.open("a", encoding="utf-8") as log:
            log.writelines(f"note: {note}\n" for note in notes)


def _provided(request: LinkRequest, layer: Layer) -> Provided:
    place = request.base / request.layout.record("provided", layer)
    return read_back(ProvidedRecord, place, LinkError).provided


def _chain(request: LinkRequest, entries: Iterable[TreeEntry], config: LayerConfig) -> Chain:
    below = (
        LowerPackages(site_dir, _provided(request, lower).pth_files)
        for lower, site_dir in zip(request.layer.below, config.pylib_dirs, strict=True)
    )
    pth_files = own_pth_files([entry.path for entry in entries], config.site_dir)
    wrapped = bool(request.platform.dynamic_library_variable) and needs_wrapper(config.dynlib_dirs)
    wrapper = config.python if wrapped else None
    return Chain(config.site_dir, config.py_version, pth_files, tuple(below), wrapper)


def _write_chain(request: LinkRequest, chain: Chain) -> Iterator[TreeEntry]:
    if not chain.below:
        return
    notes = [f"{name} runs before the packages of the layers below can be imported" for name in chain.early_pth_files]
    _write_notes(request, notes)
    for path, text in chain.files(Path(layer_chain.__file__).read_text("utf-8")).items():
        yield _write_file(request.environment, path, text)


def _layer_config(request: LinkRequest) -> LayerConfig:
    layer = request.layer
    own = _paths(request, layer)
    if layer.runtime is None:
        return replace(runtime_config(own, layer.python.version), bytecode=request.bytecode)
    config = layered_config(
        own,
        layer.python.version,
        frameworks=[_paths(request, lower) for lower in layer.frameworks],
        runtime=_paths(request, layer.runtime),
        launch_module=layer.launch.module if layer.launch else None,
    )
    return replace(config, bytecode=request.bytecode)


def _paths(request: LinkRequest, layer: Layer) -> LayerPaths:
    layout = EnvironmentLayout.of(layer, request.platform)
    publishes = layer is not request.layer and bool(_provided(request, layer).libraries)
    return LayerPaths(
        deployed_name(layer, request.layout, request.base),
        layout.python,
        layout.site_dir,
        DYNLIB_DIR if publishes else None,
    )


def _alias(request: LinkRequest) -> str:
    """Make the deployed name lead to the environment in the build folder, so that shipped paths work there too."""
    layer, place = request.layer, request.environment
    name = deployed_name(layer, request.layout, request.base)
    for old in place.parent.glob(f"{layer.env_name}@*"):
        if old.is_symlink() and old.name != name and str(old.readlink()) == layer.env_name:
            old.unlink()
    alias = place.with_name(name)
    if name != layer.env_name and not os.path.lexists(alias):
        alias.symlink_to(layer.env_name, target_is_directory=True)
    return name


def _write_links(request: LinkRequest, config: LayerConfig, libraries: Iterable[SharedLibrary]) -> Iterator[TreeEntry]:
    """Write everything that linking adds, and yield its entries as they are shipped."""
    environment, layer = request.environment, request.layer
    remove_tree(environment / _SHARE)
    yield _write_file(environment, LAYER_CONFIG, config.text)
    for library in libraries:
        yield _write_link(environment, f"{DYNLIB_DIR}/{library.name}", library.link_target)
    if layer.runtime is None or request.platform.is_windows:
        return
    layout = EnvironmentLayout.of(layer, request.platform)
    runtime = EnvironmentLayout.of(layer.runtime, request.platform)
    runtime_name = deployed_name(layer.runtime, request.layout, request.base)
    yield _write_link(environment, layout.interpreter, f"../../{runtime_name}/{runtime.interpreter}")
    name = layer.python.versioned_name
    variable = request.platform.dynamic_library_variable
    if variable and needs_wrapper(config.dynlib_dirs):
        folders = [f"../{folder}" for folder in config.dynlib_dirs]
        yield _write_file(environment, layout.python, wrapper_text(variable, name, folders), executable=True)
    else:
        yield _write_link(environment, layout.python, name)
    yield _write_link(environment, f"{layout.executables}/python3", "python")


def _write_file(environment: Path, path: str, text: str, *, executable: bool = False) -> TreeEntry:
    content = text.encode("utf-8")
    place = environment / path
    remove_tree(place)
    write_atomically(place, content)
    if executable:
        place.chmod(0o755)
    return TreeEntry(path, len(content), executable, sha256_bytes(content))


def _write_link(environment: Path, path: str, target: str) -> TreeEntry:
    place = environment / path
    if not (place.is_symlink() and str(place.readlink()) == target):
        remove_tree(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    return TreeEntry(path, target=target)
