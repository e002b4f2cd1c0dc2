from __future__ import annotations

import gzip

import pytest

from venvstacks.json_forms import check_extent
from venvstacks.model.conventions import MOST_LAYERS, PACKED_LIMIT
from venvstacks.records import file_lists
from venvstacks.records.file_lists import FileManifest
from venvstacks.records.packed_lists import UNPACKED_LIMIT
from venvstacks.records.published_metadata import FileReference
from venvstacks.records.stack_manifest import StackManifest

ENTRY = b'{"format":1,"install_target":"py","files":[]}'


def test_lists_within_the_limits_are_read() -> None:
    assert FileManifest.unpack(gzip.compress(ENTRY + b" " * 1000)).install_target == "py"


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        (bytes(PACKED_LIMIT + 1), "it has more than"),
        (gzip.compress(ENTRY + b" " * UNPACKED_LIMIT), "it unpacks to more than"),
        (gzip.compress(ENTRY[:-2] + b"0," * (file_lists._MOST_VALUES + 1)), "it holds more than"),
        (gzip.compress(ENTRY, mtime=0)[:-9], "it is cut off"),
        (gzip.compress(ENTRY, mtime=0) + b"x", "something follows"),
        (ENTRY, "it is not compressed"),
    ],
)
def test_lists_beyond_the_limits_are_refused(packed: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        FileManifest.unpack(packed)


def test_manifests_beyond_the_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="it holds more than 2 values"):
        check_extent(b"[0,1,2,3]", 2)
    with pytest.raises(ValueError, match="it holds more than"):
        StackManifest.parse(b"[" + b"0," * 3_000_000)
    entry = (
        b'{"layer_name":"x","install_target":"x","requirements_hash":"","lock_version":1,"locked_at":"",'
        b'"python_implementation":"","bound_to_implementation":false,"venvstacks":{"kind":"framework",'
        b'"content_digest":"","inputs_digest":"","file_count":0,"uncompressed_size":0,"tools":{}}}'
    )
    text = b'{"layers":{"frameworks":[' + b",".join([entry] * MOST_LAYERS) + b"]}}"
    assert len(StackManifest.parse(text).entries) == MOST_LAYERS
    with pytest.raises(ValueError, match="it lists more than 10000 layers"):
        StackManifest.parse(text.replace(b"[", b"[" + entry + b",", 1))


@pytest.mark.parametrize("size", [-1, 1 << 63, 10**4000])
def test_sizes_are_those_of_file_systems(size: int) -> None:
    with pytest.raises(ValueError, match="size"):
        FileReference.model_validate({"name": "x", "size": size, "sha256": ""})
