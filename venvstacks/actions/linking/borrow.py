"""Work out what a layer borrows from the layers below, and what it provides to those above."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from venvstacks.actions.building.wheel_records import distribution_files
from venvstacks.actions.linking.link_request import LinkRequest
from venvstacks.digests import sha256_file, sha256_json
from venvstacks.errors import LinkError
from venvstacks.linking.borrowing import (
    LibraryNeeds,
    data_links,
    library_needs,
    loaded_by_imports,
    named_libraries,
)
from venvstacks.linking.chain import own_pth_files
from venvstacks.linking.dynlibs import (
    FoundLibraries,
    LibrarySearch,
    conflict_error,
    find_libraries,
    library_paths,
)
from venvstacks.linking.linkage import Linkage
from venvstacks.linking.provided import Provided
from venvstacks.linking.split_packages import (
    OwnPackages,
    SplitPackages,
    closed_packages,
    complete_packages,
    shared_folders,
)
from venvstacks.model.conventions import DYNLIB_PATH
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.system_libraries import LINUX_LIBRARIES
from venvstacks.tools.symbols import exports_module_init

_EXTENDING = (b"extend_path", b"declare_namespace")


@dataclass(frozen=True)
class Borrowed:
    """The result of linking a layer.

    Attributes:
        overlay: Path of each link to the file in a layer below that it leads to; both relative to the layer's folder.
        wrapped: Whether the layer's Python has to be a wrapper, for libraries that only their names lead to.
        libraries: The shared libraries that the layer publishes.
        provided: What it provides to the layers above.
    """

    overlay: Mapping[str, str]
    wrapped: bool
    libraries: FoundLibraries
    provided: Provided


def borrow(request: LinkRequest) -> Borrowed:
    """Work it out, from the records of the layer and of the layers below, and what RECORD files list.

    Raises:
        LinkError: A library or a package of layers below is needed, and cannot be borrowed unambiguously.
        OSError: The environment cannot be read.
    """
    site_dir = request.environment_layout.site_dir
    distributions = distribution_files(request.environment, site_dir)
    paths = {entry.path: entry for entry in request.build.entries}
    data = _data_files(request, distributions)
    search = _library_search(request, data)
    found = find_libraries(paths.values(), search)
    real_paths = library_paths(paths.values(), search)
    compiled = request.build.compiled
    libraries = {path: compiled.get(real, Linkage()) for path, real in real_paths.items()}
    needs = library_needs(compiled, paths, request.lower)
    files, notes = data_links(paths, request.lower)
    split, own = _split_packages(request, distributions)
    named = _named_libraries(request, needs)
    overlay = files | dict(split.links) | needs.links | named
    request.note([*notes, *_notes(request, found)])
    provided = Provided(
        libraries={library.name: library.sha256 for library in found.libraries},
        pth_files=own_pth_files(list(paths), site_dir),
        left_out=found.left_out,
        objects=libraries,
        data={path: paths[path].sha256 for path in data},
        packages=_folder_digests(own.packages),
        closed=own.closed,
        unreached=tuple(sorted({*needs.unreached, *(n for one in request.lower for n in one.provided.unreached)})),
        loaded=loaded_by_imports(compiled, libraries | _linked_libraries(request, needs)),
        dll_folders=_dll_folders(request, paths),
    )
    return Borrowed(dict(sorted(overlay.items())), bool(named), found, provided)


def _data_files(request: LinkRequest, distributions: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Files of distributions outside site-packages that are still there, sorted."""
    others = [f"{request.environment_layout.site_dir}/", "share/venv/"]
    if request.platform.is_windows and request.layer.runtime is None:
        others.append("Scripts/")  # launchers there look for Python one folder above, where only runtimes have it
    listed = {path for files in distributions.values() for path in files if not path.startswith(tuple(others))}
    return tuple(sorted(listed & {entry.path for entry in request.build.entries}))


def _library_search(request: LinkRequest, data: Iterable[str]) -> LibrarySearch:
    environment = request.environment
    return LibrarySearch(
        request.platform,
        request.environment_layout.site_dir,
        cache(lambda path: exports_module_init(environment / path)),
        request.layer.dynlib_exclude,
        frozenset(data),
    )


def _notes(request: LinkRequest, found: FoundLibraries) -> list[str]:
    notes = [f"dynlib_exclude: '{glob}' leaves out nothing" for glob in found.unused_excludes]
    for name, libraries in found.left_out.items():
        places = ", ".join(library.path for library in libraries)
        notes.append(f"{name} is not in share/venv/dynlib: there are different libraries of that name: {places}")
    pth_files = own_pth_files([entry.path for entry in request.build.entries], request.environment_layout.site_dir)
    early = [name for name in pth_files if name < "+"] if request.lower else []
    return [*notes, *(f"{name} runs before the packages of the layers below can be imported" for name in early)]


def _named_libraries(request: LinkRequest, needs: LibraryNeeds) -> dict[str, str]:
    """Links to the libraries that the layer's Python has to publish by their names.

    Raises:
        LinkError: A layer below has several of one name.
    """
    lower = request.lower
    if request.platform.dynamic_library_variable is None or not lower:
        return {}
    wanted = {*needs.unreached, *(name for layer in lower for name in layer.provided.unreached)} - LINUX_LIBRARIES
    wanted -= {name for layer in lower for name in layer.provided.loaded}
    published = {name for layer in lower for name in layer.provided.libraries}
    for layer, below in zip(lower, request.layer.below, strict=True):
        ambiguous = sorted((wanted - published) & layer.provided.left_out.keys())
        if ambiguous:
            conflicts = [layer.provided.left_out[name] for name in ambiguous]
            site_dir = EnvironmentLayout.of(below, request.platform).site_dir
            raise conflict_error(request.layer.name, below.name, conflicts, site_dir, below.dynlib_exclude)
    names = published if request.layer.dynlib_path else wanted & published
    return named_libraries(names, lower, DYNLIB_PATH)


def _linked_libraries(request: LinkRequest, needs: LibraryNeeds) -> dict[str, Linkage]:
    return {
        path: layer.provided.objects[path]
        for path in needs.links
        for layer in reversed(request.lower)
        if path in layer.provided.objects
    }


def _split_packages(
    request: LinkRequest, distributions: Mapping[str, Iterable[str]]
) -> tuple[SplitPackages, OwnPackages]:
    site_dir = request.environment_layout.site_dir
    builds = request.environment.parent
    packages = _packages(distributions, site_dir)
    files = [path for listed in packages.values() for path in listed]
    own = OwnPackages(request.layer.env_name, site_dir, packages, closed_packages(files))
    if not shared_folders(own, request.lower):
        return SplitPackages({}), own

    def same_content(path: str, first: str, second: str) -> bool:
        one, other = (builds / name / site_dir / path for name in (first, second))
        return (_extends_path(one) and _extends_path(other)) or sha256_file(one) == sha256_file(other)

    lower = [
        (layer, _packages(distribution_files(builds / layer.env_name, site_dir), site_dir)) for layer in request.lower
    ]
    split = complete_packages(own, lower, same_content)
    if split.faults:
        raise LinkError(
            f"layer '{request.layer.name}': packages whose files are in several layers contradict each other",
            details=split.faults,
            hint="put the distributions that share the package into one layer, or leave one out with `exclude`",
        )
    return split, own


def _packages(distributions: Mapping[str, Iterable[str]], site_dir: str) -> dict[str, tuple[str, ...]]:
    """Distribution to its files in site-packages, relative to that folder, without what describes it."""
    inside = f"{site_dir}/"
    return {
        name: tuple(sorted(path[len(inside) :] for path in files if path.startswith(inside) and _is_part(path)))
        for name, files in distributions.items()
    }


def _folder_digests(packages: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Top-level folder to a digest of the distributions and files in it."""
    folders: dict[str, list[tuple[str, str]]] = {}
    for name, files in sorted(packages.items()):
        for path in files:
            folder, slash, _ = path.partition("/")
            if slash:
                folders.setdefault(folder, []).append((name, path))
    return {folder: sha256_json(listed) for folder, listed in sorted(folders.items())}


def _is_part(path: str) -> bool:
    return ".dist-info/" not in path and "/__pycache__/" not in path


def _extends_path(init: Path) -> bool:
    """Whether a file is the `__init__` of a namespace package, which any of its distributions may bring; in source."""
    if init.name != "__init__.py":
        return False
    content = init.read_bytes()
    return any(word in content for word in _EXTENDING)


def _dll_folders(request: LinkRequest, paths: Iterable[str]) -> tuple[str, ...]:
    if not request.platform.is_windows or request.layer.runtime is None:
        return ()
    return tuple(sorted({posixpath.dirname(path) for path in paths if path.lower().endswith(".dll")} - {"Scripts"}))
