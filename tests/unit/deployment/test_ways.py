from __future__ import annotations

import pytest

from tests.support.offered_layers import layer
from venvstacks.deployment.offers import OfferedDelta, OfferedFile, OfferedLayer
from venvstacks.deployment.ways import cheapest_way


def offered(size: int, *deltas: tuple[str, str, int]) -> OfferedLayer:
    """A layer whose newest version is `v9`, with an archive of this size."""
    made = tuple(OfferedDelta(OfferedFile(f"{a}{b}{size}", size, ""), a, b) for a, b, size in deltas)
    archive, files = OfferedFile("archive", size, ""), OfferedFile("files", 1, "v9")
    return layer("framework-pond", archive=archive, files=files, deltas=made)


@pytest.mark.parametrize(
    ("size", "deltas", "installed", "names"),
    [
        (100, [], {"v8"}, ["archive"]),
        (100, [("v8", "v9", 20)], {"v8"}, ["v8v920"]),
        (100, [("v8", "v9", 20)], set(), ["archive"]),
        (100, [("v8", "v9", 20)], {"v7"}, ["archive"]),
        (20, [("v8", "v9", 20)], {"v8"}, ["archive"]),
        (100, [("v8", "v9", 20), ("v7", "v8", 30)], {"v7"}, ["v7v830", "v8v920"]),
        (100, [("v8", "v9", 20), ("v7", "v8", 30), ("v7", "v9", 49)], {"v7"}, ["v7v949"]),
        (100, [("v8", "v9", 20), ("v7", "v8", 30), ("v7", "v9", 50)], {"v7"}, ["v7v950"]),
        (100, [("v8", "v9", 20), ("v7", "v8", 30), ("v7", "v9", 51)], {"v7"}, ["v7v830", "v8v920"]),
        (50, [("v8", "v9", 20), ("v7", "v8", 30)], {"v7"}, ["archive"]),
        (100, [("v7", "v8", 30), ("v8", "v9", 20)], {"v7", "v8"}, ["v8v920"]),
        (100, [("v6", "v7", 1), ("v7", "v8", 1), ("v8", "v9", 1)], {"v6"}, ["v6v71", "v7v81", "v8v91"]),
        (100, [("v6", "v7", 1), ("v7", "v6", 1), ("v7", "v7", 1)], {"v6"}, ["archive"]),
        (100, [("v8", "v9", 9), ("v8", "v9", 8)], {"v8"}, ["v8v98"]),
    ],
)
def test_the_cheapest_way(size: int, deltas: list[tuple[str, str, int]], installed: set[str], names: list[str]) -> None:
    way = cheapest_way(offered(size, *deltas), installed)
    assert [file.name for file in way.files] == names
    assert way.before == (None if names == ["archive"] else names[0][:2])
    assert way.size == sum(file.size for file in way.files)
