"""A layer's bytecode, compiled by the layer's own Python, or copied from what is kept by content."""

from __future__ import annotations

import contextlib
import marshal
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from venvstacks._injected import compiling
from venvstacks.actions.toolset import Tools
from venvstacks.digests import TreeEntry, scan_tree, sha256_json
from venvstacks.errors import ProcessFailedError, VenvstacksError
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.tools.files import remove_leftovers, staging_folder
from venvstacks.tools.process import scrubbed_environment
from venvstacks.tools.seals import SEAL_BYTES, opened
from venvstacks.tools.tree_removal import remove_tree
from venvstacks.tools.workers import workers

_FILES_PER_WORKER = 50  # a further process costs about as much as compiling this many files
_PRIVATE = 0o700  # requests hold the key of the cache's seals
_READABLE_EVERYWHERE = 2  # this version of marshal's format is known to every Python


@dataclass(frozen=True)
class Compilation:
    """What is to be compiled.

    Attributes:
        layer: The layer's name, for messages.
        python: The interpreter that will use the bytecode.
        tree: The folder of the layer; bytecode is written into it.
        folder: The part of the tree that is compiled, relative to it.
        entries: The tree's files and links.
        published: Whether the bytecode is shipped: deterministic, and never compared with its source. Else it gives
            way to a source that is edited.
        failure: The error that a failure is raised as.
        emulator: Start of the commands that run the interpreter, if it is for another machine.
    """

    layer: str
    python: Path
    tree: Path
    folder: str
    entries: Iterable[TreeEntry]
    published: bool
    failure: type[VenvstacksError]
    emulator: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        layer: Layer,
        platform: TargetPlatform,
        environment: Path,
        entries: Iterable[TreeEntry],
        failure: type[VenvstacksError],
    ) -> Compilation:
        """The bytecode that is shipped with a layer, in its build environment.

        Of a runtime, the standard library is compiled as well.
        """
        runtime = layer.runtime or layer
        layout = EnvironmentLayout.of(layer, platform)
        return cls(
            layer=layer.name,
            python=environment.with_name(runtime.env_name) / EnvironmentLayout.of(runtime, platform).interpreter,
            tree=environment,
            folder=layout.site_dir if layer.runtime else layout.library,
            entries=entries,
            published=True,
            failure=failure,
        )

    @property
    def sources(self) -> list[TreeEntry]:
        """The files to compile."""
        inside = f"{self.folder}/"
        return [
            entry
            for entry in self.entries
            if entry.path.endswith(".py") and entry.path.startswith(inside) and not entry.is_link
        ]


def compile_tree(wanted: Compilation, log: Path, tools: Tools) -> tuple[TreeEntry, ...]:
    """Write the bytecode of a tree; what was compiled before, for any tree, is not compiled again.

    Files that this Python cannot compile (such as those for newer ones) get none.

    Returns:
        The bytecode files, if they are published; nothing otherwise.

    Raises:
        VenvstacksError: Python does not start, or a source is no longer what its build recorded; of the type wanted.
        OSError: The tree or the cache cannot be written to.
    """
    sources = wanted.sources
    if wanted.published:
        for folder in {posixpath.dirname(entry.path) for entry in sources}:
            remove_tree(wanted.tree / folder / "__pycache__")
    if not sources:
        return ()
    tag = _compile(wanted, sources, str(wanted.tree), log, tools)
    return tuple(_placed(wanted, sources, tag)) if wanted.published else ()


@contextlib.contextmanager
def compiling_ahead(wanted: Compilation, log: Path, tools: Tools) -> Iterator[None]:
    """While the block runs, compile what was not compiled before and keep it, so that it only has to be copied.

    Few sources are left for later: starting Python once more takes as long as compiling them.

    Raises:
        VenvstacksError: As for `compile_tree`.
        OSError: The cache cannot be written to.
    """
    sources = wanted.sources
    if len(sources) < _FILES_PER_WORKER:
        yield
        return
    with workers(1) as ahead:
        compiling = ahead.pool.submit(_compile, wanted, sources, "", log, tools)
        yield
        compiling.result()


def _compile(wanted: Compilation, sources: Sequence[TreeEntry], target: str, log: Path, tools: Tools) -> str:
    """Have the bytecode of `sources` kept and, if `target` is a folder, written there; give Python's tag."""
    name = f"{log.stem}.compiling"
    remove_leftovers(log.parent, name)  # of killed runs: no two tasks share a log
    with staging_folder(log.parent, name) as staging:
        staging.chmod(_PRIVATE)
        requests = [
            _write_request(wanted, target, part, staging / str(number), tools)
            for number, part in enumerate(_shares(sources, tools.threads))
        ]
        return _run_all(wanted, requests, log, tools)[0]


def _shares(sources: Sequence[TreeEntry], most: int) -> list[list[TreeEntry]]:
    """Sources divided among processes: largest first, each to the one that has least so far."""
    count = min(max(1, most), 1 + len(sources) // _FILES_PER_WORKER)
    shares: list[list[TreeEntry]] = [[] for _ in range(count)]
    sizes = [0] * count
    for entry in sorted(sources, key=lambda entry: (-entry.size, entry.path)):
        least = sizes.index(min(sizes))
        shares[least].append(entry)
        sizes[least] += entry.size + 1
    return shares


def _write_request(wanted: Compilation, target: str, sources: Sequence[TreeEntry], place: Path, tools: Tools) -> Path:
    request = {
        "source": str(wanted.tree),
        "target": target,
        "cache": str(tools.cache / "bytecode"),
        "key": tools.seal_key,
        "timestamps": not wanted.published,
        "files": [(entry.path, sha256_json([entry.path, entry.sha256]), entry.sha256) for entry in sources],
    }
    place.write_bytes(marshal.dumps(request, _READABLE_EVERYWHERE))
    return place


def _run_all(wanted: Compilation, requests: Sequence[Path], log: Path, tools: Tools) -> list[str]:
    """Run a child for each request, at the same time; give Python's tag in file names, as each printed it."""
    start = [*wanted.emulator, *compile_command(wanted.python)]
    environment = {**scrubbed_environment(tools.environment), "PYTHONHASHSEED": "0"}

    def run(request: Path) -> str:
        return tools.processes.run([*start, request], env=environment, log=log).stdout.strip()

    try:
        if len(requests) == 1:
            return [run(requests[0])]
        with workers(len(requests)) as children:
            return list(children.pool.map(run, requests))
    except ProcessFailedError as error:
        raise wanted.failure(
            f"layer '{wanted.layer}': its bytecode cannot be compiled",
            details=error.details,
            hint=f"build the layer again if it was changed since; the log is {log}",
        ) from error


def is_sound_bytecode(place: Path, folder: Path, seal_key: bytes) -> bool:
    """Whether a file of the cache holds the bytecode that was kept there, sealed with this key together with its name.

    Args:
        place: The file.
        folder: The part of the cache that holds bytecode.
        seal_key: The key.

    Raises:
        OSError: It cannot be read.
    """
    kept, name = place.read_bytes(), place.relative_to(folder).as_posix()
    if name.startswith("imports/"):  # for import checks: the name is a part of the content
        return (opened(seal_key, kept) or b"").startswith(place.name.encode("ascii", "replace"))
    return opened(seal_key, kept[:SEAL_BYTES] + name.encode() + b"\0" + kept[SEAL_BYTES:]) is not None


def compile_command(python: Path) -> list[str | Path]:
    """The start of a command that compiles with `python`, without `site`, so that no installed packages are loaded."""
    # -E and -I would ignore the hash seed
    return [python, "-s", "-S", "-B", "-X", "utf8", "-W", "ignore", Path(compiling.__file__)]


def _placed(wanted: Compilation, sources: Iterable[TreeEntry], tag: str) -> Iterable[TreeEntry]:
    """The bytecode of `sources` that is in the tree now."""
    names: dict[str, set[str]] = {}
    for entry in sources:
        folder, name = posixpath.split(entry.path)
        names.setdefault(f"{folder}/__pycache__", set()).add(f"{name[:-3]}.{tag}.pyc")
    for folder, expected in sorted(names.items()):
        if (wanted.tree / folder).is_dir():
            for found in scan_tree(wanted.tree / folder, lambda name, expected=expected: name in expected):  # type: ignore[misc]
                yield TreeEntry(f"{folder}/{found.path}", found.size, found.executable, found.sha256)
