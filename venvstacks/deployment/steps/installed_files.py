"""Whether what is installed is still what was installed: every file, link and generated file of every instance."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from venvstacks._injected import postinstall
from venvstacks.deployment.state import InstanceRecord
from venvstacks.deployment.steps.instances import compiled_from
from venvstacks.deployment.steps.place import FILE_MANIFEST, RECORD_NAMES, Place
from venvstacks.digests import TreeEntry, sha256_file, walk_tree
from venvstacks.linking.chain import PTH_NAME
from venvstacks.records.file_lists import FileManifest
from venvstacks.tools.folder_links import leads_to

Kind = Literal["missing", "changed", "foreign"]


@dataclass(frozen=True, order=True)
class Difference:
    """One thing in an instance that is not what it should be.

    Attributes:
        instance: The instance's id.
        path: Relative to the instance's folder in the store.
        kind: Missing, changed, or foreign: nobody put it there.
    """

    instance: str
    path: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.kind:>7}  store/{self.instance}/{self.path}"


def verify_instance(place: Place, record: InstanceRecord, *, threads: int = 2) -> tuple[Difference, ...]:
    """Compare an instance with the manifest of its archive and the record of its making.

    Bytecode that Python has written since then is passed over where its source belongs to the instance.

    Raises:
        OSError: Something cannot be read.
    """
    installed = record.installed
    found = [*_compare_surroundings(place, record)]
    try:
        manifest = FileManifest.unpack(place.file_manifest(installed.id).read_bytes())
        listed = {entry.path: entry for entry in manifest.entries()}
    except (OSError, ValueError):
        return Difference(installed.id, FILE_MANIFEST, "changed"), *found
    folder = place.instance(installed.id, installed.target)
    wanted = listed | {generated.path: generated.entry() for generated in record.bytecode}
    texts = _fitted_texts(folder, listed)
    to_hash: list[tuple[str, TreeEntry]] = []
    for path, entry in walk_tree(folder) if folder.is_dir() else ():
        expected = wanted.pop(path, None)
        if expected is None:
            kind = _judge_other(path, entry, texts, listed)
            found += [_in_layer(record, path, kind)] if kind else []
        elif not _looks_like(entry, expected):
            found.append(_in_layer(record, path, "changed"))
        elif not expected.is_link:
            to_hash.append((entry.path, expected))
    with ThreadPoolExecutor(threads) as pool:
        for expected, same in zip((one for _, one in to_hash), pool.map(_has_digest, to_hash), strict=True):
            found += [] if same else [_in_layer(record, expected.path, "changed")]
    found += [_in_layer(record, path, "missing") for path in (*wanted, *texts)]
    return tuple(sorted(found))


def _in_layer(record: InstanceRecord, path: str, kind: Kind) -> Difference:
    return Difference(record.installed.id, f"{record.installed.target}/{path}", kind)


def _compare_surroundings(place: Place, record: InstanceRecord) -> Iterator[Difference]:
    """What lies beside the layer: records, and links to the layers below."""
    installed = record.installed
    folder = place.store / installed.id
    for target, id_ in installed.lower.items():
        if not leads_to(folder / target, place.instance(id_, target)):
            kind: Kind = "changed" if os.path.lexists(folder / target) else "missing"
            yield Difference(installed.id, target, kind)
    known = {*RECORD_NAMES, installed.target, *installed.lower}
    for entry in os.scandir(folder):
        if entry.name not in known:
            yield Difference(installed.id, entry.name, "foreign")


def _fitted_texts(folder: Path, listed: dict[str, TreeEntry]) -> dict[str, bytes]:
    """What post-install writes for the place where the layer is."""
    try:
        config = postinstall.load_layer_config(folder)
        chained = f"{config['site_dir']}/{PTH_NAME}" in listed
        texts = postinstall.generated_texts(config, str(folder), chained=chained)
    except postinstall.PostInstallError:
        return {}  # its description is changed, which is reported anyway
    return {path: text.encode() for path, text in texts.items() if path not in listed}


def _judge_other(
    path: str, entry: os.DirEntry[str], texts: dict[str, bytes], listed: dict[str, TreeEntry]
) -> Kind | None:
    text = texts.pop(path, None)
    if text is not None:
        same = not entry.is_symlink() and Path(entry.path).read_bytes() == text
        return None if same else "changed"
    if path.endswith(".pyc") and not entry.is_symlink():
        source = compiled_from(path)
        if source in listed or source.endswith("site-packages/sitecustomize.py"):
            return None
    return "foreign"


def _looks_like(entry: os.DirEntry[str], expected: TreeEntry) -> bool:
    if entry.is_symlink():
        return expected.target == Path(entry.path).readlink().as_posix()
    info = entry.stat(follow_symlinks=False)
    executable = bool(info.st_mode & 0o100) or os.name != "posix"
    return not expected.is_link and info.st_size == expected.size and executable >= expected.executable


def _has_digest(work: tuple[str, TreeEntry]) -> bool:
    path, expected = work
    return sha256_file(path) == expected.sha256
