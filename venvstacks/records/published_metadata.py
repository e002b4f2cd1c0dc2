"""Published metadata of one layer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from venvstacks.digests import sha256_bytes
from venvstacks.model.conventions import LayerKind

Size = Annotated[int, Field(ge=0, lt=1 << 63)]
"""A number of bytes or files, as file systems count them."""


class PublishedModel(BaseModel):
    """Base of published metadata. Unknown keys are ignored: later versions may write them."""

    model_config = ConfigDict(defer_build=True, extra="ignore", frozen=True, populate_by_name=True)


class SupportModule(PublishedModel):
    """A support module that an application carries."""

    name: str
    hash: str


class FileReference(PublishedModel):
    """A published file next to the archives.

    Attributes:
        name: Its name.
        size: Bytes.
        sha256: Hex digest.
    """

    name: str
    size: Size
    sha256: str

    @classmethod
    def of(cls, name: str, content: bytes) -> Self:
        """The reference to a file of this name and content."""
        return cls(name=name, size=len(content), sha256=sha256_bytes(content))


class DeltaReference(FileReference):
    """A published delta: what an installed version of a layer lacks to become another version.

    A version of a layer is named by the SHA-256 of its list of files (`file_manifest`).

    Attributes:
        from_files: The version that the delta is applied to.
        to_files: The version that results: this one, or an earlier one that a further delta leads on from.
    """

    from_files: str
    to_files: str


class Description(FileReference):
    """A published file that describes a layer: a bill of materials, or provenance.

    Attributes:
        about: Digest of what it describes: the layer and all layers below it, as they were published.
    """

    about: str


class StaticCheck(PublishedModel):
    """What the headers of a layer's compiled files say.

    Attributes:
        compiled_files: How many compiled files for the platform there are.
        newest_system: The newest system that one of them needs, such as `glibc 2.17`; empty where none says.
        system_libraries: Libraries of the operating system that they need.
        missing_libraries: Libraries that they need and nobody brings.
        mach_files: Paths of all Mach-O files, which are what is signed on macOS; layers for macOS only.
    """

    compiled_files: Size
    newest_system: str
    system_libraries: tuple[str, ...]
    missing_libraries: tuple[str, ...]
    mach_files: tuple[str, ...] | None = None


class DesktopMetadata(PublishedModel):
    """How desktops, menus and installers show an application.

    Attributes:
        name: In menus.
        comment: One line about it.
        icon: Path of an image file in the layer.
        categories: Of the Desktop Menu Specification.
        terminal: Whether it is started in a terminal.
    """

    name: str
    comment: str | None = None
    icon: str | None = None
    categories: tuple[str, ...] | None = None
    terminal: bool = False


class ProductMetadata(PublishedModel):
    """What this program adds to the metadata of a layer.

    Attributes:
        kind: Runtime, framework or application.
        content_digest: Digest of the tree: names, executable bits, contents, link targets.
        inputs_digest: Digest of everything that the archive or export was made from; the same digest means the same
            bytes, so nothing is written again.
        file_count: Files and links.
        uncompressed_size: Sum of file sizes in bytes.
        tools: Versions of the tools that shape the result, and of this program; nothing that differs between machines
            which publish the same bytes.
        runtime_provider: The provider that supplied the Python (runtimes only).
        runtime_build: The provider's name for it (runtimes only).
        notes: Remarks for users (runtimes only).
        file_manifest: The list of all files in the archive (archives only).
        deltas: Ways to this version from earlier ones (archives only).
        package_list: The list of the packages in the archive (archives only; missing in publications of earlier
            versions).
        bill: The bill of materials of the archive; of an application also of all layers below it.
        provenance: The statement from what and how the archive was made.
        launch_names: Modules that start an application under further names, by name (applications only).
        desktop: How desktops show an application (applications only).
        kept_format: True where the archive format is that of the original's publications in the same folder.
        static_check: The result of the check of headers, where there was one.
    """

    kind: LayerKind
    content_digest: str
    inputs_digest: str
    file_count: Size
    uncompressed_size: Size
    tools: dict[str, str]
    runtime_provider: str | None = None
    runtime_build: str | None = None
    notes: tuple[str, ...] = ()
    file_manifest: FileReference | None = None
    deltas: tuple[DeltaReference, ...] | None = None
    package_list: FileReference | None = None
    bill: Description | None = None
    provenance: Description | None = None
    launch_names: dict[str, str] | None = None
    desktop: DesktopMetadata | None = None
    kept_format: bool | None = None
    static_check: StaticCheck | None = None

    @property
    def files(self) -> tuple[FileReference, ...]:
        """The published files next to the archive."""
        values = (getattr(self, name) for name in type(self).model_fields)
        listed = (one for value in values for one in (value if isinstance(value, tuple) else (value,)))
        return tuple(one for one in listed if isinstance(one, FileReference))


class LayerMetadata(PublishedModel):
    """Metadata of one exported layer, or of one published layer where the fields of the archive are set."""

    layer_name: str
    install_target: str
    requirements_hash: str
    lock_version: int
    locked_at: str
    python_implementation: str
    bound_to_implementation: bool
    runtime_layer: str | None = None
    required_layers: tuple[str, ...] | None = None
    app_launch_module: str | None = None
    app_launch_module_hash: str | None = None
    app_support_modules: tuple[SupportModule, ...] | None = None
    archive_name: str | None = None
    archive_build: int | None = None
    archive_size: Size | None = None
    archive_hashes: dict[str, str] | None = None
    target_platform: str | None = None
    product: ProductMetadata = Field(alias="venvstacks")

    @property
    def published_files(self) -> tuple[FileReference, ...]:
        """The files that are published with the layer: its archive, its lists, its deltas."""
        digest = (self.archive_hashes or {}).get("sha256")
        found = []
        if self.archive_name is not None and self.archive_size is not None and digest:
            found.append(FileReference(name=self.archive_name, size=self.archive_size, sha256=digest))
        return (*found, *self.product.files)

    @property
    def below(self) -> tuple[str, ...]:
        """Deployed names of all layers below, in import order, the runtime last."""
        runtime = (self.runtime_layer,) if self.runtime_layer and self.runtime_layer != self.install_target else ()
        return (*(self.required_layers or ()), *runtime)

    def as_json(self) -> dict[str, Any]:
        """The entry as JSON data; keys without a value are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def read_metadata(path: Path) -> LayerMetadata | None:
    """The metadata at `path`; None if it is missing or not valid."""
    try:
        return LayerMetadata.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
