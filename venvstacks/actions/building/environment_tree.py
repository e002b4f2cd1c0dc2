"""Trees that become environments: laying down a runtime, taking out what must not be shipped, copying modules in.

Nothing here edits a file in place: installed files share their inodes with uv's cache and the runtime cache.
"""

from __future__ import annotations

import csv
import glob
import io
import os
import posixpath
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from venvstacks.archives.members import is_shipped
from venvstacks.digests import TreeEntry, prefixed, scan_tree, sha256_file, tree_digest
from venvstacks.errors import BuildError
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.stack import SourceTree
from venvstacks.modes import file_mode
from venvstacks.records.tree_records import SourceHash
from venvstacks.tools.files import link_or_copy, remove_tree, write_atomically

_MODULE_SUFFIXES = {".py", ".so", ".pyd"}


def lay_down(entries: Iterable[TreeEntry], source: Path, target: Path) -> None:
    """Make `target` a tree of hard links (or copies) of the files in `source` that `entries` names.

    Raises:
        OSError: Something cannot be read or written.
    """
    made: set[Path] = set()
    for entry in entries:
        place = target / entry.path
        if place.parent not in made:
            place.parent.mkdir(parents=True, exist_ok=True)
            made.add(place.parent)
        if entry.target is not None:
            place.symlink_to(entry.target)
        else:
            link_or_copy(source / entry.path, place)


def drop_unshipped(environment: Path, layout: EnvironmentLayout) -> None:
    """Remove what installing left at the top of an environment, and what RECORD files list and is not shipped."""
    for path in (*environment.glob(".*"), environment / "share/venv"):  # the latter is for linking to fill
        remove_tree(path)
    rewrite_records(environment, layout)


def rewrite_records(environment: Path, layout: EnvironmentLayout) -> None:
    """Take files that are no longer there, or are not shipped, out of the RECORD of every installed distribution.

    The recording-installed-projects specification has RECORD list what is installed; a tool that verifies or
    uninstalls a distribution would stumble over entries of removed scripts. The notes that an installer makes about
    where a local wheel came from (`direct_url.json`, PEP 610) name a folder of the building machine: they go as well.
    """
    site = environment / layout.site_dir
    for origin in site.glob("*.dist-info/direct_url.json"):
        if b'"file:' in origin.read_bytes():
            remove_tree(origin)
    for record in sorted(site.glob("*.dist-info/RECORD")):
        text = record.read_text("utf-8", errors="surrogateescape")
        rows = list(csv.reader(io.StringIO(text, newline="")))
        kept = [row for row in rows if row and _is_kept(row[0], environment, layout.site_dir)]
        if kept != rows:
            written = io.StringIO()
            csv.writer(written, lineterminator="\n").writerows(kept)
            write_atomically(record, written.getvalue().encode("utf-8", errors="surrogateescape"))


def _is_kept(path: str, environment: Path, site_dir: str) -> bool:
    """Whether the file that RECORD calls `path` is there and shipped; strings, since there are thousands."""
    relative = posixpath.normpath(posixpath.join(site_dir, path))
    return is_shipped(relative) and os.path.lexists(f"{environment}/{relative}")


def copy_source(source: SourceTree, base: Path, site: Path) -> SourceHash:
    """Copy a launch or support module into site-packages and say what was copied.

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
        target.chmod(file_mode(executable=name in source.executable))
    digest = tree_digest(scan_tree(place)) if source.is_package else sha256_file(place)
    return SourceHash(name=source.module, hash=prefixed(digest))
