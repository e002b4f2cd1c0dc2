"""The metadata that archives and exports of a layer have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from venvstacks.actions.earlier_results import read_back
from venvstacks.actions.layer_request import LayerRequest
from venvstacks.actions.publishing.deployed_names import deployed_name, lock_metadata
from venvstacks.actions.publishing.module_hashes import module_hashes
from venvstacks.digests import sha256_json
from venvstacks.errors import PublishError
from venvstacks.locking.lock_metadata import LockMetadata
from venvstacks.model.stack import Layer
from venvstacks.records.published_metadata import (
    DesktopMetadata,
    LayerMetadata,
    ProductMetadata,
    StaticCheck,
    SupportModule,
)
from venvstacks.records.tree_records import LinkRecord, RuntimeRecord, StaticCheckRecord

_RECORDED = ("venvstacks", "uv")
"""Tools whose versions are published, next to that of the compressor: the Python that runs them changes no byte."""


@dataclass(frozen=True)
class PublishedLayer(LayerRequest):
    """A linked layer that is to be published or exported.

    Attributes:
        tools: Versions of the tools, by name.
        reads_headers: Whether the headers of its compiled files were checked.
    """

    tools: Mapping[str, str]
    reads_headers: bool = False

    @cached_property
    def record(self) -> LinkRecord:
        """The record of the linked layer: its files and modules."""
        return read_back(LinkRecord, self.base / self.layout.record("link", self.layer), PublishError)

    @cached_property
    def lock(self) -> LockMetadata:
        """The metadata of its lock."""
        return lock_metadata(self.layer, self.layout, self.base)

    def metadata(self, compressor: str | None = None, **settings: object) -> LayerMetadata:
        """The layer's metadata without an archive's fields.

        Args:
            compressor: The tool whose version the bytes of an archive depend on.
            settings: Everything else that the bytes of the result depend on; part of the inputs digest.
        """
        layer, record, lock = self.layer, self.record, self.lock
        hashes = module_hashes(layer, record.entries, self.environment_layout.site_dir)
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
            app_launch_module_hash=hashes.get(record.launch_module.name) if record.launch_module else None,
            app_support_modules=tuple(
                SupportModule(name=module.name, hash=hashes[module.name]) for module in record.support_modules
            )
            or None,
            product=self._product(compressor),
        )
        decisive = {name: version for name, version in common.product.tools.items() if name == compressor}
        product = common.product.model_copy(update={"tools": decisive})
        inputs = sha256_json([common.model_copy(update={"product": product}).as_json(), settings])
        product = common.product.model_copy(update={"inputs_digest": inputs})
        return common.model_copy(update={"product": product})

    def _deployed(self, layer: Layer) -> str:
        return deployed_name(layer, self.layout, self.base)

    def _product(self, compressor: str | None) -> ProductMetadata:
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
            tools={name: version for name, version in self.tools.items() if name in {*_RECORDED, compressor}},
            runtime_provider=runtime.provider if runtime else None,
            runtime_build=runtime.build if runtime else None,
            notes=runtime.notes if runtime else (),
            launch_names=self.layer.launch_names or None,
            desktop=self._desktop(),
            static_check=self._static_check() if self.reads_headers else None,
        )

    def _desktop(self) -> DesktopMetadata | None:
        if self.layer.desktop is None:
            return None
        site_dir = self.environment_layout.site_dir
        data = self.layer.desktop.data(site_dir, {entry.path for entry in self.record.entries})
        return DesktopMetadata.model_validate(data)

    def _static_check(self) -> StaticCheck:
        found = read_back(StaticCheckRecord, self.base / self.layout.record("headers", self.layer), PublishError)
        return StaticCheck(**{name: getattr(found, name) for name in StaticCheck.model_fields})
