"""The requests for the tasks that build, link, check and publish: what their actions need to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from venvstacks.graph.taskgraph import TaskNode
from venvstacks.locking.uv_variables import apply_variables

if TYPE_CHECKING:
    from venvstacks.actions.building.build import BuildRequest
    from venvstacks.actions.building.import_check import CheckRequest
    from venvstacks.actions.layer_request import LayerRequest
    from venvstacks.actions.linking.link_request import LinkRequest
    from venvstacks.actions.publishing.export import ExportOptions
    from venvstacks.actions.publishing.layer_metadata import PublishedLayer
    from venvstacks.actions.publishing.publish import ArchiveOptions
    from venvstacks.actions.table import TaskActions


def for_build(actions: TaskActions, node: TaskNode) -> BuildRequest:
    """What a build task asks for."""
    from venvstacks.actions.building.build import BuildRequest  # noqa: PLC0415

    layer = actions.layer(node)
    return BuildRequest(
        layer=layer,
        platform=actions.platform,
        layout=actions.configuration.layout,
        base=actions.base,
        log=actions.log(node.name),
        host=actions.configuration.host,
        uv=apply_variables(actions.stack.uv, actions.variables),
        providers=actions.configuration.runtime_providers,
        archives=actions.runtime_archives(layer.python),
        scripts=actions.configuration.scripts,
        use_index=actions.options.use_index,
    )


def for_link(actions: TaskActions, node: TaskNode) -> LinkRequest:
    """What a link task asks for."""
    from venvstacks.actions.linking.link_request import LinkRequest  # noqa: PLC0415

    return LinkRequest(
        layer=actions.layer(node),
        platform=actions.platform,
        layout=actions.configuration.layout,
        base=actions.base,
        log=actions.log(node.name),
        bytecode=actions.configuration.bytecode,
        emulator=actions.emulator if actions.configuration.bytecode == "shipped" else (),
    )


def for_header_check(actions: TaskActions, node: TaskNode) -> LayerRequest:
    """What reading the headers of compiled files asks for."""
    from venvstacks.actions.layer_request import LayerRequest  # noqa: PLC0415

    return LayerRequest(actions.layer(node), actions.platform, actions.configuration.layout, actions.base)


def for_import_check(actions: TaskActions, node: TaskNode) -> CheckRequest:
    """What importing a layer's packages asks for.

    Raises:
        BuildError: The emulator that it needs is not on this machine.
    """
    from venvstacks.actions.building.import_check import CheckRequest  # noqa: PLC0415

    layout = actions.configuration.layout
    return CheckRequest(
        actions.layer(node), actions.platform, layout, actions.base, actions.log(node.name), emulator=actions.emulator
    )


def archive_options(actions: TaskActions) -> ArchiveOptions:
    """How archives are written."""
    from venvstacks.actions.publishing.publish import ArchiveOptions  # noqa: PLC0415

    configuration = actions.configuration
    return ArchiveOptions(
        configuration.archive_format,
        configuration.archive_level,
        configuration.tag_outputs,
        actions.options.force_archives,
        configuration.epoch,
        configuration.kept_format,
        actions.options.older,
    )


def export_options(actions: TaskActions) -> ExportOptions:
    """How exports are written."""
    from venvstacks.actions.publishing.export import ExportOptions  # noqa: PLC0415

    return ExportOptions(actions.configuration.link_mode, actions.configuration.bytecode)


def published_layer(actions: TaskActions, node: TaskNode) -> PublishedLayer:
    """The layer of an archive or export task, as publishing sees it."""
    from venvstacks.actions.publishing.layer_metadata import PublishedLayer  # noqa: PLC0415

    configuration = actions.configuration
    return PublishedLayer(
        actions.layer(node),
        actions.platform,
        configuration.layout,
        actions.base,
        configuration.tools,
        reads_headers=configuration.reads_headers,
    )
