"""The stack specification as pydantic models: the shape of `venvstacks.toml`, field by field.

These models check what one table shows. Rules for several tables, or for files on disk, are in
`validation`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from venvstacks.model.conventions import Bytecode, LayerKind, LinkMode
from venvstacks.model.desktop_table import DesktopTable
from venvstacks.model.file_references import ConstraintsFrom, RequirementsFrom
from venvstacks.model.specification_values import (
    Effort,
    Implementation,
    ImplementationOrSeries,
    LaunchTargets,
    LayerName,
    LinuxTarget,
    MacosTarget,
    ModulePath,
    PackageName,
    PackageTable,
    PlaceOrUrl,
    PlatformName,
    RemoteUrl,
    RequirementText,
    not_empty,
)
from venvstacks.model.tables import Listing, RefusedValueError, Table, distinct


class LayerSpec(Table):
    """The keys of every layer."""

    name: LayerName = Field(description="Layer name; others refer to it by this name")
    requirements: Listing[RequirementText] = Field(
        description="PEP 508 requirements to install, and everything that they need"
    )
    requirements_from: Listing[RequirementsFrom] = Field(
        (), alias="requirements-from", description="Files that hold further requirements"
    )
    constraints_from: Listing[ConstraintsFrom] = Field(
        (), alias="constraints-from", description="Files whose versions limit what is chosen"
    )
    exclude: Annotated[Listing[PackageName], AfterValidator(distinct)] = Field(
        (), description="Distributions to resolve but not to install, with all that only they need"
    )
    overrides: Listing[RequirementText] = Field(
        (), description="Requirements that replace those of all metadata about their packages; inherited"
    )
    platforms: Listing[PlatformName] | None = Field(
        None, description="Target platforms; default all that the layers below have; [] disables the layer"
    )
    versioned: bool = Field(default=False, description="Whether the deployed name carries the lock version")
    linux_target: LinuxTarget | None = Field(
        None,
        description="Oldest glibc that this layer's wheels may need: 'glibc' or 'glibc@X.Y'; default 2.28, or a newer "
        "one below",
    )
    macosx_target: MacosTarget | None = Field(
        None,
        description="Oldest macOS that this layer's wheels may need: 'X' or 'X.Y'; default 13.0, or a newer one below",
    )
    dynlib_exclude: Listing[str] = Field((), description="Globs of shared libraries that are not linked")
    dynlib_path: bool = Field(
        default=False,
        description="Whether the layer's Python finds all shared libraries of the layers below by name, as "
        "ctypes.CDLL('libx.so') needs it",
    )
    package_indexes: PackageTable = Field(
        default_factory=dict, description="Distribution name to the named uv index that it is taken from"
    )
    index_overrides: dict[str, str] = Field(
        default_factory=dict, description="Index name to index name: accepts a conflict of inherited package indexes"
    )
    priority_indexes: Listing[str] = Field((), description="Named uv indexes that this layer asks first")

    @model_validator(mode="before")
    @classmethod
    def _other_requirements(cls, table: Any) -> Any:  # noqa: ANN401 - not validated yet
        if isinstance(table, dict) and "requirements-from" in table:
            return {"requirements": [], **table}
        return table


class RuntimeSpec(LayerSpec):
    """`[[runtimes]]`: a Python, and packages that everything above may use."""

    python_implementation: ImplementationOrSeries = Field(
        description="The exact Python, 'cpython@X.Y.Z' or 'pypy@X.Y.Z'; or 'cpython@X.Y', the newest release when the "
        "layer is locked"
    )


class _LayeredSpec(LayerSpec):
    runtime: str | None = Field(None, description="The runtime below; or else 'frameworks'")
    frameworks: Annotated[Listing[str] | None, AfterValidator(distinct)] = Field(
        None, description="The frameworks below, in import order"
    )

    @model_validator(mode="after")
    def _one_base(self) -> _LayeredSpec:
        if (self.runtime is None) == (self.frameworks is None):
            raise RefusedValueError(
                "exactly one of 'runtime' and 'frameworks' must be given",
                "a layer needs a runtime, or frameworks, whose runtime it uses",
            )
        if self.frameworks is not None and not self.frameworks:
            raise RefusedValueError("'frameworks' is empty", "name at least one, or use 'runtime'")
        return self


class FrameworkSpec(_LayeredSpec):
    """`[[frameworks]]`: packages that several applications share."""


class ApplicationSpec(_LayeredSpec):
    """`[[applications]]`: a module to launch, with its own packages."""

    launch_module: ModulePath | None = Field(
        None, description="Module file or package folder, or module of a package (`desk.cli`); `python -m` starts it"
    )
    launch: LaunchTargets = Field(
        None,
        description="In place of launch_module: module or entry point of a package (`desk.cli`, `desk:main`), or a "
        "table of several, by the names that start them",
    )
    support_modules: Listing[ModulePath] = Field(
        (), description="Further modules, packages and files, placed next to it"
    )
    desktop: DesktopTable | None = Field(None, description="How desktops show it: name, icon and more")

    @model_validator(mode="after")
    def _one_launch(self) -> ApplicationSpec:
        if (self.launch_module is None) == (self.launch is None):
            raise RefusedValueError(
                "exactly one of 'launch_module' and 'launch' must be given",
                "a module file or package folder, or else a module or entry point of an installed package",
            )
        return self


class RuntimeArchive(Table):
    """One Python build for one platform, as provider `archive` takes it."""

    url: PlaceOrUrl = Field(description="URL, or path relative to the specification")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the file, 64 hex digits")


class RemoteCacheTable(Table):
    """`[tool.venvstacks.remote-cache]`: where machines share results."""

    url: RemoteUrl = Field(description="Folder, or URL that begins with file, http, https, s3, gs or az", min_length=1)
    push: bool = Field(default=False, description="Whether results of this machine are written to it")


ProviderName = Literal["standalone", "host", "archive"]
"""The names of the providers of Pythons."""


class ToolSettings(Table):
    """`[tool.venvstacks]`: how this stack is built. Every key is optional."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"), serialize_by_alias=True)

    runtime_providers: Annotated[Listing[ProviderName], AfterValidator(not_empty)] = Field(
        ("standalone",), description="Where Pythons come from, tried in this order", json_schema_extra={"minItems": 1}
    )
    runtime_archives: dict[Implementation, dict[PlatformName, RuntimeArchive]] = Field(
        default_factory=dict, description="For provider 'archive': python_implementation to platform to url and sha256"
    )
    emulators: dict[PlatformName, Annotated[Listing[str], AfterValidator(not_empty)]] = Field(
        default_factory=dict,
        description="Target platform to the command that runs its programs on another machine, such as "
        '`["qemu-aarch64", "-L", "/sysroot"]`',
    )
    archive_format: Literal["tar.zst", "tar.xz", "tar.gz", "zip"] | None = Field(
        None, description="Format of published archives; default tar.zst, and tar.xz where compression is small"
    )
    compression: Effort = Field(
        None, description="How hard to compress: by name, or a level of the format; default balanced"
    )
    archive_level: int | None = Field(None, description="Compression level; default as fits the format")
    release: str | None = Field(
        None, description="Version of what is published (PEP 440); default from the time of the newest lock"
    )
    sbom: bool = Field(
        default=False,
        description="Write a bill of materials (CycloneDX) for each layer that is published (needs `venvstacks[sbom]`)",
    )
    provenance: bool = Field(
        default=False, description="Write for each published archive what it was made from (in-toto, SLSA 1.0)"
    )
    builder: str | None = Field(
        None, min_length=1, description="Who builds, for provenance: a URI, such as that of a CI workflow"
    )
    link_mode: LinkMode = Field(
        "clone",
        description="How files get into local exports: cloned or else copied, always copied, or hard-linked, "
        "so that editing one edits uv's cache too",
    )
    scripts: bool = Field(default=True, description="Whether console and GUI scripts of packages come along")
    bytecode: Bytecode = Field(
        "on-deploy",
        description="Bytecode is compiled when layers are deployed, shipped with them, or left to the first import",
    )
    jobs: int | None = Field(None, ge=1, description="Tasks that run at the same time; default the number of cores")
    cache: str | None = Field(None, description="Folder for downloads and prepared runtimes")
    remote_cache: RemoteCacheTable | None = Field(None, description="Where machines share results: url and push")
    align_versions: bool = Field(default=False, description="Seek one version of each package for all platforms")
    check_imports: bool = Field(default=True, description="Import what a layer declares once it is linked")
    check_headers: bool = Field(
        default=False,
        description="Check compiled files by their headers too, as is done for other platforms where nothing can be "
        "imported (needs `venvstacks[platforms]`)",
    )


SPECS: dict[str, tuple[LayerKind, type[LayerSpec]]] = {
    "runtimes": ("runtime", RuntimeSpec),
    "frameworks": ("framework", FrameworkSpec),
    "applications": ("application", ApplicationSpec),
}
"""The three arrays of tables, in the order in which layers are listed."""

UvTable = dict[str, Any]
"""`[tool.uv]` as it was written; uv itself checks it."""
