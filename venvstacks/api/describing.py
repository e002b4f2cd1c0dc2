"""Descriptions of published archives: bills of materials and provenance, next to them and named in the manifest.

They are written when a run has published, as an application's bill also holds the layers below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.actions.publishing.archive_names import BILL_SUFFIX, PROVENANCE_SUFFIX, name_by_content
from venvstacks.actions.publishing.manifests import publish_manifest
from venvstacks.actions.publishing.provenance import UNNAMED_BUILDER, provenance_of
from venvstacks.actions.run_options import RunOptions
from venvstacks.archives.write_failures import not_written
from venvstacks.deployment.steps.publication_source import FolderSource
from venvstacks.digests import sha256_bytes
from venvstacks.engine.build_lock import folder_lock
from venvstacks.errors import UsageError
from venvstacks.graph.compiler import ARCHIVE_MANIFEST
from venvstacks.loading.project import Project
from venvstacks.planning.requests import task_actions
from venvstacks.records.published_json import metadata_text
from venvstacks.records.published_metadata import Description, LayerMetadata, read_metadata
from venvstacks.records.stack_manifest import described_digest
from venvstacks.tools.files import write_atomically, write_if_changed

if TYPE_CHECKING:
    from venvstacks.insight.contents import StackContents


@dataclass(frozen=True)
class Descriptions:
    """Which descriptions a publication gets.

    Attributes:
        bills: Whether a bill of materials is written for each layer.
        provenance: Whether a statement of provenance is.
        builder: URI of who builds, for the statements.
    """

    bills: bool = False
    provenance: bool = False
    builder: str = UNNAMED_BUILDER


@dataclass(frozen=True)
class Described:
    """What was described.

    Attributes:
        bills: How many layers have a bill.
        statements: How many have a statement of provenance.
        notes: Which layers have none, and why.
    """

    bills: int = 0
    statements: int = 0
    notes: tuple[str, ...] = ()


def require_bills() -> None:
    """Check that bills of materials can be written.

    Raises:
        UsageError: The library is not installed.
    """
    try:
        import cyclonedx  # noqa: F401, PLC0415 - an extra
        import packageurl  # noqa: F401, PLC0415
    except ImportError as error:
        raise UsageError(
            f"bills of materials need a library that is not installed: {error.name}",
            hint="pip install 'venvstacks[sbom]'",
        ) from error


def describe_publication(
    project: Project, wanted: Descriptions, on_wait: Callable[[], None] = lambda: None
) -> Described:
    """Describe everything that a project has published for its platform.

    Args:
        project: The project.
        wanted: Which descriptions.
        on_wait: Called if another run uses the build folder and is waited for.

    Raises:
        UsageError: The library for bills is not installed.
        PublishError: The lists next to the archives are missing or damaged, or a file cannot be written.
    """
    if wanted.bills:
        require_bills()
    lock = folder_lock(project, on_wait)
    lock.acquire()
    try:
        return _Publication(project, wanted).describe()
    finally:
        lock.release()


@dataclass(frozen=True)
class _Publication:
    """The publication of a project, which is being described."""

    project: Project
    wanted: Descriptions

    @property
    def folder(self) -> Path:
        return self.project.base / self.project.configuration.layout.artifacts

    def describe(self) -> Described:
        node = self.project.graph.by_name.get(ARCHIVE_MANIFEST)
        places = [self.project.base / path for path in node.gathers] if node else []
        entries = {place: entry for place in places if (entry := read_metadata(place)) is not None}
        if not entries or node is None:
            return Described()
        by_target = {entry.install_target: entry for entry in entries.values()}
        bills = self._bills() if self.wanted.bills else {}
        statements, notes = self._statements(entries.values()) if self.wanted.provenance else ({}, ())
        with not_written(self.folder):
            for place, entry in entries.items():
                about = described_digest(entry, by_target)
                update = {
                    **self._written(entry, about, "bill", BILL_SUFFIX, bills.get(entry.install_target)),
                    **self._written(
                        entry, about, "provenance", PROVENANCE_SUFFIX, statements.get(entry.install_target)
                    ),
                }
                product = entry.product.model_copy(update=update)
                write_if_changed(place, metadata_text(entry.model_copy(update={"product": product}).as_json()))
        configuration = self.project.configuration
        now = task_actions(self.project, RunOptions()).tools.now()
        tagged, release = configuration.tag is not None, configuration.release
        publish_manifest(tuple(places), self.project.base / node.outputs[0], now, tagged=tagged, release=release)
        return Described(len(bills), len(statements), notes)

    def _written(self, entry: LayerMetadata, about: str, name: str, suffix: str, text: str | None) -> dict[str, object]:
        """Write one description, and return the field of the metadata that names it; nothing for none."""
        if text is None:
            return {}
        content = text.encode()
        file = name_by_content(entry.install_target, self.project.configuration.tag, content, suffix)
        write_atomically(self.folder / file, content)
        return {name: Description(name=file, size=len(content), sha256=sha256_bytes(content), about=about)}

    def _bills(self) -> Mapping[str, str]:
        """Bills of materials by deployed name: of applications with everything below them, of other layers alone."""
        from venvstacks.insight.bill_of_materials import BillOfMaterials  # noqa: PLC0415 - with an extra
        from venvstacks.insight.reading.publication_contents import read_publication  # noqa: PLC0415

        platform = self.project.configuration.platform
        assert platform is not None  # noqa: S101 - something is published
        stack: StackContents = read_publication(FolderSource(self.folder), platform)
        return {
            layer.target: BillOfMaterials(
                stack, layer.name, stack.view(layer) if layer.kind == "application" else (layer,)
            ).text()
            for layer in stack.layers
        }

    def _statements(self, entries: Iterable[LayerMetadata]) -> tuple[Mapping[str, str], tuple[str, ...]]:
        """Statements by deployed name, and remarks about layers that were published from something else."""
        found: dict[str, str] = {}
        notes = []
        for entry in entries:
            project = self.project
            made = provenance_of(project.stack, project.configuration, project.base, entry, self.wanted.builder)
            if made.fits:
                found[entry.install_target] = metadata_text(made.statement())
            else:
                notes.append(
                    f"{entry.layer_name} was not published from what is built now: it gets no provenance until it is "
                    "published again"
                )
        return found, tuple(notes)
