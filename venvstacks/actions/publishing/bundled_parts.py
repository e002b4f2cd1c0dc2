"""Components that bills of materials in wheels name (PEP 770), in CycloneDX or SPDX JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from venvstacks.records.package_lists import BundledPart

_LARGEST = 16 << 20  # bytes; what is larger is left out, as it comes from strangers
_MOST = 5000  # components of one wheel


def bundled_parts(places: Iterable[Path]) -> list[BundledPart]:
    """The components in these files, each once, sorted; what is no bill of materials is left out.

    Only names, versions, package URLs and licences are taken over: references and properties often hold paths of the
    machine that built the wheel.
    """
    found: dict[tuple[str, str, str], BundledPart] = {}
    for place in sorted(places):
        for part in _parts_of(place):
            found.setdefault((part.name, part.version or "", part.purl or ""), part)
    return [found[key] for key in sorted(found)][:_MOST]


def _parts_of(place: Path) -> Iterator[BundledPart]:
    try:
        if place.stat().st_size > _LARGEST:
            return
        document = json.loads(place.read_bytes())
    except (OSError, ValueError, RecursionError):
        return
    if isinstance(document, dict):
        yield from _components(document.get("components"))
        yield from _spdx_packages(document.get("packages"))


def _components(listed: Any) -> Iterator[BundledPart]:  # noqa: ANN401 - whatever a stranger's file holds
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and isinstance(each.get("name"), str):
            yield BundledPart(
                name=each["name"],
                version=_text(each.get("version")),
                purl=_purl(each.get("purl")),
                licence=_cyclonedx_licence(each.get("licenses")),
            )


def _spdx_packages(listed: Any) -> Iterator[BundledPart]:  # noqa: ANN401 - as above
    for each in listed if isinstance(listed, list) else ():
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            continue
        references = each.get("externalRefs")
        purls = (
            one.get("referenceLocator")
            for one in (references if isinstance(references, list) else ())
            if isinstance(one, Mapping) and one.get("referenceType") == "purl"
        )
        licence = _text(each.get("licenseConcluded")) or _text(each.get("licenseDeclared"))
        yield BundledPart(
            name=each["name"],
            version=_text(each.get("versionInfo")),
            purl=_purl(next(purls, None)),
            licence=None if licence in {"NOASSERTION", "NONE"} else licence,
        )


def _cyclonedx_licence(listed: Any) -> str | None:  # noqa: ANN401 - as above
    names = []
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict):
            licence = each.get("license")
            held = licence if isinstance(licence, dict) else {}
            names.append(_text(each.get("expression")) or _text(held.get("id")) or _text(held.get("name")))
    known = [name for name in names if name]
    return " AND ".join(f"({name})" if " " in name and len(known) > 1 else name for name in known) or None


def _purl(value: Any) -> str | None:  # noqa: ANN401 - as above
    """A package URL; qualifiers that name a file of the building machine are dropped."""
    text = _text(value)
    if text is None or not text.startswith("pkg:"):
        return None
    base, _, rest = text.partition("?")
    return base.partition("#")[0] if "file:" in rest or "file%3A" in rest else text


def _text(value: Any) -> str | None:  # noqa: ANN401 - as above
    return value if isinstance(value, str) and value else None
