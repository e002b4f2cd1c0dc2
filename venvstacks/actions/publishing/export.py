"""Export a linked layer: a folder that can be used in place and shares no file with the build folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from venvstacks._injected import postinstall
from venvstacks.actions.publishing.bytecode import Compilation, compile_tree, compiling_ahead
from venvstacks.actions.publishing.layer_metadata import PublishedLayer
from venvstacks.actions.publishing.publish import contents_of
from venvstacks.actions.toolset import Tools
from venvstacks.archives.folder import export_tree
from venvstacks.archives.write_failures import not_written
from venvstacks.errors import PublishError
from venvstacks.linking.layer_config import ON_DEPLOY
from venvstacks.model.conventions import METADATA_DIR
from venvstacks.records.published_json import metadata_text
from venvstacks.records.published_metadata import read_metadata
from venvstacks.tools.clones import LinkMode
from venvstacks.tools.files import remove_leftovers, staging_folder, swap_in, write_atomically
from venvstacks.tools.patience import replace_patiently
from venvstacks.tools.tree_removal import remove_tree


@dataclass(frozen=True)
class ExportOptions:
    """How layers are exported.

    Attributes:
        link_mode: Whether files are cloned, copied or hard-linked.
        bytecode: When bytecode is made: `on-deploy` (an export is deployed where it is), `shipped` or `none`.
    """

    link_mode: LinkMode = "clone"
    bytecode: str = ON_DEPLOY


def export_layer(published: PublishedLayer, options: ExportOptions, log: Path, tools: Tools) -> dict[str, object]:
    """Write the layer as a folder that can be used in place, and then its metadata.

    Bytecode is complete when the folder is moved into place. If only a launch module has changed, only that is
    compiled.

    Raises:
        PublishError: The folder cannot be written, or post-install fails in it.
    """
    layout, name = published.layout, published.layer.env_name
    folder = published.base / layout.export
    place = published.base / layout.published_metadata(layout.export, published.layer, None)
    replaced = place.with_name(f".{place.name}.replaced")
    metadata = published.metadata()
    with not_written(folder):
        if place.exists():
            replace_patiently(place, replaced)
        previous = read_metadata(replaced)
        target = folder / metadata.install_target
        remove_leftovers(folder / METADATA_DIR, f".staging-{name}")
        with staging_folder(folder / METADATA_DIR, f".staging-{name}") as staging:
            exported = _write_tree(published, options, staging, log, tools)
            swap_in(exported, target, trash=staging)
        _fit(published, target)
        write_atomically(place, metadata_text(metadata.as_json()))
        if previous and previous.install_target != metadata.install_target:
            remove_tree(folder / previous.install_target)
        remove_tree(replaced)
    return {"folder": metadata.install_target}


def _write_tree(published: PublishedLayer, options: ExportOptions, staging: Path, log: Path, tools: Tools) -> Path:
    """Write files while their bytecode is compiled: the former takes the disk, the latter the processors."""
    contents = contents_of(published, tools)
    if options.bytecode != ON_DEPLOY:
        return export_tree(contents, staging, options.link_mode).top
    entries = published.record.entries
    shipped = Compilation.of(published.layer, published.platform, published.environment, entries, PublishError)
    wanted = replace(shipped, published=False)
    with compiling_ahead(wanted, log, tools):
        exported = export_tree(contents, staging, options.link_mode)
    compile_tree(replace(wanted, tree=exported.top), log, tools)
    return exported.top


def _fit(published: PublishedLayer, target: Path) -> None:
    """Do what post-install does, except for the bytecode, which exists already."""
    try:
        postinstall.write_generated_files(target)
        postinstall.make_overlay(target)
    except postinstall.PostInstallError as error:
        raise PublishError(f"layer '{published.layer.name}': {error}", hint="export to another folder") from error
