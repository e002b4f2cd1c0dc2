"""Built environments compared with their records by content: files that were changed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from venvstacks._injected import postinstall
from venvstacks.archives.members import is_shipped
from venvstacks.digests import TreeEntry, entry_of
from venvstacks.errors import StateError
from venvstacks.linking.chain import CHAIN_FILES
from venvstacks.model.conventions import WRAPPED_FOLDER
from venvstacks.model.layout import EnvironmentLayout, StackLayout
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.reasons import Reason
from venvstacks.records.tree_records import BuildRecord, LinkRecord
from venvstacks.tools.tree_comparison import TreeDifference, compare_tree

_SHARE = "share/venv/"


def check_environments(
    layers: Iterable[Layer], platform: TargetPlatform, layout: StackLayout, base: Path, threads: int = 2
) -> dict[str, tuple[Reason, ...]]:
    """Environment name to one reason for each file that is not as it was built; nothing for whole environments.

    Files that are not shipped are skipped: post-install or Python (bytecode) writes them again.

    Raises:
        OSError: An environment cannot be read.
    """
    chosen = list(layers)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        found = pool.map(lambda layer: _changes(layer, platform, layout, base), chosen)
        return {layer.env_name: reasons for layer, reasons in zip(chosen, found, strict=True) if reasons}


def _changes(layer: Layer, platform: TargetPlatform, layout: StackLayout, base: Path) -> tuple[Reason, ...]:
    environment = layout.environment(layer)
    recorded = _recorded(layer, platform, layout, base)
    if recorded is None or not (base / environment).is_dir():
        return ()  # there is no result, so the layer is built in any case
    entries, counts = recorded
    entries = (*entries, *_overlay(base / environment))
    listed = {entry.path: entry for entry in entries if counts(entry.path)}
    return tuple(
        Reason("changed file", f"{environment}/{one.path}", _shown(listed.get(one.path)), _shown(_entry_now(one)))
        for one in sorted(compare_tree(base / environment, listed, is_shipped), key=lambda one: one.path)
        if counts(one.path)
    )


def _entry_now(difference: TreeDifference) -> TreeEntry | None:
    return entry_of(difference.path, difference.found) if difference.found else None


def _recorded(
    layer: Layer, platform: TargetPlatform, layout: StackLayout, base: Path
) -> tuple[tuple[TreeEntry, ...], Callable[[str], bool]] | None:
    """The newest record's entries, and which paths it can speak for."""
    try:
        return LinkRecord.load(base / layout.record("link", layer)).entries, lambda _: True
    except StateError:
        pass
    try:
        entries = BuildRecord.load(base / layout.record("build", layer)).entries
    except StateError:
        return None
    layout_inside = EnvironmentLayout.of(layer, platform)
    written = (_SHARE, f"{WRAPPED_FOLDER}/", f"{layout_inside.executables}/")
    chain = {f"{layout_inside.site_dir}/{name}" for name in CHAIN_FILES}

    def untouched_by_linking(path: str) -> bool:
        return not path.startswith(written) and path not in chain

    return entries, untouched_by_linking


def _overlay(environment: Path) -> tuple[TreeEntry, ...]:
    """The links to files of layers below, which are part of no record since they are not shipped."""
    try:
        links = postinstall.load_overlay(environment)
    except postinstall.PostInstallError:
        return ()  # the list is changed, which is a reason of its own
    return tuple(TreeEntry(path, target=postinstall.link_text(path, target)) for path, target in links.items())


def _shown(entry: TreeEntry | None) -> str | None:
    if entry is None:
        return None
    if entry.is_link:
        return f"link to {entry.target}"
    return f"{entry.sha256[:12]}{', executable' if entry.executable else ''}"


def reasons_by_task(found: Mapping[str, tuple[Reason, ...]]) -> dict[str, tuple[Reason, ...]]:
    """The same by the tasks that build these environments again."""
    return {f"build:{name}": reasons for name, reasons in found.items()}
