"""Advisories in the OSV format, and which packages they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from venvstacks.data_faults import first_fault
from venvstacks.insight.contents import LayerContents, StackContents
from venvstacks.records.package_lists import ListedPackage

_ECOSYSTEM = "PyPI"


class _OsvModel(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="ignore", frozen=True)


class _Package(_OsvModel):
    ecosystem: str = ""
    name: str = ""


class _Range(_OsvModel):
    type: str = ""
    events: tuple[dict[str, str], ...] = ()


class _Affected(_OsvModel):
    package: _Package = _Package()
    ranges: tuple[_Range, ...] = ()
    versions: tuple[str, ...] = ()

    @property
    def version_ranges(self) -> tuple[_Range, ...]:
        """The ranges of versions; others are about commits."""
        return tuple(one for one in self.ranges if one.type == "ECOSYSTEM")


class Advisory(_OsvModel):
    """One advisory, as far as it matters here (https://ossf.github.io/osv-schema/).

    Attributes:
        id: Its identifier.
        aliases: Further identifiers, such as CVE numbers.
        summary: One line about it.
        withdrawn: When it was withdrawn; such an advisory counts for nothing.
        affected: Packages and versions.
    """

    id: str = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    summary: str = ""
    withdrawn: str | None = None
    affected: tuple[_Affected, ...] = ()

    @property
    def identifiers(self) -> tuple[str, ...]:
        """All identifiers, its own first."""
        return (self.id, *self.aliases)


def parse_advisories(data: Any) -> Iterator[Advisory]:  # noqa: ANN401 - any JSON
    """The advisories in a JSON value: one record, a list of records, or an object with a list `vulns`.

    Raises:
        ValueError: It is none of these, or a record is not valid.
    """
    listed = data.get("vulns", [data]) if isinstance(data, dict) else data
    if not isinstance(listed, list):
        raise ValueError("it holds neither an advisory nor a list of them")  # noqa: TRY004 - a fault of a file
    for record in listed:
        try:
            yield Advisory.model_validate(record)
        except ValidationError as error:
            raise ValueError(first_fault(error)) from error


@dataclass(frozen=True)
class Finding:
    """An advisory that is about a package of a layer.

    Attributes:
        layer: The layer.
        package: The package.
        advisory: The advisory.
        fixed: The versions that fix it, lowest first.
    """

    layer: LayerContents
    package: ListedPackage
    advisory: Advisory
    fixed: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON data."""
        return {
            "layer": self.layer.name,
            "package": self.package.name,
            "version": self.package.version,
            "id": self.advisory.id,
            "aliases": list(self.advisory.aliases),
            "summary": self.advisory.summary,
            "fixed": list(self.fixed),
        }


def is_on_index(package: ListedPackage) -> bool:
    """Whether a package can be one of PyPI's: its origin is an index, or is not known."""
    return not package.purl or package.purl.startswith("pkg:pypi/")


def match_advisories(
    stack: StackContents, advisories: Iterable[Advisory], ignored: Iterable[str] = (), *, by_name: bool = False
) -> tuple[Finding, ...]:
    """The advisories that are about packages of a stack, by layer, package and identifier.

    Args:
        stack: The contents of the layers.
        advisories: The advisories; of several with one identifier, the first counts.
        ignored: Identifiers and aliases of advisories that are left out.
        by_name: Whether own packages and local wheels are compared, too: by their names alone.
    """
    left_out = {one.upper() for one in ignored}
    wanted: dict[str, list[tuple[LayerContents, ListedPackage]]] = {}
    for layer in stack.layers:
        for package in layer.packages:
            if by_name or is_on_index(package):
                wanted.setdefault(package.name, []).append((layer, package))
    found: dict[tuple[str, str, str], Finding] = {}
    for advisory in advisories:
        if advisory.withdrawn or left_out & {one.upper() for one in advisory.identifiers}:
            continue
        for finding in _about(advisory, wanted):
            found.setdefault((finding.layer.name, finding.package.name, advisory.id), finding)
    order = {layer.name: number for number, layer in enumerate(stack.layers)}
    return tuple(found[key] for key in sorted(found, key=lambda key: (order[key[0]], *key[1:])))


def _about(advisory: Advisory, wanted: Mapping[str, list[tuple[LayerContents, ListedPackage]]]) -> Iterator[Finding]:
    for affected in advisory.affected:
        if affected.package.ecosystem.partition(":")[0] != _ECOSYSTEM:
            continue
        for layer, package in wanted.get(str(canonicalize_name(affected.package.name)), ()):
            if _affects(affected, package.version):
                yield Finding(layer, package, advisory, tuple(_fixed(affected, package.version)))


def _affects(affected: _Affected, version: str) -> bool:
    """Whether a version is listed, or within a range (the evaluation algorithm of the OSV schema)."""
    installed = _version(version)
    listed = {one for text in affected.versions for one in (text, _version(text))}
    if version in listed or (installed is not None and installed in listed):
        return True
    return installed is not None and any(_in_range(one, installed) for one in affected.version_ranges)


def _in_range(found: _Range, installed: Version) -> bool:
    inside = False
    for bound, kind in sorted(_events(found), key=lambda event: (event[0], event[1] != "introduced")):
        if kind == "introduced" and installed >= bound:
            inside = True
        elif (kind == "fixed" and installed >= bound) or (kind == "last_affected" and installed > bound):
            inside = False
    return inside


def _events(found: _Range) -> Iterator[tuple[Version, str]]:
    for event in found.events:
        for kind, text in event.items():
            bound = Version("0.dev0") if kind == "introduced" and text == "0" else _version(text)
            if bound is not None and kind in {"introduced", "fixed", "last_affected"}:
                yield bound, kind


def _fixed(affected: _Affected, version: str) -> Iterator[str]:
    installed = _version(version)
    fixes = {bound for one in affected.version_ranges for bound, kind in _events(one) if kind == "fixed"}
    yield from (str(bound) for bound in sorted(fixes) if installed is None or bound > installed)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
