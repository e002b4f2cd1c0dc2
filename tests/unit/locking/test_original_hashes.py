"""The expected values were computed by the releases of the original themselves (0.5.1, 0.7.0 and 0.8.0)."""

from __future__ import annotations

from hashlib import sha256

import pytest

from tests.support.locked_layers import framework, runtime
from tests.support.original_locks import LOCK_OF_08, LOCK_OF_08_HASH, REQUIREMENTS_OF_07, REQUIREMENTS_OF_07_HASH
from venvstacks.locking import original_hashes as hashes
from venvstacks.locking.uv_resolution import load_packages

MODULE = "sha256:50a2328675a3ea19d73c089ac5c020b463ef45c74059f75f77b6df75ecb5fc77"


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_entries_of_a_lock_of_08() -> None:
    assert hashes.hash_lock_entries(load_packages(LOCK_OF_08)) == LOCK_OF_08_HASH


@pytest.mark.parametrize(
    "table",
    [{"name": "a", "version": "x.y"}, {"version": "1"}, {"name": "a", "version": "1", "wheels": [{"url": "u"}]}],
)
def test_entries_that_08_never_writes_have_no_hash(table: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not of the form"):
        hashes.hash_lock_entries([table])


def test_a_requirements_file_of_07() -> None:
    lines = REQUIREMENTS_OF_07.splitlines()
    assert hashes.hash_requirements_with_hashes(lines) == REQUIREMENTS_OF_07_HASH


def test_declared_requirements_in_both_spellings() -> None:
    spellings = hashes.requirement_spellings(["scipy >= 1.0", "httpx[http2]; python_version>'3.8'"])
    assert [hashes.hash_requirements(spelling) for spelling in spellings] == [
        "sha256:750e3625fe8073da9d10c6767113bf1a142cf2e9396c20b6479c45827c4c29ba",
        "sha256:41cd8126918fbc7f1753219f4fbb3ab35cf4e2b63293a29506486abaa9a31a24",
    ]


def test_modules() -> None:
    assert hashes.hash_module_file("m.py", digest('print("hi")\n')) == MODULE
    files = {"__main__.py": "a\n", "zz.py": "d\n", "sub/x.py": "b\n", "sub/a.txt": "c\n"}
    assert hashes.hash_module_folder("pkg", {path: digest(text) for path, text in files.items()}) == (
        "sha256/72c99e905a52bc5b8cf31a752cb9bf3c7ceb208a536a57c05d845cf10c4ff9fe"
    )


def test_other_inputs_of_a_layer() -> None:
    layer = framework("x", (), framework("a", (), runtime("py")), runtime("py"))
    assert "sha256:c84775c7bba57b3a68408d8dd5fcf9c11dbddf45a2934142cd6f46d0ba055575" in hashes.other_inputs_hashes(
        layer
    )
    assert hashes.other_inputs_hashes(layer).isdisjoint(hashes.other_inputs_hashes(framework("x", (), runtime("py"))))


def test_version_inputs_and_those_that_05_did_not_distinguish() -> None:
    layer = framework("x", (), framework("a", (), runtime("py")), runtime("py"), kind="application", versioned=True)
    assert hashes.version_inputs_hash(layer, [MODULE]) == (
        "sha256:a39c9a82c0c2914b39fd7bb4edb807e598ab31fb81900b2acaaf72a0554ecacb"
    )
    assert hashes.mixed_inputs_hash(layer, [MODULE]) == (
        "sha256:24964791e8ae894946f4cf1401272408e80c9ca796fae2e85e92a591d9fcd498"
    )
