"""Reads the contents of a project: built environments where there are some, else locks; archives where published."""

from __future__ import annotations

from dataclasses import replace

from venvstacks.actions.publishing.layer_metadata import PublishedLayer
from venvstacks.actions.publishing.package_listing import list_packages, shown_requirement
from venvstacks.actions.publishing.publish import published_members
from venvstacks.deployment.offers import OfferedFile
from venvstacks.errors import UsageError, VenvstacksError
from venvstacks.insight.contents import LayerContents, StackContents
from venvstacks.insight.reading.lock_contents import locked_packages
from venvstacks.loading.project import Project
from venvstacks.locking.pylock import read_lock
from venvstacks.locking.uv_resolution import UnusableLockError
from venvstacks.locking.wheel_choice import WheelTarget
from venvstacks.model.platforms import PLATFORMS, TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.records.file_lists import FileManifest
from venvstacks.records.package_lists import ListedPackage
from venvstacks.records.published_metadata import read_metadata
from venvstacks.records.tree_records import RuntimeRecord


def read_project(project: Project) -> StackContents:
    """The contents of the layers of a project that this machine builds.

    Raises:
        UsageError: Layers cannot be built for this machine's platform, or none of them is for it.
    """
    platform = project.configuration.platform
    if platform is None:
        raise UsageError("layers cannot be built for this machine's platform")
    meant = [layer for layer in project.stack.layers if platform in layer.platforms]
    if not meant:
        others = sorted({target.name for layer in project.stack.layers for target in layer.platforms})
        raise UsageError(
            f"no layer of {project.path.name} is for this machine's platform, {platform.name}",
            hint=f"choose one of theirs with --platform: {', '.join(others)}" if others else "add it to `platforms`",
        )
    return StackContents(project.path.name, "project", tuple(_layer(project, layer, platform) for layer in meant))


def _layer(project: Project, layer: Layer, platform: TargetPlatform) -> LayerContents:
    configuration, layout = project.configuration, project.configuration.layout
    common = LayerContents(
        name=layer.env_name,
        target=layer.env_name,
        kind=layer.kind,
        python=str(layer.python),
        platform=platform.name,
        lower=tuple(below.env_name for below in layer.below),
        declared=tuple(shown_requirement(text) for text in layer.requirements),
    )
    built = PublishedLayer(layer, platform, layout, project.base, configuration.tools)
    if (project.base / layout.record("link", layer)).is_file() and built.environment.is_dir():
        try:
            return _built(common, built, project)
        except VenvstacksError as error:
            return _locked(common, project, layer, error.message)
    return _locked(common, project, layer, "not built, so what the packages need and their sizes are not known")


def _built(common: LayerContents, built: PublishedLayer, project: Project) -> LayerContents:
    listed, record = list_packages(built), built.record
    layout, tag = project.configuration.layout, project.configuration.tag
    published = read_metadata(project.base / layout.published_metadata(layout.artifacts, built.layer, tag))
    archive = None
    if published and published.archive_name and published.product.content_digest == record.content_digest:
        digest = (published.archive_hashes or {}).get("sha256", "")
        archive = OfferedFile(published.archive_name, published.archive_size or 0, digest)
    return replace(
        common,
        packages=listed.packages,
        files=FileManifest.of(published_members(record)).entries(),
        archive=archive,
        locked_at=built.lock.locked_at,
        version=built.lock.lock_version,
        source=_source(built) if built.layer.runtime is None else None,
    )


def _source(built: PublishedLayer) -> tuple[str, str]:
    """The provider of a runtime's Python, and its name for it."""
    record = RuntimeRecord.load(built.base / built.layout.record("runtime", built.layer))
    return record.provider, record.build


def _locked(common: LayerContents, project: Project, layer: Layer, note: str) -> LayerContents:
    """A layer as its lock tells it."""
    target = WheelTarget(PLATFORMS[common.platform], layer.python, layer.glibc, layer.macos)
    place = project.base / project.configuration.layout.lock_file(layer)
    packages: tuple[ListedPackage, ...] = ()
    try:
        packages = locked_packages(read_lock(place.read_text("utf-8"), layer.python).lock, target)
    except (OSError, UnicodeDecodeError):
        note = "not locked"
    except UnusableLockError as error:
        note = f"the lock cannot be used: {error}"
    return replace(common, packages=packages, notes=(note,))
