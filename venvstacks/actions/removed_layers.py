"""Leftovers of renamed and removed layers in the folders of a stack, found by the records that tasks wrote there.

A file counts only if it has a name that a task gives, and a record next to it names the layer: other files in these
folders belong to somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from venvstacks.actions.publishing.manifests import EARLIER, earlier_since, superseded_names
from venvstacks.model.conventions import METADATA_DIR
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import PLATFORMS
from venvstacks.records.earlier_publications import named_files, read_earlier
from venvstacks.tools.tree_removal import is_folder_link

_READERS = timedelta(hours=1)


@dataclass(frozen=True)
class Leftover:
    """A file or folder that a former layer has left.

    Attributes:
        layer: The layer's environment name, or the name of an own package's wheel.
        place: The file or folder.
        refused: Why it is not removed; empty if it may be.
        only_empty: Whether it is a folder that is only removed if it is empty then.
    """

    layer: str
    place: Path
    refused: str = ""
    only_empty: bool = False


@dataclass(frozen=True)
class RemovedLayers:
    """The search in the folders of one stack.

    Attributes:
        base: The specification's folder.
        layout: Where everything is.
        layers: Environment names of layers that exist, also those of other specifications in that folder.
        wheels: Names of the wheels of own packages that exist.
        now: The present time.
    """

    base: Path
    layout: StackLayout
    layers: Collection[str]
    wheels: Collection[str]
    now: datetime

    def leftovers(self) -> Iterator[Leftover]:
        """All leftovers, folder by folder.

        Raises:
            OSError: A folder cannot be read.
        """
        build = self.base / self.layout.build
        for environments in (build, *(build / name for name in PLATFORMS if name not in self.layers)):
            yield from self._environments(environments)
        yield from self._locks()
        for place in _entries(self.base / self.layout.own_wheels):
            if place.is_dir() and place.name not in self.wheels:
                yield Leftover(place.name, place)
        yield from self._archives()
        yield from self._exports()

    def _environments(self, folder: Path) -> Iterator[Leftover]:
        """Environments and their records and logs, those of one platform."""
        state = folder / Path(self.layout.shared_state).name
        records = (place for place in _entries(state / "build") if place.suffix == ".json")
        for name in [place.stem for place in records if place.stem not in self.layers]:
            if (folder / name).is_dir() and not is_folder_link(folder / name):
                yield Leftover(name, folder / name)
            for alias in sorted(folder.glob(f"{name}@*")) if folder.is_dir() else []:
                if is_folder_link(alias) and alias.readlink().name == name:
                    yield Leftover(name, alias)
            logs = sorted((state / "logs").glob(f"*-{name}.log"))
            yield from (Leftover(name, log) for log in logs if _is_log(log, name))
            yield from (Leftover(name, record) for record in sorted(state.glob(f"*/{name}.json")))

    def _locks(self) -> Iterator[Leftover]:
        requirements = self.base / self.layout.requirements
        for folder in _entries(requirements):
            name, dotless = folder.name, folder.name.replace(".", "_")
            if name in self.layers or not (folder / f"pylock.{dotless}.meta.json").is_file():
                continue
            files = (
                f"requirements-{dotless}.in", f"packages-{name}.txt",
                f"pylock.{dotless}.toml", f"pylock.{dotless}.meta.json",
            )  # fmt: skip
            yield from (Leftover(name, folder / file) for file in files if (folder / file).is_file())
            if not {place.name for place in folder.iterdir()} - set(files):
                yield Leftover(name, folder, only_empty=True)
        for pin in _entries(requirements / "wheels"):
            if pin.suffix == ".json" and pin.stem not in self.wheels and "wheels" not in self.layers:
                yield Leftover(pin.stem, pin)

    def _metadata(self, folder: Path) -> Iterator[tuple[str, Path]]:
        """Name of the layer, and place, of the metadata of layers that are gone."""
        for place in _entries(folder / METADATA_DIR / "env_metadata"):
            name = place.stem
            untagged = next((name.removesuffix(f"-{tag}") for tag in PLATFORMS if name.endswith(f"-{tag}")), name)
            if place.suffix == ".json" and not {name, untagged} & set(self.layers):
                yield untagged, place

    def _archives(self) -> Iterator[Leftover]:
        """Published files; those that a manifest names, or named within the last hour, are somebody's."""
        folder = self.base / self.layout.artifacts
        metadata = folder / METADATA_DIR
        gone = list(self._metadata(folder))
        if not gone:
            return
        current = frozenset[str]().union(*map(named_files, metadata.glob("*.json")))
        recent = earlier_since(metadata / EARLIER, self.now - _READERS)
        read = frozenset[str]().union(*map(named_files, recent))
        others = {*(metadata / "env_metadata").glob("*.json")} - {place for _, place in gone}
        kept = frozenset[str]().union(*map(named_files, others))
        for name, place in gone:
            published = read_earlier(place)
            if published is None:
                continue
            known = published.file_names
            why = "the manifest still names it: publish, and clean again" if current & set(known) else ""
            why = why or ("it was published within the last hour, and may still be read" if read & set(known) else "")
            for file in sorted({*known, *superseded_names(folder, known)} - kept):
                if (folder / file).is_file():
                    yield Leftover(name, folder / file, why)
            yield Leftover(name, place, why)

    def _exports(self) -> Iterator[Leftover]:
        folder = self.base / self.layout.export
        for name, place in self._metadata(folder):
            exported = read_earlier(place)
            if exported is None or not _is_plain(exported.install_target):
                continue
            target, why = folder / exported.install_target, ""
            if target.is_dir() and not is_folder_link(target):
                if changed := changed_since(target, place.stat().st_mtime):
                    why = f"somebody has changed it since it was exported: {changed}"
                yield Leftover(name, target, why)
            yield Leftover(name, place, why)


def changed_since(tree: Path, limit: float) -> str:
    """The first file of a tree that was made or changed after a time, bytecode excepted; empty if there is none.

    A file counts by its times of content and, where it has only one name, of its other properties: those do not
    follow when somebody copies a file over it with its old times.
    """
    for place in sorted(tree.rglob("*")):
        if "__pycache__" in place.parts:
            continue
        info = place.lstat()
        times = [info.st_mtime, *([info.st_ctime] if info.st_nlink == 1 else [])]
        if not place.is_dir() and max(times) > limit:
            return place.relative_to(tree).as_posix()
    return ""


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_log(log: Path, name: str) -> bool:
    return re.fullmatch(r"[a-z]+", log.name.removesuffix(f"-{name}.log")) is not None


def _is_plain(name: str) -> bool:
    """Whether a name leads to an entry of its folder and no other place."""
    return name not in {"", ".", ".."} and not set(name) & set("/\\:")
