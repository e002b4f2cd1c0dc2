"""Provider `host`: a CPython that is installed on this machine, copied and made relocatable (Linux)."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path

from venvstacks.errors import RuntimeUnavailableError
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import PythonImplementation
from venvstacks.model.runtime_needs import needs_glibc, needs_libraries
from venvstacks.runtimes.installed_pythons import Installation, Search, search, search_series
from venvstacks.runtimes.prepared_store import Made, Origin, obtain
from venvstacks.runtimes.provider_request import PreparedRuntime, RuntimeRequest, RuntimeTools, SeriesRequest
from venvstacks.runtimes.relocate import copy_installation, neutralise, old_places
from venvstacks.runtimes.run_paths import set_run_paths, system_needs
from venvstacks.runtimes.runtime_contents import tidy
from venvstacks.runtimes.self_check import check_runtime, read_facts


class HostProvider:
    """For machines without access to portable builds. The result needs this machine's system libraries."""

    name = "host"

    def prepare(self, request: RuntimeRequest, tools: RuntimeTools) -> PreparedRuntime:
        """Copy the first installation of exactly the wanted version that can be relocated; see `Provider.prepare`."""
        if request.host not in {None, request.platform}:
            raise RuntimeUnavailableError(
                f"it copies a Python of this machine, which serves this machine's platform alone, so not {request}",
                hint="use the provider 'standalone' or 'archive' for other platforms",
            )
        if request.python.name != "cpython" or request.platform.system != "linux":
            raise RuntimeUnavailableError(
                f"an installed Python can only be relocated if it is a CPython on Linux, not {request}",
                hint="use the provider 'standalone' or 'archive'",
            )
        hunt = search(request, tools)
        for installation in hunt.found:
            try:
                return self._prepare(installation, request, tools)
            except RuntimeUnavailableError as error:
                hunt.refused.append(f"{installation.executable}: {error}")
        raise _none_found(request, hunt)

    def newest(self, request: SeriesRequest, tools: RuntimeTools) -> PythonImplementation | None:
        """The newest that is installed here and can be relocated; see `Provider.newest`."""
        if request.series.name != "cpython" or request.platform.system != "linux":
            return None
        return max(search_series(request, tools), default=None, key=attrgetter("release"))

    def _prepare(self, installation: Installation, request: RuntimeRequest, tools: RuntimeTools) -> PreparedRuntime:
        def make(tree: Path) -> Made:
            return relocate(installation, request, tools, tree)

        return obtain(tools, Origin(request, self.name, installation.identity), make)


def relocate(installation: Installation, request: RuntimeRequest, tools: RuntimeTools, tree: Path) -> Made:
    """Make the empty folder `tree` a runtime from an installation.

    Raises:
        RuntimeUnavailableError: This installation cannot be relocated.
        OSError: Something cannot be read or written.
    """
    original = read_facts(installation.executable, tools)
    copy_installation(installation, original, request, tree)
    places = old_places(installation, original)
    set_run_paths(tree, tuple(places), tools, shared=installation.libpython is not None)
    neutralise(tree, places)
    tidy(tree, request.python, request.platform)
    layout = EnvironmentLayout.of_python(request.python, request.platform)
    check_runtime(tree, layout.interpreter, request.python.version, tools, original)
    libraries, glibc = system_needs(tree, tools)
    return Made(build="host", notes=_notes(libraries, glibc))


def _notes(libraries: tuple[str, ...], glibc: str | None) -> tuple[str, ...]:
    notes = ["copied from a Python that was installed on the building machine; it does not bring its system libraries"]
    if libraries:
        notes.append(needs_libraries(libraries))
    if glibc:
        notes.append(needs_glibc(glibc))
    return tuple(notes)


def _none_found(request: RuntimeRequest, hunt: Search) -> RuntimeUnavailableError:
    return RuntimeUnavailableError(
        f"no installed Python can serve as {request}",
        details=tuple(line for text in hunt.refused for line in text.splitlines()),
        hint=f"install exactly {request.python.version}, for example with 'pyenv install {request.python.version}', "
        "or ask for a version that is installed",
    )
