"""The ordered member list of an environment: the one list that archives and exports are written from.

Pure: it works on the entries of a scanned tree and touches no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from venvstacks.digests import TreeEntry, sha256_bytes
from venvstacks.errors import PublishError
from venvstacks.model.relative_paths import ends_outside, folders_above
from venvstacks.modes import FOLDER_MODE, file_mode

_LINK_MODE = 0o777
_NO_ADDED: Mapping[str, bytes] = {}


@dataclass(frozen=True, slots=True)
class Member:
    """One file, symbolic link or folder that is published.

    A file of the tree has a `source`, a generated file has `content`, a link has a `target` and a `source` (for the
    comparison with the tree), and a folder has none of them.

    Attributes:
        path: Relative, with forward slashes, beginning with the top folder's name; folders have no final slash.
        source: The entry's path in the tree; None for folders and generated files.
        content: The bytes of a generated file, else None.
        size: Bytes of content; 0 for links and folders.
        executable: Whether a file is executable.
        sha256: Hex digest of the content; empty for links and folders.
        target: What a link points to, as written in the link, else None.
    """

    path: str
    source: str | None = None
    content: bytes | None = None
    size: int = 0
    executable: bool = False
    sha256: str = ""
    target: str | None = None

    @property
    def is_link(self) -> bool:
        """Whether this is a symbolic link."""
        return self.target is not None

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder."""
        return self.source is None and self.content is None and self.target is None

    @property
    def mode(self) -> int:
        """Permission bits, normalised: they do not depend on the umask under which the environment was built."""
        if self.target is not None:
            return _LINK_MODE
        return FOLDER_MODE if self.is_folder else file_mode(executable=self.executable)


def is_shipped(path: str) -> bool:
    """Whether a file, link or folder of an environment belongs to what is published.

    Left out is what only makes sense on the machine that built it, and what post-install writes: bytecode in
    `__pycache__` (a `.pyc` in another place is a module without a source, PEP 3147), `pyvenv.cfg`, and hidden entries
    at the top.

    Args:
        path: Relative to the environment, with forward slashes.
    """
    parts = path.split("/")
    if parts[0].startswith(".") or "__pycache__" in parts:
        return False
    return path != "pyvenv.cfg"


def _is_bytecode(path: str) -> bool:
    """Whether the path is one where Python looks for a module's bytecode."""
    return path.endswith(".pyc") and path.split("/")[-2:-1] == ["__pycache__"]


def members(
    entries: Iterable[TreeEntry], top: str, *, added: Mapping[str, bytes] = _NO_ADDED, bytecode: bool = False
) -> tuple[Member, ...]:
    """The members of a tree that are published, in the order in which every writer writes them.

    They are sorted by path in code point order, which is the byte order of UTF-8 and does not depend on the locale.
    Folders are members too and precede their content, so that unpacking gives the same tree under any umask.

    Args:
        entries: Files and links of the environment, in any order.
        top: Name of the one top folder: the deployed name of the layer.
        added: Generated files: path within the environment to content. They replace entries of the same path.
        bytecode: Whether bytecode among the entries is published. True if the build made it for that purpose; other
            bytecode was left by some run of the environment.

    Raises:
        PublishError: A link cannot work on another machine, or a name is not Unicode.
    """
    kept = {
        entry.path: _from_entry(entry, top)
        for entry in entries
        if entry.path not in added and (is_shipped(entry.path) or (bytecode and _is_bytecode(entry.path)))
    }
    kept.update({path: _from_content(path, content, top) for path, content in added.items()})
    _check_names(kept.values())
    folders = {top, *folders_above(member.path for member in kept.values())}
    return tuple(sorted([*kept.values(), *map(Member, folders)], key=attrgetter("path")))


def _from_entry(entry: TreeEntry, top: str) -> Member:
    path = f"{top}/{entry.path}"
    if entry.target is not None:
        _check_link(path, entry.target)
        return Member(path, source=entry.path, target=entry.target)
    return Member(path, entry.path, size=entry.size, executable=entry.executable, sha256=entry.sha256)


def _from_content(path: str, content: bytes, top: str) -> Member:
    return Member(f"{top}/{path}", content=content, size=len(content), sha256=sha256_bytes(content))


def _check_link(path: str, target: str) -> None:
    """Refuse links to absolute paths and links that lead out of the folder that holds the layers.

    Links to sibling layers are allowed. The standard library refuses to unpack the same links (PEP 706, filter `data`).
    """
    if ends_outside(target, path.rpartition("/")[0]):
        raise PublishError(
            f"the symbolic link {path} points to {target}, which does not exist on other machines",
            hint="make the link relative and let it stay among the layers, or leave it out",
        )


def _check_names(listed: Iterable[Member]) -> None:
    for member in listed:
        try:
            f"{member.path}{member.target or ''}".encode()
        except UnicodeEncodeError as error:
            raise PublishError(
                f"the name {member.path!a} is not Unicode and cannot be published",
                hint="rename the file, or leave out the package that brings it",
            ) from error
