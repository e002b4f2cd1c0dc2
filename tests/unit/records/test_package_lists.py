from __future__ import annotations

import gzip
import json

import pytest

from venvstacks.records.package_lists import BundledPart, LicenceFacts, ListedPackage, ListedWheel, PackageList
from venvstacks.records.packed_lists import UNPACKED_LIMIT

FROG = ListedPackage(
    name="frog",
    version="1.0",
    purl="pkg:pypi/frog@1.0",
    requires=("pond>=1",),
    licence=LicenceFacts(expression="MIT", files=("lib/frog-1.0.dist-info/licenses/LICENSE",)),
    wheel=ListedWheel(file="frog-1.0-py3-none-any.whl", sha256="a" * 64),
    bundled=(BundledPart(name="zlib", version="1.3", purl="pkg:generic/zlib@1.3"),),
    files=("lib/frog.py", "lib/🐸.txt"),
)
LIST = PackageList(install_target="framework-frog", declared=("frog",), packages=(FROG,))


def test_a_list_is_read_as_it_was_written() -> None:
    assert PackageList.unpack(LIST.packed()) == LIST
    assert LIST.packed() == LIST.packed()
    assert len(gzip.decompress(LIST.packed()).decode().splitlines()) == 3, "a package to a line"


def test_later_versions_may_add_keys() -> None:
    data = json.loads(gzip.decompress(LIST.packed()))
    data["packages"][0]["colour"] = data["weather"] = "green"
    assert PackageList.unpack(gzip.compress(json.dumps(data).encode())) == LIST


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        (b"no gzip", "it is not compressed"),
        (gzip.compress(b" " * (UNPACKED_LIMIT + 1)), "it unpacks to more than"),
        (gzip.compress(b'{"format":2,"install_target":"x"}'), "format"),
        (gzip.compress(b"[" + b"0," * 3_000_001), "it holds more than"),
    ],
)
def test_what_is_no_list_is_refused(packed: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        PackageList.unpack(packed)
