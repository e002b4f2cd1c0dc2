"""The check that a layer can be deployed, by the rules of deploying; a failure names the packages at fault."""

from __future__ import annotations

from venvstacks.actions.building.wheel_records import owners
from venvstacks.actions.publishing.layer_metadata import PublishedLayer
from venvstacks.archives.expected import UnsoundTreeError, expect
from venvstacks.errors import PublishError
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.records.file_lists import FileManifest
from venvstacks.records.published_metadata import LayerMetadata


def check_deployable(published: PublishedLayer, metadata: LayerMetadata, listed: FileManifest) -> None:
    """Check that deploying will accept a layer's archive, before it is written.

    Raises:
        PublishError: It will not; the error names the packages of the files.
    """
    lower = frozenset({*(metadata.required_layers or ()), metadata.runtime_layer or ""} - {metadata.install_target})
    try:
        expect(listed.entries(), listed.install_target, siblings=lower, platform=published.platform)
    except UnsoundTreeError as error:
        site_dir = EnvironmentLayout.of(published.layer, published.platform).site_dir
        known = owners(published.environment, site_dir, error.paths)
        hint = "leave that package out with `exclude`, or lock another version of it"
        raise PublishError(
            f"layer '{published.layer.name}' cannot be published: {error}, and deploying refuses that",
            details=tuple(f"{path} is part of {known[path]}" for path in error.paths if path in known),
            hint=hint if known else "rename it where the layer takes it from",
        ) from error
