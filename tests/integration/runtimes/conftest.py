"""Real Pythons for the tests of runtimes: those that are installed here, relocated once per test session."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import pytest

from venvstacks.model.platforms import PythonImplementation, identify_platform
from venvstacks.runtimes.host_provider import HostProvider
from venvstacks.runtimes.installed_pythons import Installation, ask, candidates, of_version_tools, on_path
from venvstacks.runtimes.provider_request import PreparedRuntime, RuntimeRequest, RuntimeTools
from venvstacks.tools.process import Processes


def real_tools(cache: Path) -> RuntimeTools:
    return RuntimeTools(Processes(), dict(os.environ), cache)


def installed_pythons() -> list[Installation]:
    """One installed CPython per `X.Y`; not those of distributions, which the provider may well have to refuse."""
    tools = real_tools(Path("/nonexistent"))
    found: dict[str, Installation] = {}
    for short in ("3.11", "3.12", "3.13"):
        for path in (
            *candidates(of_version_tools(tools.environment), f"{short}.0"),
            *candidates(on_path(tools.environment), f"{short}.0"),
        ):
            installation = ask(path, tools)
            if installation is None or installation.variant or installation.prefix == Path("/usr"):
                continue
            if installation.version.startswith(f"{short}."):
                found.setdefault(short, installation)
    return [*found.values()]


INSTALLED = installed_pythons() if sys.platform == "linux" else []


@pytest.fixture(
    scope="session",
    params=INSTALLED or [pytest.param(None, marks=pytest.mark.skip("no CPython is installed that can be relocated"))],
    ids=lambda installation: installation.version if installation else "none",
)
def installation(request: pytest.FixtureRequest) -> Installation:
    """Each installed CPython in turn."""
    found: Installation = request.param
    return found


@pytest.fixture(scope="session")
def wanted(installation: Installation) -> RuntimeRequest:
    """The request that exactly the installation serves."""
    here = identify_platform(sys.platform, platform.machine())
    assert here is not None
    return RuntimeRequest(PythonImplementation("cpython", installation.version), here)


@pytest.fixture(scope="session")
def relocated(wanted: RuntimeRequest, tmp_path_factory: pytest.TempPathFactory) -> PreparedRuntime:
    """The installation as provider `host` relocates it."""
    return HostProvider().prepare(wanted, real_tools(tmp_path_factory.mktemp("cache")))
