"""Records of a deployment: which layers are installed, and which applications need them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, cast

from venvstacks.deployment.release_order import NORMAL_FORM
from venvstacks.digests import TreeEntry
from venvstacks.errors import DamagedRecordError, DeployError
from venvstacks.json_forms import FormError, array, mapping, matching, one_of, optional, parse, record, text, whole
from venvstacks.model.conventions import LayerKind

if TYPE_CHECKING:
    from typing import Self


class DeploymentRecord:
    """Base of the records that are files of their own; each is a dataclass, and has its form in `_FORMS`."""

    @classmethod
    def read(cls, data: bytes, place: str) -> Self:
        """The record in `data`.

        Args:
            data: The file's content.
            place: Where it is from, for messages.

        Raises:
            DamagedRecordError: It holds no valid record.
            DeployError: It was written by another version.
        """
        try:
            return cast("Self", parse(data, _FORMS[cls]))
        except FormError as error:
            if error.is_foreign:
                raise DeployError(
                    f"{place} was written by another version of venvstacks ({error})",
                    hint="use the venvstacks that made this deployment, or deploy into a new folder",
                ) from error
            raise DamagedRecordError(f"{place} is damaged: {error}") from error

    def data(self) -> dict[str, Any]:
        """The record as JSON data."""
        return {"format": 1, **asdict(cast("Any", self))}

    def text(self) -> str:
        """The record as it is written: sorted keys, two-space indent, final newline."""
        return json.dumps(self.data(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Installed:
    """One layer bound to exact layers below it: an instance.

    Attributes:
        id: Its folder in the store.
        layer: Environment name.
        target: Deployed name.
        kind: Runtime, framework or application.
        python: `cpython@X.Y.Z`.
        lock_version: Version of its lock.
        archive: SHA-256 of the archive that it was unpacked from.
        files: SHA-256 of the archive's per-file manifest.
        size: Bytes of its files.
        lower: Deployed name to id of every layer below.
        launch_module: The module that an application runs; None for other layers.
    """

    id: str
    layer: str
    target: str
    kind: LayerKind
    python: str
    lock_version: int
    archive: str
    files: str
    size: int
    lower: dict[str, str]
    launch_module: str | None = None


@dataclass(frozen=True)
class GeneratedFile:
    """A file that post-install has written.

    Attributes:
        path: Relative to the layer's folder.
        size: Bytes.
        sha256: Hex digest.
    """

    path: str
    size: int
    sha256: str

    @classmethod
    def of(cls, entry: TreeEntry) -> Self:
        """The record of a file in a tree."""
        return cls(path=entry.path, size=entry.size, sha256=entry.sha256)

    def entry(self) -> TreeEntry:
        """The same as a tree's entry."""
        return TreeEntry(self.path, self.size, sha256=self.sha256)


@dataclass(frozen=True)
class InstanceRecord(DeploymentRecord):
    """The record of a finished instance; it is written last, so that an instance without it is not finished.

    Attributes:
        installed: The layer and the instances below it.
        bytecode: The bytecode files that were compiled for it.
    """

    installed: Installed
    bytecode: tuple[GeneratedFile, ...]


@dataclass(frozen=True)
class Generation(DeploymentRecord):
    """One state of a deployment.

    Attributes:
        number: Rises with every change.
        previous: The generation that was current before, None for the first.
        created: When, ISO 8601, UTC.
        source: Where the last deployed layers came from.
        platform: Name of the platform.
        applications: The requested applications: name to the id of its instance.
        instances: Every instance that the applications need, those below first.
        needed_by: Id to the applications that need it.
        releases: The release that an application was installed from, for those that have one.
    """

    number: int
    previous: int | None
    created: str
    source: str
    platform: str
    applications: dict[str, str]
    instances: tuple[Installed, ...]
    needed_by: dict[str, tuple[str, ...]]
    releases: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that every id that is named is among the instances, once.

        Raises:
            ValueError: One is missing, or listed twice.
        """
        ids = {installed.id for installed in self.instances}
        if len(ids) < len(self.instances):
            raise ValueError("it lists an instance twice")
        below = {id_ for installed in self.instances for id_ in installed.lower.values()}
        if not {*self.applications.values(), *below} <= ids or self.needed_by.keys() != ids:
            raise ValueError("it names instances that it does not list")
        if not self.releases.keys() <= self.applications.keys():
            raise ValueError("it names releases of applications that it does not list")

    @property
    def by_id(self) -> Mapping[str, Installed]:
        """The instances by id."""
        return {installed.id: installed for installed in self.instances}


_INSTALLED = record(
    Installed,
    id=text,
    layer=text,
    target=text,
    kind=one_of("runtime", "framework", "application"),
    python=text,
    lock_version=whole(),
    archive=text,
    files=text,
    size=whole(),
    lower=mapping(text),
    launch_module=optional(text),
)
_FORMS: Mapping[type[DeploymentRecord], Callable[[object], DeploymentRecord]] = {
    InstanceRecord: record(
        InstanceRecord,
        "versioned",
        installed=_INSTALLED,
        bytecode=array(record(GeneratedFile, path=text, size=whole(), sha256=text)),
    ),
    Generation: record(
        Generation,
        "versioned",
        number=whole(),
        previous=optional(whole()),
        created=text,
        source=text,
        platform=text,
        applications=mapping(text),
        instances=array(_INSTALLED),
        needed_by=mapping(array(text)),
        releases=mapping(matching(NORMAL_FORM.pattern, "a version in the normal form of PEP 440")),
    ),
}


def needed_instances(
    applications: Mapping[str, str], known: Iterable[Installed]
) -> tuple[tuple[Installed, ...], dict[str, tuple[str, ...]]]:
    """The instances that applications need, those below first, and which application needs which.

    Args:
        applications: Application to the id of its instance.
        known: Instances among which all of them are.
    """
    by_id = {installed.id: installed for installed in known}
    needed_by: dict[str, list[str]] = {}
    for name, application in sorted(applications.items()):
        for id_ in (application, *by_id[application].lower.values()):
            needed_by.setdefault(id_, []).append(name)
    instances = sorted((by_id[id_] for id_ in needed_by), key=lambda one: (len(one.lower), one.target, one.id))
    return tuple(instances), {id_: tuple(names) for id_, names in needed_by.items()}
