"""Records of environments: small files that the build and link tasks write and later tasks depend on.

A record is written after its tree, and atomically. It holds nothing that differs between machines, folders or
runs that build the same, so that later tasks stay up to date.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from venvstacks.data_faults import first_fault
from venvstacks.digests import TreeEntry, canonical_json, tree_digest
from venvstacks.errors import StateError
from venvstacks.linking.linkage import Linkage
from venvstacks.linking.provided import Provided


def _entry(row: object) -> object:
    return TreeEntry(*row) if isinstance(row, list) else row


def _row(entry: TreeEntry) -> list[object]:
    return [entry.path, entry.size, entry.executable, entry.sha256, entry.target]


Entry = Annotated[TreeEntry, BeforeValidator(_entry), PlainSerializer(_row)]


class Record(BaseModel):
    """Base of all records; unknown keys, which another version has written, are refused."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    format: int = 1

    def text(self) -> bytes:
        """The record as it is written: canonical JSON and a final newline."""
        return canonical_json(self.model_dump(mode="json")) + b"\n"

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a record.

        Raises:
            StateError: There is none, or it is damaged or of another version.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            reason = first_fault(error) if isinstance(error, ValidationError) else error.strerror or str(error)
            raise StateError(f"the record {path} cannot be read: {reason}", hint="build the layer again") from error


class SourceHash(BaseModel):
    """A launch or support module as it was copied into an environment.

    Attributes:
        name: Module name.
        hash: `sha256:<hex>` of the file, or of the tree for a package.
    """

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    name: str
    hash: str


class BuildRecord(Record):
    """The record of a built environment.

    Attributes:
        env_name: The environment's name.
        entries: All files and links that count; configuration that holds absolute paths is not among them.
        launch_module: The application's launch module.
        support_modules: The modules that are installed with it.
        compiled: Path of each compiled file to the shared libraries that it needs.
    """

    env_name: str
    entries: tuple[Entry, ...]
    compiled: dict[str, Linkage] = {}
    launch_module: SourceHash | None = None
    support_modules: tuple[SourceHash, ...] = ()


class RuntimeRecord(Record):
    """The part of a runtime's build that layers above depend on: its Python, without its packages.

    Attributes:
        python: `cpython@X.Y.Z`.
        provider: Which provider supplied it.
        build: The provider's name for the build, e.g. a date.
        digest: Content digest of the Python as it was supplied.
        notes: Remarks for users, e.g. system libraries that it needs.
    """

    python: str
    provider: str
    build: str
    digest: str
    notes: tuple[str, ...] = ()

    @property
    def identity(self) -> list[str]:
        """What tells this Python from every other one, in caches."""
        return [self.python, self.provider, self.build, self.digest]


class ProvidedRecord(Record):
    """What a linked layer provides to the layers above it.

    Attributes:
        provided: Shared libraries, data files, programs and lists of files.
    """

    provided: Provided


class CheckRecord(Record):
    """The outcome of a layer's import check.

    Attributes:
        imported: Normalised names of the distributions that were imported, or looked up.
        warnings: Modules that this machine cannot import, not even in one flat environment.
    """

    imported: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class StaticCheckRecord(Record):
    """The outcome of the check of a layer by the headers of its compiled files.

    Attributes:
        compiled_files: How many compiled files for the platform it holds.
        newest_system: The newest system that one of them needs, such as `glibc 2.17`; empty where none says.
        system_libraries: Libraries of the operating system that they need.
        missing_libraries: Libraries that they need and nobody brings.
        mach_files: Paths of all Mach-O files, for any processor, which are what is signed on macOS; otherwise None.
        warnings: What people should know.
    """

    compiled_files: int
    newest_system: str
    system_libraries: tuple[str, ...]
    missing_libraries: tuple[str, ...]
    mach_files: tuple[str, ...] | None = None
    warnings: tuple[str, ...] = ()


class LibrariesRecord(Record):
    """The shared libraries that a linked layer publishes.

    Attributes:
        libraries: Name in `share/venv/dynlib` to content digest.
    """

    libraries: dict[str, str]


class LinkRecord(Record):
    """The record of a linked environment, as it is shipped.

    Attributes:
        env_name: The environment's name.
        deployed_name: Its folder's name on target machines.
        entries: All files and links that are shipped.
        content_digest: Digest over all entries.
        launch_module: The application's launch module.
        support_modules: The application's support modules.
    """

    env_name: str
    deployed_name: str
    entries: tuple[Entry, ...]
    content_digest: str
    launch_module: SourceHash | None = None
    support_modules: tuple[SourceHash, ...] = ()

    @classmethod
    def of(cls, build: BuildRecord, deployed_name: str, entries: Iterable[TreeEntry]) -> LinkRecord:
        """The record of `build`'s environment once it holds `entries`."""
        ordered = tuple(sorted(entries))
        return cls(
            env_name=build.env_name,
            deployed_name=deployed_name,
            entries=ordered,
            content_digest=tree_digest(ordered),
            launch_module=build.launch_module,
            support_modules=build.support_modules,
        )
