"""What a runtime's Python is made from, known without having it: the part of a key that a specification leaves open."""

from __future__ import annotations

from collections.abc import Mapping

from venvstacks.errors import RuntimeUnavailableError
from venvstacks.graph.configuration import Configuration
from venvstacks.model.stack import Layer, Stack
from venvstacks.runtimes.provider_request import RuntimeRequest


def runtime_source(layer: Layer, stack: Stack, configuration: Configuration) -> Mapping[str, str] | None:
    """The provider that serves a runtime, and the digest of the file that it serves; None if that cannot be said.

    It is the first provider that offers the Python at all. A result that came from a later one, since that file could
    not be had, is not shared (`SharedResults.give` compares). A Python that is installed on a machine is described by
    no file, so that runtimes of the provider `host` are not shared; what is built on them is, by their content.
    """
    platform = configuration.platform
    if platform is None:
        return None
    for provider in configuration.runtime_providers:
        if provider == "archive":
            archive = stack.settings.runtime_archives.get(str(layer.python), {}).get(platform.name)
            if archive is not None:
                return {"provider": provider, "sha256": archive.sha256}
        elif provider == "standalone":
            from venvstacks.runtimes.standalone_provider import find_build  # noqa: PLC0415 - reads a long list

            try:
                return {"provider": provider, "sha256": find_build(RuntimeRequest(layer.python, platform), "").sha256}
            except RuntimeUnavailableError:
                continue
        else:
            return None
    return None
