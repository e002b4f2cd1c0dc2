"""Options of a whole run, which a user gives in addition to the specification."""

from __future__ import annotations

from dataclasses import dataclass

from venvstacks.model.conventions import LinkMode


@dataclass(frozen=True)
class Options:
    """What a caller may set; None means the value in `[tool.venvstacks]`, or else the default.

    Folders may be absolute or relative to the specification's folder; `~` is the home folder.

    Attributes:
        platform: Name of the target platform; None for this machine's.
        build_dir: Folder of environments and task state.
        output_dir: Folder of published archives.
        export_dir: Folder of exported environments.
        tag_outputs: Whether published names carry platform and build number.
        archive_format: `tar.zst`, `tar.xz`, `tar.gz` or `zip`.
        archive_level: Compression level of that format.
        compression: `fast`, `balanced`, `small` (which also chooses the smallest format, unless one is named), or a
            level in digits.
        release: What the publication is called (PEP 440).
        link_mode: How files get into exports: `clone`, `copy` or `hardlink`.
        runtime_providers: Where Pythons come from, in order.
        local_wheels: Folders of wheels that are not on an index.
        use_index: Whether package indexes may be asked.
        check_imports: Whether linked layers are imported.
        emulators: Commands that start programs of other platforms, each after the platform's name and a `=`, with
            quotes as in a shell; they win over those in `[tool.venvstacks]`.
        jobs: Tasks that run at the same time.
        timeout: Seconds that each task may take; None for as long as it takes.
        cache: Folder for downloads and prepared runtimes.
        remote_cache: Folder or URL of results that machines share.
        push: Whether results of this machine are written there.
        on: Address of a Dask scheduler whose workers do tasks.
        newest_pythons: Whether runtimes that name a series (`cpython@3.12`) give up the release that their lock holds.
    """

    platform: str | None = None
    build_dir: str = "_build"
    output_dir: str = "_artifacts"
    export_dir: str = "_export"
    tag_outputs: bool = False
    archive_format: str | None = None
    archive_level: int | None = None
    compression: str | None = None
    release: str | None = None
    link_mode: LinkMode | None = None
    runtime_providers: tuple[str, ...] | None = None
    local_wheels: tuple[str, ...] = ()
    use_index: bool = True
    check_imports: bool | None = None
    emulators: tuple[str, ...] = ()
    jobs: int | None = None
    timeout: float | None = None
    cache: str | None = None
    remote_cache: str | None = None
    push: bool | None = None
    on: str | None = None
    newest_pythons: bool = False
