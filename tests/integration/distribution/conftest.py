"""A small stack that one machine has built alone, and a scheduler with workers on loopback."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.support.dask_cluster import DaskCluster, dask_cluster
from tests.support.sharing_machines import Machine, first_machine


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine that has built and published the stack."""
    if sys.platform != "linux":
        pytest.skip("needs Linux")
    return first_machine(tmp_path_factory.mktemp("distribution"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler with two workers that have empty caches."""
    with dask_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        cluster.start_workers("one", "two")
        yield cluster
