"""The metadata that archives and exports of a layer have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from venvstacks.actions.earlier_results import read_back
from venvstacks.actions.publishing.deployed_names import deployed_name, lock_metadata
from venvstacks.digests import sha256_json
from venvstacks.errors import PublishError
from venvstacks.locking.lock_metadata import LockMetadata
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.records.published_metadata import LayerMetadata, ProductMetadata, SupportModule
from venvstacks.records.tree_records import LinkRecord, RuntimeRecord


@dataclass(frozen=True)
class PublishedLayer:
    """A linked layer on its way out.

    Attributes:
        layer: The layer.
        platform: The platform that it was built for.
        layout: Where everything is, relative to `base`.
        base: The specification's folder.
        tools: Versions of the tools that shape the result.
    """

    layer: Layer
    platform: TargetPlatform
    layout: StackLayout
    base: Path
    tools: Mapping[str, str]

    @cached_property
    def record(self) -> LinkRecord:
        """What the layer holds."""
        return read_back(LinkRecord, self.base / self.layout.record("link", self.layer), PublishError)

    @cached_property
    def lock(self) -> LockMetadata:
        """What its lock says about itself."""
        return lock_metadata(self.layer, self.layout, self.base)

    @property
    def environment(self) -> Path:
        """The built environment's folder."""
        return self.base / self.layout.environment(self.layer)

    def metadata(self, **settings: object) -> LayerMetadata:
        """The layer's metadata without an archive's fields.

        Args:
            settings: Whatever else decides about the bytes of the result; goes into the inputs digest.
        """
        layer, record, lock = self.layer, self.record, self.lock
        common = LayerMetadata(
            layer_name=layer.env_name,
            install_target=record.deployed_name,
            requirements_hash=lock.requirements_hash,
            lock_version=lock.lock_version,
            locked_at=lock.locked_at,
            python_implementation=str(layer.python),
            bound_to_implementation=layer.runtime is None or self.platform.is_windows,
            runtime_layer=self._deployed(layer.runtime or layer),
            required_layers=tuple(self._deployed(lower) for lower in layer.frameworks) if layer.runtime else None,
            app_launch_module=record.launch_module.name if record.launch_module else None,
            app_launch_module_hash=record.launch_module.hash if record.launch_module else None,
            app_support_modules=tuple(SupportModule(name=m.name, hash=m.hash) for m in record.support_modules) or None,
            product=self._product(),
        )
        inputs = sha256_json([common.as_json(), settings])
        product = common.product.model_copy(update={"inputs_digest": inputs})
        return common.model_copy(update={"product": product})

    def _deployed(self, layer: Layer) -> str:
        return deployed_name(layer, self.layout, self.base)

    def _product(self) -> ProductMetadata:
        record = self.record
        runtime = None
        if self.layer.runtime is None:
            runtime = read_back(RuntimeRecord, self.base / self.layout.record("runtime", self.layer), PublishError)
        return ProductMetadata(
            kind=self.layer.kind,
            content_digest=record.content_digest,
            inputs_digest="",
            file_count=len(record.entries),
            uncompressed_size=sum(entry.size for entry in record.entries),
            tools=dict(self.tools),
            runtime_provider=runtime.provider if runtime else None,
            runtime_build=runtime.build if runtime else None,
            notes=runtime.notes if runtime else (),
        )
