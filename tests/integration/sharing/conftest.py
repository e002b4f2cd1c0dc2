"""A small stack whose Python is an archive, locked once, and built once by a machine that fills a store."""

from __future__ import annotations

import os
import sys

import pytest

from tests.support.sharing_machines import Machine, first_machine
from tests.support.small_pythons import pack_python, reduce_python
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.runtimes.host_provider import HostProvider
from venvstacks.runtimes.provider_request import RuntimeRequest, RuntimeTools
from venvstacks.tools.process import Processes


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine that has built and published the stack, and written all results to a store."""
    if sys.platform != "linux":
        pytest.skip("needs Linux")
    folder = tmp_path_factory.mktemp("sharing")
    tools = RuntimeTools(Processes(), dict(os.environ), folder / "first-cache")
    wanted = RuntimeRequest(PythonImplementation("cpython", "3.11.7"), PLATFORMS["linux_x86_64"])
    python = reduce_python(HostProvider().prepare(wanted, tools).tree, folder / "python")
    return first_machine(folder, pack_python(python, folder / "python.tar.gz"))
