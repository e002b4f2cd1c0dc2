"""Bills of materials in CycloneDX 1.6: layers, Pythons, packages and what is inside of them, with their needs.

The same contents give the same bytes: the serial number is made of the contents, and the time is that of the newest
lock. Needs the extra `sbom`.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.exception import CycloneDxException
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalContact
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from venvstacks.digests import sha256_json
from venvstacks.insight.contents import LayerContents, StackContents
from venvstacks.insight.licence_rules import canonical_expression
from venvstacks.insight.licences import UNKNOWN, licence_of
from venvstacks.insight.needs import Needs
from venvstacks.model.conventions import LayerKind
from venvstacks.records.package_lists import BundledPart, ListedPackage

_TYPES: dict[LayerKind, ComponentType] = {
    "runtime": ComponentType.PLATFORM,
    "framework": ComponentType.FRAMEWORK,
    "application": ComponentType.APPLICATION,
}
_URL = re.compile(r"https?://[\w.-]+(:\d+)?([/?#][\w./~%:@!$&'()*+,;=?#-]*)?", re.ASCII)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", re.ASCII)
_LONGEST = 300  # characters of who made a package
_DIGEST = re.compile("[0-9a-f]{64}")
_UNKNOWN_TIME = datetime.fromtimestamp(0, UTC)
_LIBRARY_FOLDERS = (".libs/", "/.dylibs/")  # of auditwheel and delvewheel; of delocate


@dataclass(frozen=True)
class BillOfMaterials:
    """A bill of materials to be written.

    Attributes:
        stack: The contents.
        name: The name of what it is about.
        layers: The layers that it is about, in import order.
    """

    stack: StackContents
    name: str
    layers: Sequence[LayerContents]
    _parts: dict[str, Component] = field(default_factory=dict)

    def text(self) -> str:
        """The bill as JSON with a final newline."""
        bom = Bom(serial_number=self._serial_number(), version=1)
        newest = max((layer.locked_at for layer in self.layers), default="")
        bom.metadata.timestamp = _time(newest)
        about = next((layer for layer in self.layers if layer.name == self.name), None)
        root = Component(
            type=_TYPES[about.kind] if about else ComponentType.APPLICATION,
            name=self.name,
            version=str(about.version) if about and about.version else None,
            bom_ref=f"root:{self.name}",
        )
        bom.metadata.component = root
        bom.metadata.properties.update(self._remarks())
        for layer in self.layers:
            bom.components.add(self._add(_layer_component(layer)))
            bom.components.update(self._add(one) for one in _python_component(layer))
            bom.components.update(self._add(_package_component(layer, package)) for package in layer.packages)
        bom.register_dependency(root, [self._parts[_layer_ref(layer)] for layer in self.layers])
        for reference, needed in self._needs():
            bom.register_dependency(self._parts[reference], [self._parts[one] for one in needed])
        return f"{JsonV1Dot6(bom).output_as_string(indent=2)}\n"

    def _serial_number(self) -> uuid.UUID:
        facts = [
            [layer.name, layer.archive.sha256 if layer.archive else [str(one) for one in layer.packages]]
            for layer in self.layers
        ]
        return uuid.uuid5(uuid.NAMESPACE_URL, f"venvstacks:{sha256_json([self.name, facts])}")

    def _remarks(self) -> Iterator[Property]:
        """What the bill does not say, for those who judge whether it is complete."""
        yield from (Property(name="venvstacks:incomplete", value=note) for note in self.stack.notes)

    def _add(self, component: Component) -> Component:
        self._parts[str(component.bom_ref.value)] = component
        return component

    def _needs(self) -> Iterator[tuple[str, list[str]]]:
        needs = Needs(self.stack)
        for layer in self.layers:
            own = [_ref(layer, package) for package in layer.packages]
            lower = [_layer_ref(self.stack.by_target[one]) for one in layer.lower if one in self.stack.by_target]
            python = [_python_ref(layer)] if layer.kind == "runtime" else []
            yield _layer_ref(layer), self._known([*own, *lower, *python])
            for package in layer.packages:
                found = needs.by_needing.get((layer.name, package.name), ())
                providers = [(self.stack.by_name[one.provider], one.name) for one in found if one.provider]
                yield _ref(layer, package), self._known([_ref(held, held.by_name[name]) for held, name in providers])

    def _known(self, references: Iterable[str]) -> list[str]:
        return [one for one in dict.fromkeys(references) if one in self._parts]


def _time(text: str) -> datetime:
    """A time in ISO 8601, which counts as UTC where it does not say; the beginning of 1970 where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return _UNKNOWN_TIME
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _layer_ref(layer: LayerContents) -> str:
    return f"layer:{layer.name}"


def _python_ref(layer: LayerContents) -> str:
    return f"python:{layer.name}"


def _ref(layer: LayerContents, package: ListedPackage) -> str:
    return f"{layer.name}:{package.name}@{package.version}"


def _layer_component(layer: LayerContents) -> Component:
    hashes = _hashes(layer.archive.sha256 if layer.archive else None)
    facts = {
        "venvstacks:kind": layer.kind,
        "venvstacks:platform": layer.platform,
        "venvstacks:install_target": layer.target,
    }
    facts |= {"venvstacks:archive": layer.archive.name} if layer.archive else {}
    return Component(
        type=_TYPES[layer.kind],
        name=layer.name,
        version=str(layer.version) if layer.version else None,
        bom_ref=_layer_ref(layer),
        hashes=hashes,
        properties=[Property(name=name, value=value) for name, value in facts.items() if value],
    )


def _python_component(layer: LayerContents) -> Iterator[Component]:
    """The Python of a runtime, with what is known of its origin."""
    name, _, version = layer.python.partition("@")
    if layer.kind == "runtime" and version:
        provider, build = layer.source or ("", "")
        facts = {"venvstacks:provider": provider, "venvstacks:build": build}
        component = Component(
            type=ComponentType.PLATFORM,
            name=name,
            version=version,
            bom_ref=_python_ref(layer),
            purl=PackageURL("generic", None, name, version),
            properties=[Property(name=key, value=value) for key, value in facts.items() if value],
        )
        component.licenses.add(LicenseFactory().make_with_expression("PSF-2.0"))
        yield component


def _package_component(layer: LayerContents, package: ListedPackage) -> Component:
    reference = _ref(layer, package)
    component = Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        bom_ref=reference,
        purl=_purl(package.purl),
        hashes=_hashes(package.wheel.sha256 if package.wheel else None),
        authors=[_contact(package.author)] if package.author else [],
        external_references=list(_references(package)),
        properties=[Property(name="venvstacks:layer", value=layer.name)]
        + ([Property(name="venvstacks:wheel", value=package.wheel.file)] if package.wheel else []),
        components=list(_inside(layer, package, reference)),
    )
    licence = licence_of(package.licence)
    if licence.name != UNKNOWN:
        component.licenses.add(_licence(licence.name, is_expression=licence.is_expression))
    return component


def _contact(text: str) -> OrganizationalContact:
    """`Name <address>`, as metadata writes the people who made a package."""
    text = text[:_LONGEST]
    address = _ADDRESS.search(text)
    name = (text[: address.start()] if address else text).strip(' "<,')
    return OrganizationalContact(name=name or None, email=address[0] if address else None)


def _references(package: ListedPackage) -> Iterator[ExternalReference]:
    if package.homepage and _URL.fullmatch(package.homepage):
        yield ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(package.homepage))
    if package.wheel and _URL.fullmatch(package.wheel.url or ""):
        yield ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(package.wheel.url or ""))


def _inside(layer: LayerContents, package: ListedPackage, reference: str) -> Iterator[Component]:
    """The components inside a wheel: as its own bill names them, or else the libraries that a repair tool copied in."""
    for number, part in enumerate(package.bundled, start=1):
        yield _bundled(part, f"{reference}#{number}")
    if not package.bundled:
        for path in package.files:
            if any(folder in path for folder in _LIBRARY_FOLDERS) and path in layer.by_path:
                name = path.rpartition("/")[2]
                hashes = _hashes(layer.by_path[path].sha256)
                yield Component(type=ComponentType.FILE, name=name, bom_ref=f"{reference}#{path}", hashes=hashes)


def _bundled(part: BundledPart, reference: str) -> Component:
    component = Component(
        type=ComponentType.LIBRARY, name=part.name, version=part.version, bom_ref=reference, purl=_purl(part.purl)
    )
    if part.licence:
        component.licenses.add(_licence(part.licence, is_expression=True))
    return component


def _purl(text: str | None) -> PackageURL | None:
    try:
        return PackageURL.from_string(text) if text else None
    except ValueError:
        return None


def _licence(name: str, *, is_expression: bool) -> Any:  # noqa: ANN401 - the library's
    factory = LicenseFactory()
    expression = canonical_expression(name) if is_expression else None
    if expression:
        with contextlib.suppress(CycloneDxException):  # an identifier that the library does not know
            return factory.make_with_expression(expression)
    return factory.make_with_name(name)


def _hashes(sha256: str | None) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if _DIGEST.fullmatch(sha256 or "") and sha256 else []
