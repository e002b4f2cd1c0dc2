"""Trees that become environments: placing a runtime and the files of wheels, copying launch and support modules.

Nothing here edits a file in place: installed files share their inodes with uv's cache and the runtime cache.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from venvstacks.actions.building.wheel_placement import Placement
from venvstacks.actions.building.wheel_records import record_text
from venvstacks.digests import TreeEntry, prefixed, scan_tree, sha256_bytes, sha256_file, tree_digest
from venvstacks.errors import BuildError
from venvstacks.model.launches import Launch
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.source_trees import SourceTree
from venvstacks.modes import file_mode, is_executable
from venvstacks.records.tree_records import SourceHash
from venvstacks.tools.files import link_or_copy
from venvstacks.tools.tree_removal import remove_tree

WINDOWS_LAUNCHERS = "Lib/venv/scripts/nt"
_MODULE_SUFFIXES = {".py", ".so", ".pyd"}


def place_tree(entries: Iterable[TreeEntry], source: Path, target: Path) -> None:
    """Make `target` a tree of hard links (or copies) of the files in `source` that `entries` names.

    Raises:
        OSError: Something cannot be read or written.
    """
    made: set[str] = set()
    for entry in entries:
        _make_once(target, entry.path.rpartition("/")[0], made)
        if entry.target is not None:
            (target / entry.path).symlink_to(entry.target)
        else:
            link_or_copy(f"{source}/{entry.path}", f"{target}/{entry.path}")


def _make_once(top: Path, folder: str, made: set[str]) -> None:
    if folder not in made:
        (top / folder).mkdir(parents=True, exist_ok=True)
        made.add(folder)


def make_folders(environment: Path, layout: EnvironmentLayout, platform: TargetPlatform) -> None:
    """Make the folders of a virtual environment, as `venv` makes them.

    Raises:
        OSError: They cannot be made.
    """
    for folder in (layout.executables, layout.site_dir):
        (environment / folder).mkdir(parents=True, exist_ok=True)
    if platform.system == "linux":
        (environment / "lib64").symlink_to("lib")


def place_windows_launchers(runtime: Path, environment: Path) -> bool:
    """Put the launchers of a Windows Python into a virtual environment of it, as its `venv` does; False without any.

    They are next to `venv` in the standard library: since Python 3.13 under other names than before. A copy of the
    runtime's own `python.exe` would not find its libraries.

    Raises:
        OSError: Something cannot be read or written.
    """
    folder = runtime / WINDOWS_LAUNCHERS
    for name, newer in (("python.exe", "venvlauncher.exe"), ("pythonw.exe", "venvwlauncher.exe")):
        source = next((folder / each for each in (newer, name) if (folder / each).is_file()), None)
        if source is None:
            return False
        link_or_copy(source, environment / "Scripts" / name)
    return True


def install_wheels(placement: Placement, environment: Path, site_dir: str) -> None:
    """Put the files of wheels in their places, and write the RECORD of each distribution.

    A RECORD lists what is there (recording-installed-projects): a tool that verifies or uninstalls a distribution would
    stumble over files that are not shipped.

    Raises:
        OSError: Something cannot be read or written.
    """
    made: set[str] = set()
    for path, file in sorted(placement.files.items()):
        _make_once(environment, path.rpartition("/")[0], made)
        executable = file.entry.executable
        if file.is_script or executable != is_executable(os.stat(file.source).st_mode):  # noqa: PTH116 - of each file
            place = environment / path
            place.write_bytes(Path(file.source).read_bytes())  # its mode is not the cached file's
            place.chmod(file_mode(executable=executable))
        else:
            link_or_copy(file.source, f"{environment}/{path}")
    for path in placement.entry_points:
        place = environment / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()  # the launcher replaces it
    for path, listed in placement.records.items():
        entries = [placement.files[name].entry if name in placement.files else TreeEntry(name) for name in listed]
        place = environment / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(record_text(path, entries, site_dir))


def drop_unshipped(environment: Path) -> None:
    """Remove files at the top of an environment that are not shipped."""
    for path in (*environment.glob(".*"), environment / "share/venv"):  # the latter is for linking to fill
        remove_tree(path)


def write_launch(launch: Launch, site: Path) -> SourceHash:
    """Write the module that starts a function of a package, if it is one, and say what starts the application.

    Raises:
        OSError: It cannot be written.
    """
    if launch.function:
        (site / f"{launch.module}.py").write_text(launch.text, "utf-8", newline="\n")
    return SourceHash(name=launch.module, hash=prefixed(sha256_bytes(launch.text.encode())))


def copy_source(source: SourceTree, base: Path, site: Path, *, executables: bool = True) -> SourceHash:
    """Copy a launch or support module into site-packages and say what was copied.

    Args:
        source: The module.
        base: The specification's folder.
        site: The folder of packages.
        executables: Whether files stay executable; Windows knows no such files.

    Raises:
        BuildError: An installed package has the same name, or a file has gone since it was listed.
    """
    place = site / PurePosixPath(source.path).name
    same = [site / source.module, *site.glob(f"{glob.escape(source.module)}.*")] if source.is_importable else [place]
    taken = [
        path.name
        for path in same
        if path == place or (path.is_dir() and path.suffix == "") or path.suffix in _MODULE_SUFFIXES
    ]
    if any(os.path.lexists(site / name) for name in taken):
        raise BuildError(
            f"module '{source.path}' has the name of an installed package ({', '.join(taken)} in {site.name})",
            hint="rename the module; what an application launches may not be called like a package that it uses",
        )
    for name, path in zip(source.files, source.file_paths, strict=True):
        target = place / name if name else place
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.write_bytes((base / path).read_bytes())
        except OSError as error:
            raise BuildError(
                f"module file {path} cannot be copied: {error.strerror or error}",
                hint="if it was moved or removed meanwhile, run the same command again",
            ) from error
        target.chmod(file_mode(executable=executables and name in source.executable))
    digest = tree_digest(scan_tree(place)) if source.is_package else sha256_file(place)
    return SourceHash(name=source.module, hash=prefixed(digest))
