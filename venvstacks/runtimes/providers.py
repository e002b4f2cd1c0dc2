"""The table of providers, and the order in which they are asked."""

from __future__ import annotations

from venvstacks.errors import RuntimeUnavailableError
from venvstacks.model.platforms import PythonImplementation
from venvstacks.runtimes.archive_provider import ArchiveProvider
from venvstacks.runtimes.host_provider import HostProvider
from venvstacks.runtimes.provider_request import PreparedRuntime, Provider, RuntimeRequest, RuntimeTools, SeriesRequest
from venvstacks.runtimes.standalone_provider import StandaloneProvider

PROVIDERS: dict[str, Provider] = {
    provider.name: provider for provider in (StandaloneProvider(), HostProvider(), ArchiveProvider())
}
"""Every provider by the name that it has in `runtime-providers`."""


def prepare_runtime(names: tuple[str, ...], request: RuntimeRequest, tools: RuntimeTools) -> PreparedRuntime:
    """The Python that is wanted, from the first of the providers `names` that can supply it.

    Raises:
        RuntimeUnavailableError: None can; the details say why, for each provider.
        InterruptedRunError: The run is being stopped.
    """
    said: list[str] = []
    for provider in (PROVIDERS[name] for name in names):
        try:
            return provider.prepare(request, tools)
        except RuntimeUnavailableError as error:
            said += _quote(provider.name, error)
        except OSError as error:
            said += _quote(provider.name, RuntimeUnavailableError(str(error)))
    raise RuntimeUnavailableError(
        f"{request} is not available from {_listed(names)}",
        details=tuple(said),
        hint="name other providers, in the order in which to try them, with --runtime-provider "
        "or runtime-providers in [tool.venvstacks]",
    )


def newest_release(
    names: tuple[str, ...], request: SeriesRequest, tools: RuntimeTools
) -> tuple[PythonImplementation, str] | None:
    """The newest release of a series that the first of the providers `names` which has one offers, and its name."""
    for provider in (PROVIDERS[name] for name in names):
        if found := provider.newest(request, tools):
            return found, provider.name
    return None


def _quote(name: str, error: RuntimeUnavailableError) -> list[str]:
    first, *rest = str(error).splitlines()
    return [f"{name}: {first}", *(f"  {line}" for line in rest)]


def _listed(names: tuple[str, ...]) -> str:
    if not names:
        return "no provider, as none was named"
    return f"provider {names[0]}" if len(names) == 1 else f"any of the providers {', '.join(names)}"
