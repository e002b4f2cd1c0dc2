"""Which files of an environment are shared libraries that other layers may need, and under which names.

A layer publishes such libraries as links in its `share/venv/dynlib/`, which is what the layers above put on the dynamic
linker's search path. Extension modules are left out: nothing but Python's import loads those, by their place. So is
everything outside site-packages (`libpython`, `lib-dynload`), which belongs to the runtime itself.

The rules work on a tree's entries alone. Only whether a plain `x.so` is an extension module depends on what is in it;
that question goes through a port.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from venvstacks.digests import TreeEntry
from venvstacks.errors import LinkError
from venvstacks.model.conventions import DYNLIB_DIR
from venvstacks.model.platforms import TargetPlatform

_LIBRARY_NAMES = {
    "linux": re.compile(r".+\.so(\.[0-9][0-9A-Za-z_-]*)*"),
    "macosx": re.compile(r".+\.(dylib|so)"),
}
_TAGGED_EXTENSION = re.compile(r".+\.(cpython-\d|abi3|pypy\d|graalpy\d)[^.]*\.so")
_MOST_LINK_HOPS = 20  # more than any real chain of links has; a circle ends here


@dataclass(frozen=True, order=True)
class SharedLibrary:
    """One shared library that a layer publishes.

    Attributes:
        name: The file name under which the dynamic linker looks for it.
        path: Where it (or the link of that name) is, relative to the environment's folder.
        size: Bytes of content.
        sha256: Hex digest of the content.
    """

    name: str
    path: str
    size: int
    sha256: str

    @property
    def link_target(self) -> str:
        """What the link of this name in `share/venv/dynlib/` points to."""
        return posixpath.relpath(self.path, DYNLIB_DIR)


@dataclass(frozen=True)
class LibrarySearch:
    """Where to look for a layer's shared libraries, and what to pass over.

    Attributes:
        platform: The platform that the environment is for.
        site_dir: Its site-packages, relative to the environment's folder.
        exports_init: Whether the plain `x.so` at a path, relative to the environment's folder, is an extension module.
        exclude: Globs of libraries not to publish. One matches if it matches the end of the path: `*.so.1` the name,
            `lib/*.so.1` the name and its folder. `*`, `?` and `[...]` stay within one name; `**` stands for any
            number of whole names, none included. Case counts. A glob that starts with `/` matches nothing.
    """

    platform: TargetPlatform
    site_dir: str
    exports_init: Callable[[str], bool]
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundLibraries:
    """What a layer publishes.

    Attributes:
        libraries: Sorted by name; each name once.
        unused_excludes: Globs that left out nothing: spelling mistakes, most likely.
    """

    libraries: tuple[SharedLibrary, ...] = ()
    unused_excludes: tuple[str, ...] = ()

    @property
    def links(self) -> dict[str, str]:
        """Name and target of each link in `share/venv/dynlib/`, sorted by name."""
        return {library.name: library.link_target for library in self.libraries}


def matches_end(path: str, glob: str) -> bool:
    """Whether `glob` matches the end of `path`, whole names at a time; `**` stands for any number of names."""
    depth = path.count("/") + 1
    parts = [part for part in glob.split("/") if part != "."]
    return any(PurePosixPath(path).match(plain) for plain in _without_double_stars(parts, depth))


def _without_double_stars(parts: list[str], depth: int) -> Iterator[str]:
    """Spell `**` out as every number of `*` that a path of `depth` names has room for."""
    if len([part for part in parts if part != "**"]) > depth or not any(parts):
        return
    if "**" not in parts:
        yield "/".join(parts)
        return
    place = parts.index("**")
    for count in range(depth + 1):
        yield from _without_double_stars([*parts[:place], *["*"] * count, *parts[place + 1 :]], depth)


def _follow(tree: Mapping[str, TreeEntry], path: str) -> TreeEntry | None:
    """The file that `path` leads to within the tree."""
    for _ in range(_MOST_LINK_HOPS):
        entry = tree.get(path)
        if entry is None or entry.target is None:
            return entry
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.target))
    return None


def find_libraries(layer: str, entries: Iterable[TreeEntry], search: LibrarySearch) -> FoundLibraries:
    """Work out what a layer publishes.

    A symbolic link counts as a library of its own name with the content that it leads to; one that leads out of
    site-packages, to nothing, or through a linked folder is passed over. Of several files of the same name and content
    the first by path is taken.

    Args:
        layer: Environment name, for the error.
        entries: The environment's tree.
        search: Where to look and what to pass over.

    Raises:
        LinkError: Files of the same name differ; names all of them and what to put into `dynlib_exclude`.
    """
    named = sorted(_named_like_libraries(entries, search))
    used = {glob for library in named for glob in search.exclude if matches_end(library.path, glob)}
    places: dict[str, list[SharedLibrary]] = {}
    for library in named:
        excluded = any(matches_end(library.path, glob) for glob in search.exclude)
        if not excluded and not _is_extension_module(library, search):
            places.setdefault(library.name, []).append(library)
    conflicts = [same for same in places.values() if len({library.sha256 for library in same}) > 1]
    if conflicts:
        raise _conflict_error(layer, conflicts, search)
    return FoundLibraries(
        tuple(same[0] for same in places.values()),
        tuple(glob for glob in search.exclude if glob not in used),
    )


def _named_like_libraries(entries: Iterable[TreeEntry], search: LibrarySearch) -> Iterator[SharedLibrary]:
    if search.platform.is_windows:
        return  # packages there say themselves where their DLLs are
    names = _LIBRARY_NAMES[search.platform.system]
    tree = {entry.path: entry for entry in entries}
    for path in tree:
        name = posixpath.basename(path)
        if path.startswith(f"{search.site_dir}/") and names.fullmatch(name):
            real = _follow(tree, path)
            if real is not None and real.path.startswith(f"{search.site_dir}/"):
                yield SharedLibrary(name, path, real.size, real.sha256)


def _is_extension_module(library: SharedLibrary, search: LibrarySearch) -> bool:
    """Whether `import` loads it: by its tag, or by what it exports if its name is only `<module>.so`."""
    if _TAGGED_EXTENSION.fullmatch(library.name):
        return True
    return library.name.endswith(".so") and library.name.count(".") == 1 and search.exports_init(library.path)


def _conflict_error(layer: str, conflicts: Sequence[Sequence[SharedLibrary]], search: LibrarySearch) -> LinkError:
    excluded = list(search.exclude)
    for first, *others in conflicts:
        excluded += [_glob_for(other, first, search) for other in others if other.sha256 != first.sha256]
    return LinkError(
        f"layer '{layer}' holds different shared libraries of the same name",
        details=tuple(
            f"{place.name}: {place.path} ({place.size} bytes, sha256 {place.sha256[:12]})"
            for places in conflicts
            for place in places
        ),
        hint="say which of them the layers above shall not use; this keeps the first of each name:\n"
        f"dynlib_exclude = {json.dumps(excluded, ensure_ascii=False)}",
    )


def _glob_for(library: SharedLibrary, kept: SharedLibrary, search: LibrarySearch) -> str:
    """A glob that matches `library` but not `kept`, special signs taken literally.

    It is the path in site-packages; the whole path in the environment where `kept` ends in the former as well.
    """
    whole = re.sub(r"([*?[])", r"[\1]", library.path)
    glob = whole.removeprefix(f"{search.site_dir}/")
    return whole if matches_end(kept.path, glob) else glob


def describe_shadowing(lower: Sequence[tuple[str, Sequence[SharedLibrary]]]) -> tuple[str, ...]:
    """Notes for a log: names that several lower layers publish with different content.

    That is no fault: the layers come in import order, and the dynamic linker takes the first, as Python's import does.

    Args:
        lower: Environment name and published libraries of each lower layer, in import order.

    Returns:
        One sentence per name and layer that is not used, sorted by name.
    """
    used: dict[str, tuple[str, SharedLibrary]] = {}
    notes = []
    for layer, libraries in lower:
        for library in libraries:
            winner, first = used.setdefault(library.name, (layer, library))
            if first.sha256 != library.sha256:
                notes.append(f"{library.name}: taken from '{winner}', not the different one of '{layer}'")
    return tuple(sorted(notes))
