"""Reads the licence texts of packages, from built environments or from published archives, into one text."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from venvstacks.archives.expected import expect
from venvstacks.archives.unpack import read_some_files
from venvstacks.deployment.steps.publication_source import Source, open_source
from venvstacks.digests import sha256_bytes
from venvstacks.errors import UsageError
from venvstacks.insight.contents import LayerContents
from venvstacks.insight.licences import licence_of
from venvstacks.insight.reading.named_contents import Reading, is_publication, named_project
from venvstacks.tools.transfer import Downloads

_LARGEST = 8 << 20  # bytes of one text
_LINE = "=" * 78


def licence_texts(text: str, layers: Sequence[LayerContents], reading: Reading) -> str:
    """All licence texts of the packages of some layers, each after the packages that it is of.

    Args:
        text: What the user named: a publication, or a specification whose layers are built.
        layers: The layers, with their contents.
        reading: How to read.

    Raises:
        VenvstacksError: The texts cannot be read.
    """
    if is_publication(text):
        with Downloads(reading.environment) as downloads, tempfile.TemporaryDirectory(prefix="venvstacks-") as folder:
            source = open_source(text, lambda: downloads)
            found = {layer.name: dict(_from_archive(source, layer, Path(folder))) for layer in layers}
    else:
        project = named_project(text, reading)
        environments = (
            {layer.env_name: project.environment_path(layer) for layer in project.stack.layers} if project else {}
        )
        found = {layer.name: dict(_from_folder(environments[layer.name], layer)) for layer in layers}
    return "".join(_pieces(layers, found))


def _wanted(layer: LayerContents) -> list[str]:
    listed = (path for package in layer.packages for path in package.licence.files)
    return [path for path in listed if path in layer.by_path and layer.by_path[path].size <= _LARGEST]


def _from_archive(source: Source, layer: LayerContents, folder: Path) -> Iterable[tuple[str, bytes]]:
    wanted = _wanted(layer)
    if not wanted or layer.archive is None:
        return ()
    siblings = frozenset(layer.lower)
    archive = source.obtain(layer.archive, folder).path
    return read_some_files(archive, expect(layer.files, layer.target, siblings=siblings), wanted)


def _from_folder(environment: Path, layer: LayerContents) -> Iterator[tuple[str, bytes]]:
    for path in _wanted(layer):
        try:
            yield path, (environment / path).read_bytes()
        except OSError as error:
            raise UsageError(
                f"{environment / path} cannot be read: {error}", hint="build the layers, or name a publication"
            ) from error


def _pieces(layers: Sequence[LayerContents], found: Mapping[str, Mapping[str, bytes]]) -> Iterator[str]:
    """The texts, each once, in the order of the packages that they were first found in."""
    owners: dict[str, list[str]] = {}
    texts: dict[str, str] = {}
    without: list[str] = []
    for layer in layers:
        for package in layer.packages:
            contents = [found[layer.name][path] for path in package.licence.files if path in found[layer.name]]
            title = f"{package} ({licence_of(package.licence).name})"
            without += [] if contents or title in without else [title]
            for content in contents:
                digest = sha256_bytes(content)
                texts[digest] = content.decode("utf-8", errors="replace")
                owners.setdefault(digest, [])
                owners[digest] += [] if title in owners[digest] else [title]
    for digest, titles in owners.items():
        body = texts[digest].replace("\r\n", "\n").rstrip()
        yield "\n".join([_LINE, *titles, _LINE, "", body, "", ""])
    if without:
        yield "\n".join([_LINE, "Packages that bring no licence text:", *without, _LINE, ""])
