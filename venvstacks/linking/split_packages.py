"""Packages with parts in several layers, and the links in the uppermost of them that complete the package.

Python imports a package from the first folder on `sys.path` that holds it. Only a namespace package (one without an
`__init__`) has parts in other folders as well. Any other package is `closed`: in one flat environment, all its
distributions write into one folder. Packages whose `__init__` extends their path are closed, too: others would find
their modules, but not the data that these expect next to themselves (Qt's plugins and programs, say).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from venvstacks.linking.borrowing import Lower

_INIT = re.compile(r"__init__\.(py|pyc|.*so|pyd)")
_BY_MISTAKE = {"benchmarks", "docs", "examples", "scripts", "test", "tests"}
"""Folders that wheels install at the top by mistake; nobody imports them."""

Packages = Mapping[str, tuple[str, ...]]
"""Distribution to its files in site-packages, relative to that folder."""

SameContent = Callable[[str, str, str], bool]
"""Whether a file in site-packages does the same in two layers, given its path and both environment names."""


def closed_packages(files: Iterable[str]) -> tuple[str, ...]:
    """The outermost package folders that hide parts in other layers, sorted.

    Args:
        files: All files in a site-packages folder, relative to it.
    """
    folders: dict[str, list[str]] = {}
    for path in files:
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder, []).append(name)
    packages = {folder: names for folder, names in folders.items() if all(map(str.isidentifier, folder.split("/")))}
    return tuple(sorted(_closed(packages)))


def _closed(folders: Mapping[str, Sequence[str]]) -> Iterator[str]:
    closed: set[str] = set()
    for folder in sorted(folders):
        if any(folder.startswith(f"{outer}/") for outer in _outer_folders(folder) & closed):
            continue
        if any(map(_INIT.fullmatch, folders[folder])):
            closed.add(folder)
            yield folder


def _outer_folders(folder: str) -> set[str]:
    parts = folder.split("/")
    return {"/".join(parts[:count]) for count in range(1, len(parts))}


@dataclass(frozen=True)
class SplitPackages:
    """What completes a layer's packages.

    Attributes:
        links: Links in its site-packages: path relative to the layer, to the file in a layer below.
        faults: What cannot be completed: a sentence for each file.
    """

    links: Mapping[str, str]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnPackages:
    """The layer that is completed.

    Attributes:
        env_name: Its environment name.
        site_dir: Its site-packages, relative to its folder, as in all layers of a stack.
        packages: What it has itself.
        closed: Its closed packages.
    """

    env_name: str
    site_dir: str
    packages: Packages
    closed: tuple[str, ...] = ()


def shared_folders(own: OwnPackages, lower: Sequence[Lower]) -> frozenset[str]:
    """Top-level folders that several layers have, and that hold a closed package in one of them."""
    layers = [{path.partition("/")[0] for files in own.packages.values() for path in files if "/" in path}]
    layers += [set(layer.provided.packages) for layer in lower]
    counts = Counter(name for names in layers for name in names)
    closed = {
        root.partition("/")[0] for layer in (own.closed, *(one.provided.closed for one in lower)) for root in layer
    }
    return frozenset(name for name in closed - _BY_MISTAKE if counts[name] > 1)


def complete_packages(
    own: OwnPackages, lower: Sequence[tuple[Lower, Packages]], same_content: SameContent
) -> SplitPackages:
    """Link what the uppermost folder of a closed package lacks.

    Nothing is needed where the first layer that has a part is not this one, and has been completed with all others.
    Of a distribution that several layers have, the first in import order counts, as it does for imports.

    Args:
        own: The layer.
        lower: The layers below with their packages, in import order.
        same_content: Compares a file of two layers.
    """
    owners = _owners(own, lower)
    roots = {root for layer in (own.closed, *(one.provided.closed for one, _ in lower)) for root in layer}
    links: dict[str, str] = {}
    faults: list[str] = []
    by_name = {layer.env_name: layer for layer, _ in lower}
    for root in sorted(root for root in roots if root.partition("/")[0] not in _BY_MISTAKE):
        holders = [name for name, files in owners.items() if any(path.startswith(f"{root}/") for path in files)]
        if len(holders) < 2 or (holders[0] in by_name and set(holders[1:]) <= by_name[holders[0]].below):
            continue
        chosen: dict[str, str] = {}
        for name in holders:
            for path, distribution in owners[name].items():
                if not path.startswith(f"{root}/"):
                    continue
                first = chosen.setdefault(path, name)
                if first != name and not same_content(path, first, name):
                    faults.append(_fault(root, path, (owners[first][path], first), (distribution, name)))
        links.update(
            (f"{own.site_dir}/{path}", by_name[name].place(f"{own.site_dir}/{path}"))
            for path, name in chosen.items()
            if name in by_name
        )
    return SplitPackages(dict(sorted(links.items())), tuple(faults))


def _owners(own: OwnPackages, lower: Sequence[tuple[Lower, Packages]]) -> dict[str, dict[str, str]]:
    """Environment name to its files and their distributions, without those of distributions that a layer above has."""
    layers: list[tuple[str, Packages]] = [
        (own.env_name, own.packages),
        *((layer.env_name, packages) for layer, packages in lower),
    ]
    found: dict[str, dict[str, str]] = {}
    seen: set[str] = set()
    for name, packages in layers:
        found[name] = {path: dist for dist, files in packages.items() if dist not in seen for path in files}
        seen |= packages.keys()
    return found


def _fault(root: str, path: str, upper: tuple[str, str], lower: tuple[str, str]) -> str:
    return (
        f"package '{root.replace('/', '.')}': {path} of {upper[0]} in layer '{upper[1]}' is not that of {lower[0]} in "
        f"layer '{lower[1]}'"
    )
