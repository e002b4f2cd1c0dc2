"""The shared libraries that an environment provides to other layers, and their names.

A layer publishes such libraries as links in its `share/venv/dynlib/`. Extension modules are left out: nothing but
Python's import loads those, by their place. So are files of the runtime itself (`libpython`, `lib-dynload`).

The rules work on a tree's entries alone. Only whether a plain `x.so` is an extension module depends on its content,
which a function that is passed in looks at.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
    """Where to look for a layer's shared libraries, and which to leave out.

    Attributes:
        platform: The platform that the environment is for.
        site_dir: Its site-packages, relative to the environment's folder.
        data: Files of installed distributions outside site-packages, relative to the environment's folder.
        exports_init: Whether the plain `x.so` at a path, relative to the environment's folder, is an extension module.
        exclude: Globs of libraries not to publish. One matches if it matches the end of the path: `*.so.1` the name,
            `lib/*.so.1` the name and its folder. `*`, `?` and `[...]` stay within one name; `**` matches any
            number of whole names, none included. Case counts. A glob that starts with `/` matches nothing.
    """

    platform: TargetPlatform
    site_dir: str
    exports_init: Callable[[str], bool]
    exclude: tuple[str, ...] = ()
    data: Collection[str] = ()

    def covers(self, path: str) -> bool:
        """Whether the file at `path` belongs to an installed distribution."""
        return path.startswith(f"{self.site_dir}/") or path in self.data


@dataclass(frozen=True)
class FoundLibraries:
    """The shared libraries that a layer publishes.

    Attributes:
        libraries: Sorted by name; each name once.
        left_out: Libraries of one name and different content, by name: none of them is published.
        unused_excludes: Globs that matched nothing, probably because they are misspelt.
    """

    libraries: tuple[SharedLibrary, ...] = ()
    left_out: Mapping[str, tuple[SharedLibrary, ...]] = field(default_factory=dict)
    unused_excludes: tuple[str, ...] = ()

    @property
    def links(self) -> dict[str, str]:
        """Name and target of each link in `share/venv/dynlib/`, sorted by name."""
        return {library.name: library.link_target for library in self.libraries}


def matches_end(path: str, glob: str) -> bool:
    """Whether `glob` matches the end of `path`, whole names at a time; `**` matches any number of names."""
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


def find_libraries(entries: Iterable[TreeEntry], search: LibrarySearch) -> FoundLibraries:
    """Work out what a layer publishes.

    A symbolic link counts as a library of its own name with the content that it leads to; one that leads to nothing, to
    a file of no distribution, or through a linked folder is ignored. Of several files of the same name and content the
    first by path is taken.

    Args:
        entries: The environment's tree.
        search: Where to look and what to leave out.
    """
    named = sorted(_named_like_libraries(entries, search))
    used = {glob for library in named for glob in search.exclude if matches_end(library.path, glob)}
    places: dict[str, list[SharedLibrary]] = {}
    for library in named:
        excluded = any(matches_end(library.path, glob) for glob in search.exclude)
        if not excluded and not _is_extension_module(library, search):
            places.setdefault(library.name, []).append(library)
    left_out = {name: tuple(same) for name, same in places.items() if len({library.sha256 for library in same}) > 1}
    return FoundLibraries(
        tuple(same[0] for name, same in places.items() if name not in left_out),
        left_out,
        tuple(glob for glob in search.exclude if glob not in used),
    )


def _named_like_libraries(entries: Iterable[TreeEntry], search: LibrarySearch) -> Iterator[SharedLibrary]:
    if search.platform.is_windows:
        return  # packages there add the folders of their DLLs when they are imported
    names = _LIBRARY_NAMES[search.platform.system]
    tree = {entry.path: entry for entry in entries}
    for path in tree:
        name = path.rpartition("/")[2]
        if names.fullmatch(name) and search.covers(path):
            real = _follow(tree, path)
            if real is not None and search.covers(real.path):
                yield SharedLibrary(name, path, real.size, real.sha256)


def _is_extension_module(library: SharedLibrary, search: LibrarySearch) -> bool:
    """Whether `import` loads it: by its tag, or by what it exports if its name is only `<module>.so`."""
    if _TAGGED_EXTENSION.fullmatch(library.name):
        return True
    return library.name.endswith(".so") and library.name.count(".") == 1 and search.exports_init(library.path)


def library_paths(entries: Iterable[TreeEntry], search: LibrarySearch) -> dict[str, str]:
    """Path of each shared library, and of each link of such a name, to the path of the file with its content.

    In contrast to what is published, `dynlib_exclude` does not matter, and several may have one name.
    """
    tree = {entry.path: entry for entry in entries}
    found = {}
    for library in _named_like_libraries(tree.values(), search):
        real = _follow(tree, library.path)
        if real is not None and not _is_extension_module(library, search):
            found[library.path] = real.path
    return found


def conflict_error(
    layer: str, lower: str, conflicts: Iterable[Sequence[SharedLibrary]], site_dir: str, exclude: Sequence[str] = ()
) -> LinkError:
    """The error for a layer that needs a library by its name alone, of which a lower layer has several.

    Args:
        layer: The layer that needs it.
        lower: The layer that has them.
        conflicts: The libraries of one name in the lower layer, for each name.
        site_dir: The lower layer's site-packages.
        exclude: Its globs so far.
    """
    conflicts = list(conflicts)
    excluded = list(exclude)
    for first, *others in conflicts:
        excluded += [_glob_for(other, first, site_dir) for other in others if other.sha256 != first.sha256]
    names = ", ".join(places[0].name for places in conflicts)
    return LinkError(
        f"layer '{layer}' needs {names}, of which layer '{lower}' holds different libraries of the same name",
        details=tuple(
            f"{place.name}: {place.path} ({place.size} bytes, sha256 {place.sha256[:12]})"
            for places in conflicts
            for place in places
        ),
        hint=f"choose those that other layers do not use; in layer '{lower}', this keeps the first of each name:\n"
        f"dynlib_exclude = {json.dumps(excluded, ensure_ascii=False)}",
    )


def _glob_for(library: SharedLibrary, kept: SharedLibrary, site_dir: str) -> str:
    """A glob that matches `library` but not `kept`, special signs taken literally.

    It is the path in site-packages; the whole path in the environment where `kept` ends in the former as well.
    """
    whole = re.sub(r"([*?[])", r"[\1]", library.path)
    glob = whole.removeprefix(f"{site_dir}/")
    return whole if matches_end(kept.path, glob) else glob
