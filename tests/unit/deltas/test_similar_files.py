from __future__ import annotations

import pytest

from venvstacks.deltas.similar_files import similar_files, without_versions
from venvstacks.digests import TreeEntry


@pytest.mark.parametrize(
    ("path", "other", "same"),
    [
        ("numpy-2.3.2.dist-info/RECORD", "numpy-2.3.3.dist-info/RECORD", True),
        ("x-1.0rc1.dist-info/RECORD", "x-1.0.dist-info/RECORD", True),
        ("x-1.0.post1.dist-info/RECORD", "x-1.0.dev3.dist-info/RECORD", True),
        ("x.libs/libopenblas-6cdc3b4a.so", "x.libs/libopenblas-8fb3d286.so", True),
        ("lib/libonnx.so.1.22.0", "lib/libonnx.so.1.22.1", True),
        ("a/module.py", "b/module.py", False),
        ("x/libm-defaced.so", "x/libm-1234567a.so", False),
        ("numpy-2.3.2.dist-info/RECORD", "scipy-2.3.2.dist-info/RECORD", False),
    ],
)
def test_names_that_differ_in_versions_alone(path: str, other: str, *, same: bool) -> None:
    assert (without_versions(path) == without_versions(other)) is same


def test_the_file_to_patch_a_new_one_from() -> None:
    old = [
        TreeEntry("lib-1.0.so", 100, sha256="1"),
        TreeEntry("lib-1.1.so", 900, sha256="2"),
        TreeEntry("same", 5, sha256="3"),
        TreeEntry("link-1.0", target="same"),
        TreeEntry("empty-1.0", 0, sha256="4"),
    ]
    find = similar_files(old)
    assert find(TreeEntry("same", 1_000_000)) == old[2], "the path comes first"
    assert find(TreeEntry("lib-1.0.so", 900)) == old[0]
    assert find(TreeEntry("lib-2.0.so", 800)) == old[1], "then the size"
    assert find(TreeEntry("lib-2.0.so", 500)) == old[0], "of two that are as near, the first by name"
    assert find(TreeEntry("link-2.0", 5)) is None
    assert find(TreeEntry("empty-1.0", 5)) is None
    assert find(TreeEntry("other", 5)) is None
