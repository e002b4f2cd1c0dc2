"""Publications with deltas: tiny layers with one file that is large enough for deltas to be worth it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.published_layers import (
    PLATFORM,
    SITE,
    Published,
    application,
    contents_of,
    framework,
    publish,
    runtime,
)
from venvstacks.actions.publishing.published_deltas import DeltaTarget, OlderPublication, publish_deltas
from venvstacks.actions.toolset import Tools
from venvstacks.api.older_publications import SourceFiles
from venvstacks.deployment.steps.publication_source import FolderSource
from venvstacks.deployment.steps.published_offer import read_offer
from venvstacks.model.conventions import METADATA_DIR
from venvstacks.records.published_metadata import DeltaReference, LayerMetadata
from venvstacks.records.stack_manifest import manifest_text


@dataclass(frozen=True)
class WithDeltas:
    """A publication.

    Attributes:
        entries: Metadata of its layers, by name.
        notes: What publishing says about them.
    """

    entries: dict[str, LayerMetadata]
    notes: tuple[str, ...]

    def deltas(self, name: str) -> tuple[DeltaReference, ...]:
        return self.entries[name].product.deltas or ()


def bulky(layer: Published, text: str, size: int = 100_000) -> Published:
    """The layer with a large file that tells `text`, one that never changes, and one whose name has a version."""
    content = random.Random(f"{layer.name} {size}").randbytes(size)
    more = {
        f"{SITE}/bulk.bin": content[: size // 2] + text.encode() + content[size // 2 :],
        f"{SITE}/always.bin": random.Random(size).randbytes(2000),
        f"{SITE}/bulk-{len(text)}.0.dist-info/RECORD": content[:1000] + text.encode(),
    }
    return replace(layer, files={**layer.files, **more})


def stack(text: str) -> tuple[Published, ...]:
    """A runtime that never changes, a large framework and an application, both of which tell `text`."""
    pond = bulky(framework("pond", text=text), text)
    return runtime(), pond, application("frog", uses=("pond",), text=text)


def opened(folders: Iterable[Path]) -> tuple[OlderPublication, ...]:
    """Older publications, for this machine."""
    assert PLATFORM is not None
    sources = [FolderSource(folder) for folder in folders]
    return tuple(OlderPublication(read_offer(source, PLATFORM), SourceFiles(source)) for source in sources)


def publish_with_deltas(
    folder: Path, layers: Sequence[Published], older: Sequence[Path], known: Sequence[DeltaReference] = ()
) -> WithDeltas:
    """Publish layers, with deltas from older publications."""
    assert PLATFORM is not None
    entries = publish(folder, layers)
    notes: list[str] = []
    tools = Tools({}, folder.parent / "cache", threads=1)
    for layer in layers:
        metadata = entries[layer.name]
        contents = contents_of(layer, folder / ".trees" / layer.name)
        target = DeltaTarget(metadata, contents, PLATFORM, folder, folder.parent / "staging")
        deltas, said = publish_deltas(target, opened(older), known, tools)
        product = metadata.product.model_copy(update={"deltas": deltas or None})
        entries[layer.name] = metadata.model_copy(update={"product": product})
        notes += said
    (folder / METADATA_DIR / "venvstacks.json").write_text(manifest_text(entries.values()), encoding="utf-8")
    return WithDeltas(entries, tuple(notes))


def compiled_stack(text: str) -> tuple[Published, ...]:
    """The same with a library in the framework that never changes, and so is one file in all its versions."""
    python, pond, frog = stack(text)
    library = {f"{SITE}/pond.libs/libpond.so": b"\x7fELF" + random.Random(2).randbytes(20_000)}
    return python, replace(pond, files={**pond.files, **library}), frog


def chain(folder: Path, texts: Sequence[str], made: Callable[[str], Sequence[Published]] = stack) -> list[Path]:
    """Publications in folders of their own, each with a delta from the one before and what that one has."""
    places: list[Path] = []
    for text in texts:
        place = folder / f"published-{text}"
        publish_with_deltas(place, made(text), places[-1:])
        places.append(place)
    return places
