"""Licences of packages as one short text: the expression in the metadata, or what older metadata says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from venvstacks.insight.contents import LayerContents, StackContents
from venvstacks.records.package_lists import LicenceFacts, ListedPackage

LicenceSource = Literal["expression", "classifier", "text", "none"]
"""Where a licence's name comes from: `License-Expression` (PEP 639), classifiers, the free text `License`."""

UNKNOWN = "unknown"

_BY_CLASSIFIER: Mapping[str, str] = {
    "Academic Free License (AFL)": "AFL-3.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "Zope Public License": "ZPL-2.1",
    "zlib/libpng License": "Zlib",
}
"""SPDX identifiers of classifiers. Those that stand for several versions of a licence get the usual one."""

_BY_TEXT: Mapping[str, str] = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "isc": "ISC",
    "isc license": "ISC",
    "mit": "MIT",
    "mit license": "MIT",
    "mpl-2.0": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "new bsd": "BSD-3-Clause",
    "psf": "PSF-2.0",
    "the mit license": "MIT",
    "unlicense": "Unlicense",
}
"""SPDX identifiers of what people write into the free text, in lower case."""


@dataclass(frozen=True)
class Licence:
    """The licence of a package.

    Attributes:
        name: An SPDX expression where it is known; otherwise the text of the metadata, or `unknown`.
        source: What it was taken from.
        is_expression: Whether `name` is meant as an SPDX expression.
    """

    name: str
    source: LicenceSource
    is_expression: bool


def licence_of(facts: LicenceFacts) -> Licence:
    """The licence that metadata states, the most exact statement first."""
    if facts.expression:
        return Licence(facts.expression, "expression", is_expression=True)
    names = [
        text.rpartition("::")[2].strip() for text in facts.classifiers if "OSI Approved" not in text.rpartition("::")[2]
    ]
    known = sorted({_BY_CLASSIFIER[name] for name in names if name in _BY_CLASSIFIER})
    if known and len(known) == len(set(names)):
        return Licence(" OR ".join(known), "classifier", is_expression=True)
    if facts.text and facts.text.lower() in _BY_TEXT:
        return Licence(_BY_TEXT[facts.text.lower()], "text", is_expression=True)
    if facts.text:
        return Licence(facts.text, "text", is_expression=False)
    if names:
        return Licence(", ".join(sorted(set(names))), "classifier", is_expression=False)
    return Licence(UNKNOWN, "none", is_expression=False)


@dataclass(frozen=True)
class LicenceRow:
    """A package in a layer, with its licence."""

    layer: LayerContents
    package: ListedPackage
    licence: Licence

    def as_json(self) -> dict[str, str]:
        """The row as JSON data."""
        return {
            "layer": self.layer.name,
            "package": self.package.name,
            "version": self.package.version,
            "licence": self.licence.name,
            "source": self.licence.source,
        }


def licence_rows(stack: StackContents, layers: tuple[LayerContents, ...] | None = None) -> tuple[LicenceRow, ...]:
    """Every package of some layers (None for all) with its licence, layer by layer."""
    chosen = stack.layers if layers is None else layers
    return tuple(LicenceRow(layer, one, licence_of(one.licence)) for layer in chosen for one in layer.packages)
