"""Link an environment to the layers below it: its description, chain, overlay, shared libraries and wrapper."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from venvstacks._injected import layer_chain, postinstall
from venvstacks.actions.linking.borrow import Borrowed, borrow
from venvstacks.actions.linking.hidden_versions import hidden_versions
from venvstacks.actions.linking.link_request import LinkRequest
from venvstacks.actions.publishing.bytecode import Compilation, compile_tree
from venvstacks.actions.publishing.deployed_names import deployed_name
from venvstacks.actions.toolset import Tools
from venvstacks.digests import TreeEntry, sha256_bytes
from venvstacks.errors import LinkError
from venvstacks.linking.chain import Chain, LowerPackages
from venvstacks.linking.layer_config import LayerConfig, LayerPaths, layered_config, runtime_config
from venvstacks.linking.wrapper import wrapper_text
from venvstacks.model.conventions import DLL_DIR, DYNLIB_DIR, DYNLIB_PATH, LAYER_CONFIG, LAYER_OVERLAY, WRAPPED_FOLDER
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.stack import Layer
from venvstacks.records.tree_records import LibrariesRecord, LinkRecord, ProvidedRecord
from venvstacks.tools.files import write_atomically
from venvstacks.tools.folder_links import leads_to, link_folder
from venvstacks.tools.tree_removal import is_folder_link, remove_tree
from venvstacks.tools.write_hints import special_hint

_SHARE = "share/venv"


def link_layer(request: LinkRequest, tools: Tools) -> dict[str, object]:
    """Link the environment, and write what it provides to other layers and to archives.

    The step may be repeated on an environment that was linked before, or half linked.

    Raises:
        LinkError: Layers contradict each other.
    """
    layer, layout, base = request.layer, request.layout, request.base
    build = request.build
    try:
        remove_tree(base / layout.record("link", layer))
        _remove_overlay(request)
        borrowed = borrow(request)
        notes = list(hidden_versions(request))
        name = _alias(request)
        changed = tuple(_write_links(request, borrowed))
        postinstall.write_generated_files(request.environment)
        postinstall.make_overlay(request.environment)
        replaced = {entry.path for entry in changed}
        entries = [entry for entry in build.entries if entry.path not in replaced]
        compiled = _compile(request, (*entries, *changed), tools)
        record = LinkRecord.of(build, name, (*entries, *changed, *compiled))
        libraries = LibrariesRecord(libraries=dict(borrowed.provided.libraries))
        write_atomically(base / layout.record("libraries", layer), libraries.text())
        write_atomically(base / layout.record("provided", layer), ProvidedRecord(provided=borrowed.provided).text())
        write_atomically(base / layout.record("link", layer), record.text())
    except postinstall.PostInstallError as error:
        raise LinkError(f"layer '{layer.name}': {error}") from error
    except OSError as error:
        raise LinkError(
            f"layer '{layer.name}': the environment cannot be linked: {error}",
            hint=special_hint(error) or "check free space and permissions of the build folder",
        ) from error
    values: dict[str, object] = {"libraries": len(borrowed.libraries.libraries), "links": len(borrowed.overlay)}
    return {**values, "notes": notes} if notes else values


def _remove_overlay(request: LinkRequest) -> None:
    """Remove the links of an earlier overlay, which may have other files by now."""
    own = {entry.path for entry in request.build.entries}
    with contextlib.suppress(postinstall.PostInstallError):  # a damaged list is written again
        for path in postinstall.load_overlay(request.environment).keys() - own:
            remove_tree(request.environment / path)


def _compile(request: LinkRequest, entries: Iterable[TreeEntry], tools: Tools) -> tuple[TreeEntry, ...]:
    """Write bytecode next to the sources if it is shipped."""
    if request.bytecode != "shipped":
        return ()
    wanted = Compilation.of(request.layer, request.platform, request.environment, entries, LinkError)
    return compile_tree(replace(wanted, emulator=request.emulator), request.log, tools)


def _layer_config(request: LinkRequest, borrowed: Borrowed) -> LayerConfig:
    layer = request.layer
    own = _paths(request, layer)
    if layer.runtime is None:
        return replace(runtime_config(own, layer.python.version), bytecode=request.bytecode)
    below = [_paths(request, lower) for lower in layer.below]
    config = layered_config(
        own,
        layer.python.version,
        frameworks=below[:-1],
        runtime=below[-1],
        launch_module=layer.launch_module,
    )
    config = replace(config, launch_names=layer.launch_names, desktop=_desktop(request))
    return replace(config, bytecode=request.bytecode, dynlib_path=DYNLIB_PATH if borrowed.wrapped else None)


def _desktop(request: LinkRequest) -> dict[str, object] | None:
    """How desktops show the application.

    Raises:
        LinkError: Its icon is missing.
    """
    layer = request.layer
    if layer.desktop is None:
        return None
    site_dir = EnvironmentLayout.of(layer, request.platform).site_dir
    try:
        return layer.desktop.data(site_dir, {entry.path for entry in request.build.entries})
    except ValueError as error:
        raise LinkError(
            f"layer '{layer.name}': {error}",
            hint="correct 'icon' in its table 'desktop'; it is a path such as "
            "'desk/icons/desk.svg', in the launch module's folder or an installed package",
        ) from error


def _paths(request: LinkRequest, layer: Layer) -> LayerPaths:
    layout = EnvironmentLayout.of(layer, request.platform)
    name = deployed_name(layer, request.layout, request.base)
    return LayerPaths(name, layout.python, layout.site_dir, DLL_DIR if request.platform.is_windows else DYNLIB_DIR)


def _alias(request: LinkRequest) -> str:
    """Make the deployed name lead to the environment in the build folder, so that shipped paths work there too."""
    layer, place = request.layer, request.environment
    name = deployed_name(layer, request.layout, request.base)
    for old in place.parent.glob(f"{layer.env_name}@*"):
        is_alias = is_folder_link(old) and old.readlink().name == layer.env_name
        if is_alias and not (old.name == name and leads_to(old, place)):
            old.unlink()
    alias = place.with_name(name)
    if name != layer.env_name and not os.path.lexists(alias):
        link_folder(alias, place)
    return name


def _write_links(request: LinkRequest, borrowed: Borrowed) -> Iterator[TreeEntry]:
    """Write everything that linking adds to what is shipped, and yield the entries of it."""
    environment = request.environment
    remove_tree(environment / _SHARE)
    config = _layer_config(request, borrowed)
    yield _write_file(environment, LAYER_CONFIG, config.text)
    if borrowed.overlay:
        yield _write_file(environment, LAYER_OVERLAY, _overlay_text(borrowed.overlay))
    for library in borrowed.libraries.libraries:
        yield _write_link(environment, f"{DYNLIB_DIR}/{library.name}", library.link_target)
    if request.layer.runtime is not None:
        yield from _write_chain(request, borrowed, config)
        if not request.platform.is_windows:
            yield from _write_python(request, wrapped=borrowed.wrapped)


def _overlay_text(overlay: Mapping[str, str]) -> str:
    return json.dumps({"format": 1, "links": dict(overlay)}, sort_keys=True, indent=1) + "\n"


def _write_chain(request: LinkRequest, borrowed: Borrowed, config: LayerConfig) -> Iterator[TreeEntry]:
    below = (
        LowerPackages(folder, lower.provided.pth_files, tuple(map(lower.place, lower.provided.dll_folders)))
        for lower, folder in zip(request.lower, config.pylib_dirs, strict=True)
    )
    chain = Chain(
        config.site_dir,
        config.py_version,
        borrowed.provided.pth_files,
        tuple(below),
        config.python if borrowed.wrapped else None,
        request.platform.dynamic_library_variable or "",
    )
    for path, text in chain.files(Path(layer_chain.__file__).read_text("utf-8")).items():
        yield _write_file(request.environment, path, text)


def _write_python(request: LinkRequest, *, wrapped: bool) -> Iterator[TreeEntry]:
    """Write the names of the interpreter: links to the runtime's, or a wrapper and links to that.

    `python_` is the interpreter without the wrapper, as in layers of the original.
    """
    assert request.layer.runtime is not None  # noqa: S101 - runtimes have their own
    environment, layout = request.environment, request.environment_layout
    runtime = EnvironmentLayout.of(request.layer.runtime, request.platform)
    runtime_name = deployed_name(request.layer.runtime, request.layout, request.base)
    name = request.layer.python.versioned_name
    inner = f"{WRAPPED_FOLDER}/{name}"
    remove_tree(environment / inner)
    python = f"../../{runtime_name}/{runtime.interpreter}"
    variable = request.platform.dynamic_library_variable
    if wrapped and variable:
        yield _write_link(environment, inner, python)
        yield _write_file(environment, layout.python, wrapper_text(variable, inner, DYNLIB_PATH), executable=True)
        yield _write_link(environment, layout.interpreter, "python")
        yield _write_link(environment, f"{layout.executables}/python_", python)
    else:
        yield _write_link(environment, layout.interpreter, python)
        yield _write_link(environment, layout.python, name)
        yield _write_link(environment, f"{layout.executables}/python_", "python")
    yield _write_link(environment, f"{layout.executables}/python3", "python")


def _write_file(environment: Path, path: str, text: str, *, executable: bool = False) -> TreeEntry:
    content = text.encode("utf-8")
    place = environment / path
    remove_tree(place)
    write_atomically(place, content)
    place.chmod(0o755 if executable else 0o644)
    return TreeEntry(path, len(content), executable, sha256_bytes(content))


def _write_link(environment: Path, path: str, target: str) -> TreeEntry:
    place = environment / path
    if not (place.is_symlink() and str(place.readlink()) == target):
        remove_tree(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    return TreeEntry(path, target=target)
