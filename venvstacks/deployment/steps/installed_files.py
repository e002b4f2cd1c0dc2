"""Comparison of installed layers with their manifests: files, links, modes and owners, and bytecode with its source."""

from __future__ import annotations

import contextlib
import json
import os
import pkgutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from venvstacks._injected import postinstall
from venvstacks.actions.toolset import Tools
from venvstacks.deployment.launcher_texts import START_FOLDER
from venvstacks.deployment.state import Generation, InstanceRecord
from venvstacks.deployment.steps.deploy_failures import reading
from venvstacks.deployment.steps.instances import compiled_from
from venvstacks.deployment.steps.moved_layers import layer_config, names_another_folder
from venvstacks.deployment.steps.place import FILE_MANIFEST, RECORD, RECORD_NAMES, Place, finished_instances
from venvstacks.deployment.steps.user_launchers import start_texts
from venvstacks.digests import TreeEntry, sha256_bytes, sha256_file
from venvstacks.errors import ProcessFailedError
from venvstacks.linking.chain import PTH_NAME
from venvstacks.records.file_lists import FileManifest
from venvstacks.tools.file_systems import keeps_modes
from venvstacks.tools.files import read_regular
from venvstacks.tools.folder_links import leads_to
from venvstacks.tools.process import Rights, scrubbed_environment
from venvstacks.tools.tree_comparison import TreeDifference, compare_tree

Kind = Literal["missing", "changed", "foreign", "unreadable", "writable", "setuid", "owner", "moved"]

_COMPARE_BYTECODE = "compare_bytecode.py"


@dataclass(frozen=True, order=True)
class Difference:
    """A difference between a deployment and what was installed.

    Attributes:
        instance: The instance's id; empty for files of the deployment as a whole.
        path: Relative to the instance's folder in the store, or to the deployment's folder.
        kind: `missing`, `changed`, `foreign` (not installed by venvstacks, or bytecode that its source does not compile
            to), `unreadable` (for this user), `writable` (for everybody), `setuid` (or setgid), `owner` (another one
            than that of the instance's record), `moved` (a file that post-install has written for another folder).
    """

    instance: str
    path: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.kind:>10}  {f'store/{self.instance}/' if self.instance else ''}{self.path}"


def verify_generation(place: Place, generation: Generation, tools: Tools) -> tuple[Difference, ...]:
    """Compare everything that a generation needs with what was installed.

    Raises:
        DeployError: The store cannot be read, or a record was written by another version.
    """
    records = finished_instances(place)
    found = [*verify_links(place, generation)]
    for installed in generation.instances:
        record = records.get(installed.id)
        if record is not None and record.installed == installed:
            found += verify_instance(place, record, tools)
            continue
        file = place.record(installed.id)
        readable = os.access(file, os.R_OK) or not os.path.lexists(file)
        kind: Kind = "changed" if os.path.lexists(file) else "missing"
        found.append(Difference(installed.id, RECORD, kind if readable else "unreadable"))
    return tuple(sorted(found))


def verify_links(place: Place, generation: Generation) -> Iterator[Difference]:
    """Compare the links to a generation's applications, and the modes of the deployment's own folders."""
    folder = place.generations / str(generation.number)
    apps = folder / "apps"
    for name, id_ in generation.applications.items():
        if not leads_to(apps / name, place.instance(id_, generation.by_id[id_].target)):
            kind: Kind = "changed" if os.path.lexists(apps / name) else "missing"
            yield Difference("", (apps / name).relative_to(place.root).as_posix(), kind)
    for link in sorted(apps.iterdir() if apps.is_dir() else ()):
        if link.name not in generation.applications:
            yield Difference("", link.relative_to(place.root).as_posix(), "foreign")
    starts = folder / START_FOLDER
    if starts.is_dir():  # generations of earlier versions have none
        yield from _compare_starts(place, start_texts(place, generation), starts)
    ours = place.root, place.store, place.generations, folder, apps
    writable = [one for one in ours if one.is_dir() and one.stat().st_mode & stat.S_IWOTH and os.name == "posix"]
    found = (Difference("", one.relative_to(place.root).as_posix(), "writable") for one in writable)
    yield from _where_modes_are_kept(place, found)


def _compare_starts(place: Place, texts: Mapping[str, str], folder: Path) -> Iterator[Difference]:
    """Compare the launchers of a generation."""
    for name in sorted({*texts, *(entry.name for entry in folder.iterdir())}):
        file = folder / name
        try:
            same = name in texts and read_regular(file) == texts[name].encode()
        except OSError:
            same = False
        if not same:
            kind: Kind = "foreign" if name not in texts else "changed" if os.path.lexists(file) else "missing"
            yield Difference("", file.relative_to(place.root).as_posix(), kind)


def verify_instance(place: Place, record: InstanceRecord, tools: Tools) -> tuple[Difference, ...]:
    """Compare an instance with the manifest of its archive and with its record.

    Bytecode that Python has written since then is compared with its source, if that belongs to the instance.

    Raises:
        UnreadableError: The disk fails. A file that this user may not read is a difference.
    """
    with reading(place.root):
        return tuple(sorted(_instance_differences(place, record, tools)))


def _instance_differences(place: Place, record: InstanceRecord, tools: Tools) -> set[Difference]:
    id_, target = record.installed.id, record.installed.target
    found = {*_compare_surroundings(place, record), *_where_modes_are_kept(place, _unsafe_permissions(place, record))}
    listed = listed_entries(place, record)
    if listed is None:
        return {*found, Difference(id_, FILE_MANIFEST, "changed")}
    unreadable = {one.path for one in found if one.kind == "unreadable"}
    if unreadable & {".", target}:
        return found
    folder = place.instance(id_, target)
    wanted = {path: entry for path, entry in listed.items() if f"{target}/{path}" not in unreadable}
    wanted |= {generated.path: generated.entry() for generated in record.bytecode}
    texts = _generated_texts(folder, listed)
    wanted |= _generated_entries(folder, listed, texts)
    bytecode: list[str] = []

    def keep(path: str) -> bool:
        return f"{target}/{path}" not in unreadable

    for one in compare_tree(folder, wanted, keep, more_executable=True, threads=tools.threads):
        if one.kind == "foreign" and _belongs_to(one, wanted):
            bytecode.append(one.path)
        elif not any(f"{target}/{one.path}".startswith(f"{path}/") for path in unreadable):
            moved = one.path in texts and names_another_folder(folder / one.path, texts[one.path], place.root)
            found.add(Difference(id_, f"{target}/{one.path}", "moved" if moved else one.kind))
    damaged = {one.path.removeprefix(f"{target}/") for one in found}  # reported, and no source to compare with
    wrong = _wrong_bytecode(folder, [path for path in bytecode if compiled_from(path) not in damaged], tools)
    found |= {Difference(id_, f"{target}/{path}", "foreign") for path in wrong}
    return found


def listed_entries(place: Place, record: InstanceRecord) -> dict[str, TreeEntry] | None:
    """The files and links of the archive by path; None if the manifest is not the one that was installed."""
    try:
        packed = read_regular(place.file_manifest(record.installed.id))
        if sha256_bytes(packed) != record.installed.files:
            return None
        return {entry.path: entry for entry in FileManifest.unpack(packed).entries()}
    except (OSError, ValueError):
        return None


def _compare_surroundings(place: Place, record: InstanceRecord) -> Iterator[Difference]:
    """Compare what is next to the layer: records, and links to the layers below."""
    installed = record.installed
    folder = place.store / installed.id
    for target, id_ in installed.lower.items():
        if not leads_to(folder / target, place.instance(id_, target)):
            kind: Kind = "changed" if os.path.lexists(folder / target) else "missing"
            yield Difference(installed.id, target, kind)
    known = {*RECORD_NAMES, installed.target, *installed.lower}
    for entry in os.scandir(folder) if os.access(folder, os.R_OK | os.X_OK) else ():
        if entry.name not in known:
            yield Difference(installed.id, entry.name, "foreign")


def _unsafe_permissions(place: Place, record: InstanceRecord) -> Iterator[Difference]:
    """Files that others may change, that run as another user, that have another owner, or that cannot be read."""
    if os.name != "posix":
        return
    base = place.store / record.installed.id
    owner = place.record(record.installed.id).lstat().st_uid
    for path, info in _everything_below(str(base)):
        for kind in _permission_faults(path, info, owner):
            yield Difference(record.installed.id, path[len(str(base)) + 1 :] or ".", kind)


def _where_modes_are_kept(place: Place, found: Iterable[Difference]) -> list[Difference]:
    """What differs, without modes that nobody can change: those of a file system where they are the mount's."""
    all_of_them = list(found)
    if not any(one.kind == "writable" for one in all_of_them) or keeps_modes(place.staging):
        return all_of_them
    return [one for one in all_of_them if one.kind not in {"writable", "setuid"}]


def _everything_below(base: str) -> Iterator[tuple[str, os.stat_result]]:
    yield base, os.lstat(base)
    for folder, folders, files in os.walk(base):
        for name in (*folders, *files):
            path = f"{folder}/{name}"
            yield path, os.lstat(path)


def _permission_faults(path: str, info: os.stat_result, owner: int) -> Iterator[Kind]:
    if info.st_uid != owner:
        yield "owner"
    if stat.S_ISLNK(info.st_mode):
        return
    if info.st_mode & stat.S_IWOTH:
        yield "writable"
    if stat.S_ISREG(info.st_mode) and info.st_mode & (stat.S_ISUID | stat.S_ISGID):
        yield "setuid"
    if not os.access(path, os.R_OK | (os.X_OK if stat.S_ISDIR(info.st_mode) else 0)):
        yield "unreadable"


def _generated_texts(folder: Path, listed: Mapping[str, TreeEntry]) -> dict[str, str]:
    """The files that post-install writes for the layer's folder; none where the description of the layer is damaged."""
    with contextlib.suppress(postinstall.PostInstallError):  # which is reported anyway
        config = layer_config(folder)
        chained = f"{config['site_dir']}/{PTH_NAME}" in listed
        return postinstall.generated_texts(config, str(folder), chained=chained)
    return {}


def _generated_entries(folder: Path, listed: Mapping[str, TreeEntry], texts: Mapping[str, str]) -> dict[str, TreeEntry]:
    """The files with these texts, and the links, that post-install makes."""
    overlay = {}
    with contextlib.suppress(postinstall.PostInstallError):  # as above
        overlay = postinstall.load_overlay(folder)
    packed = {path: text.encode() for path, text in texts.items()}
    made = {path: TreeEntry(path, len(text), sha256=sha256_bytes(text)) for path, text in packed.items()}
    made |= {path: _overlay_entry(folder, path, target) for path, target in overlay.items()}
    return {path: entry for path, entry in made.items() if path not in listed}


def _overlay_entry(folder: Path, path: str, target: str) -> TreeEntry:
    """What post-install makes of a link of the overlay: that link, or without symbolic links a copy of its target."""
    copy, original = folder / path, folder / target
    if copy.is_file() and not copy.is_symlink() and original.is_file():
        size = original.stat().st_size
        return TreeEntry(path, size, sha256=sha256_file(original, size))
    return TreeEntry(path, target=postinstall.link_text(path, target))


def _belongs_to(one: TreeDifference, wanted: Mapping[str, TreeEntry]) -> bool:
    """Whether a file that is not listed is the bytecode of a listed source."""
    regular = one.found is not None and one.found.is_file(follow_symlinks=False)
    return regular and one.path.endswith(".pyc") and compiled_from(one.path) in wanted


def _wrong_bytecode(folder: Path, paths: list[str], tools: Tools) -> Iterable[str]:
    """Bytecode files that Python would run although they are not what their sources compile to.

    The layer's own Python compares them. If it cannot be started, all of them count as wrong.
    """
    if not paths:
        return paths
    try:
        python = Path(os.path.normpath(folder / layer_config(folder)["base_python"])).resolve()
        with tempfile.TemporaryDirectory(prefix="venvstacks-") as scratch:
            listing = Path(scratch, "list.json")
            pairs = [(str(folder / path), str(folder / compiled_from(path))) for path in paths]
            listing.write_text(json.dumps(pairs), "utf-8")
            program = Path(scratch, _COMPARE_BYTECODE)
            program.write_bytes(pkgutil.get_data("venvstacks.deployment.steps", _COMPARE_BYTECODE) or b"")
            user = _as_owner(python, (Path(scratch), listing, program))
            options = ["-I", "-S", "-B", "-X", f"pycache_prefix={scratch}"]  # its own bytecode is not used either
            command: list[str | Path] = [python, *options, program, listing]
            done = tools.processes.run(command, env=scrubbed_environment(tools.environment), rights=Rights(user=user))
        return [paths[number] for number in json.loads(done.stdout)]
    except (postinstall.PostInstallError, ProcessFailedError, OSError, ValueError, IndexError, TypeError):
        return paths


def _as_owner(program: Path, files: Iterable[Path]) -> tuple[int, int] | None:
    """The user and group that root uses to run another user's program, and who get these files; else None."""
    info = program.stat()
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or info.st_uid == 0:
        return None
    for file in files:
        os.chown(file, info.st_uid, info.st_gid)
    return info.st_uid, info.st_gid
