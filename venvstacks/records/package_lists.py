"""Package lists: the distributions in an archive, published next to it as `<name>-<digest>.packages.json.gz`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import ConfigDict, ValidationError

from venvstacks.data_faults import first_fault
from venvstacks.records.packed_lists import pack, unpack
from venvstacks.records.published_metadata import PublishedModel, Size

_MOST_VALUES = 3_000_000


class _ListModel(PublishedModel):
    """Base of what a list holds. Unknown keys are ignored: later versions may write them."""

    model_config = ConfigDict(defer_build=True, extra="ignore", frozen=True)


class LicenceFacts(_ListModel):
    """What a distribution's metadata says about its licence.

    Attributes:
        expression: `License-Expression` (PEP 639).
        text: `License`, often a name, sometimes a whole text, of which the first line is kept.
        classifiers: `License ::` classifiers.
        files: Paths of licence files, relative to the layer's folder.
    """

    expression: str | None = None
    text: str | None = None
    classifiers: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class ListedWheel(_ListModel):
    """The wheel that a package was installed from, as the layer's lock names it.

    Attributes:
        file: Its file name.
        sha256: Hex digest; None if the lock has none.
        url: Where it was taken from, without credentials; None for local wheels and those built from source.
        size: Bytes; None if the lock does not say.
    """

    file: str
    sha256: str | None = None
    url: str | None = None
    size: Size | None = None


class BundledPart(_ListModel):
    """A component inside a wheel, as a bill of materials in the wheel (PEP 770) names it.

    Attributes:
        name: Its name.
        version: Its version.
        purl: Its package URL.
        licence: Its licence: an SPDX expression, or a name.
    """

    name: str
    version: str | None = None
    purl: str | None = None
    licence: str | None = None


class ListedPackage(_ListModel):
    """One installed distribution.

    Attributes:
        name: Normalised name.
        version: Version.
        purl: Package URL. Type `pypi` for wheels of an index; `generic` for those that were built from source or are
            local files, so that nobody takes them for a package of the same name on an index.
        requires: `Requires-Dist`, as they are written.
        licence: Its licence.
        author: Who made it: an e-mail address or a name.
        homepage: The URL of its project.
        wheel: The wheel that it comes from; None if no lock names it.
        bundled: Components inside the wheel.
        files: Paths of its files, relative to the layer's folder, sorted.
    """

    name: str
    version: str
    purl: str
    requires: tuple[str, ...] = ()
    licence: LicenceFacts = LicenceFacts()
    author: str | None = None
    homepage: str | None = None
    wheel: ListedWheel | None = None
    bundled: tuple[BundledPart, ...] = ()
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class PackageList(_ListModel):
    """The distributions of one layer, sorted by name.

    Attributes:
        format: Version of this form.
        install_target: Deployed name of the layer.
        declared: The requirements of the layer itself; of direct references only the name.
        packages: What is installed in the layer, without what it uses of layers below.
    """

    format: Literal[1] = 1
    install_target: str
    declared: tuple[str, ...] = ()
    packages: tuple[ListedPackage, ...] = ()

    def packed(self) -> bytes:
        """The list as it is published: a package to a line, compressed; the same bytes for the same packages."""
        rows = (each.model_dump(mode="json", exclude_defaults=True) for each in self.packages)
        head = {"format": 1, "install_target": self.install_target, "declared": list(self.declared)}
        return pack(head, "packages", rows, sort_keys=True)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read a published list.

        Raises:
            ValueError: It is none, one of another version, or larger than any layer needs.
        """
        try:
            return cls.model_validate_json(unpack(data, _MOST_VALUES))
        except ValidationError as error:
            raise ValueError(first_fault(error)) from error
