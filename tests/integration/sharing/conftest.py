"""Small stacks whose Python is an archive, locked once, and built once by a machine that fills a store."""

from __future__ import annotations

import sys

import pytest

from tests.support.sharing_machines import Machine, first_machine, first_machine_with_own_packages


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine that has built and published the stack, and written all results to a store."""
    if sys.platform != "linux":
        pytest.skip("needs Linux")
    return first_machine(tmp_path_factory.mktemp("sharing"))


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The same for a stack of packages that are built from source."""
    if sys.platform != "linux":
        pytest.skip("needs Linux")
    return first_machine_with_own_packages(tmp_path_factory.mktemp("own"))
