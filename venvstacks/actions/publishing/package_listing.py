"""The list of the packages of a built layer, read from its environment and its lock."""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Iterable, Mapping
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from urllib.parse import quote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from venvstacks.actions.building.wheel_records import distribution_files
from venvstacks.actions.publishing.bundled_parts import bundled_parts
from venvstacks.actions.publishing.layer_metadata import PublishedLayer
from venvstacks.errors import PublishError
from venvstacks.locking.locks import LayerLock, Wheel
from venvstacks.locking.pylock import read_lock
from venvstacks.locking.uv_resolution import UnusableLockError
from venvstacks.locking.wheel_choice import WheelTarget, fitting_wheel, wheel_name
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.records.package_lists import BundledPart, LicenceFacts, ListedPackage, ListedWheel, PackageList
from venvstacks.urls import shown

_LONGEST_TEXT = 200  # characters of a licence's name; longer ones are whole texts


def list_packages(published: PublishedLayer) -> PackageList:
    """The packages of a linked layer.

    Raises:
        PublishError: Metadata in the environment cannot be read.
    """
    layer, record = published.layer, published.record
    site = EnvironmentLayout.of(layer, published.platform).site_dir
    paths = {entry.path for entry in record.entries}
    try:
        files = distribution_files(published.environment, site)
        found = [
            _package(published.environment, info, files, paths)
            for info in sorted(path.rpartition("/")[0] for path in paths if _is_metadata(path, site))
        ]
    except OSError as error:
        raise PublishError(
            f"layer '{layer.name}': the metadata of its packages cannot be read: {error}", hint="build the layer again"
        ) from error
    wheels = _wheels(published)
    packages = (_with_wheel(package, wheels.get(package.name)) for package in found)
    return PackageList(
        install_target=record.deployed_name,
        declared=tuple(shown_requirement(text) for text in layer.requirements),
        packages=tuple(sorted(packages, key=lambda package: (package.name, package.version))),
    )


def _is_metadata(path: str, site: str) -> bool:
    """Whether it is the METADATA of a distribution in the layer, and not of one that a package holds a copy of."""
    folder, _, name = path.rpartition("/")
    return name == "METADATA" and folder.endswith(".dist-info") and posixpath.dirname(folder) == site


def _package(environment: Path, info: str, files: Mapping[str, tuple[str, ...]], paths: set[str]) -> ListedPackage:
    text = (environment / info / "METADATA").read_text("utf-8", errors="replace")
    headers = HeaderParser().parsestr(text)  # `packaging.metadata` takes longer to load than all of them to be read
    stem = posixpath.basename(info).removesuffix(".dist-info")
    name = str(canonicalize_name(headers.get("Name") or stem.partition("-")[0]))
    own = tuple(sorted(path for path in files.get(name, ()) if path in paths))
    inside = [path for path in own if path.startswith(f"{info}/")]
    bills = [environment / path for path in inside if path.startswith(f"{info}/sboms/")]
    return ListedPackage(
        name=name,
        version=headers.get("Version") or stem.partition("-")[2],
        purl="",
        requires=tuple(shown_requirement(text) for text in headers.get_all("Requires-Dist", ())),
        licence=_licence(headers, info, inside),
        author=next(filter(None, map(headers.get, _AUTHORS)), None),
        homepage=_homepage(headers),
        bundled=tuple(part for part in bundled_parts(bills) if not _is_itself(part, name)),
        files=own,
    )


def _is_itself(part: BundledPart, name: str) -> bool:
    """Whether a component that a bill names is the package that brings the bill."""
    return (part.purl or "").startswith("pkg:pypi/") and str(canonicalize_name(part.name)) == name


_AUTHORS = ("Author-email", "Maintainer-email", "Author", "Maintainer")
_HOMES = ("homepage", "home", "repository", "source", "source code")


def _homepage(headers: Message) -> str | None:
    listed = (text.partition(",") for text in headers.get_all("Project-URL", ()))
    urls = {label.strip().lower(): url.strip() for label, _, url in listed}
    return headers.get("Home-page") or next((urls[label] for label in _HOMES if label in urls), None)


def _licence(headers: Message, info: str, inside: Iterable[str]) -> LicenceFacts:
    """The facts about a licence. Its files are those that metadata names, in the places of PEP 639 or before it."""
    named = {f"{info}/{folder}{name}" for name in headers.get_all("License-File", ()) for folder in ("", "licenses/")}
    text = (headers.get("License") or "").strip().partition("\n")[0].strip()
    return LicenceFacts(
        expression=headers.get("License-Expression"),
        text=text[:_LONGEST_TEXT] or None,
        classifiers=tuple(text for text in headers.get_all("Classifier", ()) if text.startswith("License ::")),
        files=tuple(path for path in inside if path in named or path.startswith(f"{info}/licenses/") or _is_text(path)),
    )


def _is_text(path: str) -> bool:
    name = posixpath.basename(path).lower()
    return name.startswith(("license", "licence", "copying", "notice"))


def shown_requirement(requirement: str) -> str:
    """A requirement as it may be published: a direct reference names a place, which may hold a secret."""
    with contextlib.suppress(InvalidRequirement):
        parsed = Requirement(requirement)
        parsed.url = None
        return str(parsed)
    return requirement.partition("@")[0].strip()


def _wheels(published: PublishedLayer) -> dict[str, Wheel]:
    """The wheels that the layer's lock has for this platform, by package."""
    layer = published.layer
    try:
        text = (published.base / published.layout.lock_file(layer)).read_text("utf-8")
        lock: LayerLock = read_lock(text, layer.python).lock
    except (OSError, UnicodeDecodeError, UnusableLockError):
        return {}
    target = WheelTarget(published.platform, layer.python, layer.glibc, layer.macos)
    chosen = ((package, fitting_wheel(package, target)) for package in lock.installed(published.platform.name))
    return {package.name: wheel for package, wheel in chosen if wheel}


def _with_wheel(package: ListedPackage, wheel: Wheel | None) -> ListedPackage:
    is_local = wheel is not None and (wheel.is_path or wheel.is_archive)
    purl = package_url(package.name, package.version, is_local=is_local)
    return package.model_copy(update={"wheel": listed_wheel(wheel) if wheel else None, "purl": purl})


def listed_wheel(wheel: Wheel) -> ListedWheel:
    """A wheel of a lock as it is published."""
    return ListedWheel(
        file=wheel_name(wheel),
        sha256=dict(wheel.hashes).get("sha256"),
        url=None if wheel.is_path else shown(wheel.location),
        size=wheel.size,
    )


def package_url(name: str, version: str, *, is_local: bool = False) -> str:
    """The package URL of a distribution; `is_local` where it is not one of an index."""
    return f"pkg:{'generic' if is_local else 'pypi'}/{quote(name, safe='')}@{quote(version, safe='')}"
