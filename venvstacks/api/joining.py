"""One publication made of several: what the jobs of a CI matrix have published, each for its platforms."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from venvstacks.archives.write_failures import not_written
from venvstacks.digests import sha256_bytes, sha256_file
from venvstacks.errors import PublishError, UsageError
from venvstacks.model.conventions import METADATA_DIR
from venvstacks.records.published_metadata import FileReference, LayerMetadata
from venvstacks.records.stack_manifest import StackManifest
from venvstacks.tools.files import replacing, write_atomically

_AGAIN = "publish all parts from the same commit, with the same locks, each for other platforms, and with --tag-outputs"


@dataclass(frozen=True)
class Joined:
    """A joined publication.

    Attributes:
        platforms: Names of the platforms that it is for, sorted.
        manifests: Names of its manifests, sorted.
        files: How many archives, lists and deltas it has.
        copied: Bytes that were not there before.
    """

    platforms: tuple[str, ...]
    manifests: tuple[str, ...]
    files: int
    copied: int


def join(out: Path | str, parts: Sequence[Path | str]) -> Joined:
    """Make one publication of several that were published from the same locks.

    Nothing is written unless everything fits together. Files come first and manifests last, so that readers of a served
    folder never see a manifest without its files. Signatures of the parts are left behind: sign the result.

    Args:
        out: The folder of the joined publication; what it has already stays.
        parts: The folders of the publications.

    Raises:
        UsageError: A part is no publication, or has lost files.
        PublishError: The parts do not fit together, or the folder cannot be written.
    """
    plan = _Plan(Path(out))
    for part in map(Path, parts):
        plan.add(part)
    plan.check_locks()
    with not_written(plan.out):
        return plan.carry_out()


@dataclass
class _Plan:
    """What is to be copied, and from where.

    Attributes:
        out: The folder of the joined publication.
        files: What manifests name, by name, with the part that has it.
        metadata: Path below the folder to content.
        manifests: The same for manifests, which are written last.
        entries: The layers, with the parts that they are from.
        releases: Releases of the manifests, with a part for each.
    """

    out: Path
    files: dict[str, tuple[FileReference, Path]] = field(default_factory=dict)
    metadata: dict[str, tuple[bytes, Path]] = field(default_factory=dict)
    manifests: dict[str, tuple[bytes, Path]] = field(default_factory=dict)
    entries: list[tuple[LayerMetadata, Path]] = field(default_factory=list)
    releases: dict[str | None, Path] = field(default_factory=dict)

    def add(self, part: Path) -> None:
        """Read a part, and compare it with those before."""
        folder = part / METADATA_DIR
        places = sorted(folder.glob("venvstacks*.json"))
        if not places:
            raise UsageError(
                f"{part} holds no publication", hint="name the folders that `venvstacks publish` has written"
            )
        for place in places:
            try:
                content = place.read_bytes()
                manifest = StackManifest.parse(content)
            except (OSError, ValueError) as error:
                raise UsageError(f"{place} is not a manifest: {error}", hint="publish that part again") from error
            _add(self.manifests, f"{METADATA_DIR}/{place.name}", content, part)
            self.releases.setdefault(manifest.product.release, part)
            self.entries += [(entry, part) for entry in manifest.entries]
            for file in (file for entry in manifest.entries for file in entry.published_files):
                self._add_file(file, part)
        for place in sorted((folder / "env_metadata").glob("*.json")):
            _add(self.metadata, f"{METADATA_DIR}/env_metadata/{place.name}", place.read_bytes(), part)

    def _add_file(self, file: FileReference, part: Path) -> None:
        known, before = self.files.setdefault(file.name, (file, part))
        if known.sha256 != file.sha256:
            raise _conflict(file.name, before, part)
        for place in (part / file.name, self.out / file.name):
            if place.exists() and (place.stat().st_size != file.size or sha256_file(place) != file.sha256):
                raise PublishError(f"{place} is not the file that the manifest of {part} names", hint=_AGAIN)
        if not (part / file.name).is_file() and not (self.out / file.name).is_file():
            raise UsageError(
                f"{part} lacks {file.name}, which its manifest names",
                hint="archives that were moved have to be there again; `publish --force` makes them",
            )

    def check_locks(self) -> None:
        """Refuse parts that were published from different locks, or under different names."""
        first: dict[str, tuple[LayerMetadata, Path]] = {}
        for entry, part in self.entries:
            known, before = first.setdefault(entry.layer_name, (entry, part))
            if (known.requirements_hash, known.lock_version) != (entry.requirements_hash, entry.lock_version):
                raise PublishError(
                    f"{before} and {part} hold different locks of layer '{entry.layer_name}'", hint=_AGAIN
                )
        if len(self.releases) > 1:
            named = "; ".join(f"{part}: {release or 'none'}" for release, part in self.releases.items())
            raise PublishError("the parts are different releases", details=(named,), hint=_AGAIN)

    def carry_out(self) -> Joined:
        """Write the joined publication."""
        copied = sum(self._copy(file, part) for file, part in self.files.values())
        for path, (content, _) in (*self.metadata.items(), *self.manifests.items()):
            write_atomically(self.out / path, content)
        platforms = {entry.target_platform for entry, _ in self.entries if entry.target_platform}
        names = tuple(path.rpartition("/")[2] for path in sorted(self.manifests))
        return Joined(tuple(sorted(platforms)), names, len(self.files), copied)

    def _copy(self, file: FileReference, part: Path) -> int:
        target = self.out / file.name
        if target.exists():  # compared already
            return 0
        with replacing(target) as temporary:
            shutil.copyfile(part / file.name, temporary)
        return file.size


def _add(known: dict[str, tuple[bytes, Path]], path: str, content: bytes, part: Path) -> None:
    present, before = known.setdefault(path, (content, part))
    if sha256_bytes(present) != sha256_bytes(content):
        raise _conflict(path, before, part)


def _conflict(path: str, one: Path, other: Path) -> PublishError:
    return PublishError(f"{one} and {other} have different files {path}", hint=_AGAIN)


def joined_lines(joined: Joined) -> Iterator[str]:
    """What happened, for people."""
    yield f"joined: {', '.join(joined.manifests)}, {joined.files} files, {joined.copied / 1e6:.1f} MB copied"
    if joined.platforms:
        yield f"platforms: {', '.join(joined.platforms)}"
