"""Hashes in requirements files (pip's hash mode): which files a layer may take."""

from __future__ import annotations

import pytest

from tests.support.specifications import stack_of
from venvstacks.errors import ForeignSourceError
from venvstacks.locking.lock_inputs import lock_inputs
from venvstacks.locking.locks import Wheel
from venvstacks.locking.own_digests import OWN_WHEELS
from venvstacks.locking.source_check import check_chosen
from venvstacks.model.stack import Layer

SPECIFICATION = """\
[[runtimes]]
name = "python"
python_implementation = "cpython@3.11.7"
platforms = ["linux_x86_64"]
requirements = ["newt"]
requirements-from = ["reqs.txt"]
"""
ONE, TWO, OTHER = "a" * 64, "b" * 64, "c" * 64
LISTED = f"Frog==1.0 --hash=sha256:{ONE} --hash=sha256:{TWO.upper()}\n-c limits.txt\n"
FROG = "https://index.invalid/frog-1.0-py3-none-any.whl"


def layer_of(requirements: str = LISTED, limits: str = "") -> Layer:
    files = {"reqs.txt": requirements, "limits.txt": limits}
    (layer,) = stack_of(SPECIFICATION, requirement_files=files).layers
    return layer


def check(layer: Layer, digest: str, location: str = FROG, *, name: str = "frog") -> None:
    wheel = Wheel(location, (("sha256", digest),), is_path="://" not in location)
    check_chosen(layer, {"sources": {"frog": {"path": "frog"}}}, {"linux_x86_64": {name: [wheel]}})


def test_files_with_listed_hashes_are_taken() -> None:
    check(layer_of(), ONE)
    check(layer_of(), TWO)
    check(layer_of(), OTHER, FROG.replace("frog", "toad"), name="toad")  # no file lists hashes of it


@pytest.mark.parametrize("location", [FROG, "../wheels/frog-1.0-py3-none-any.whl"])
def test_a_file_with_another_hash_is_refused(location: str) -> None:
    with pytest.raises(ForeignSourceError, match="or other files") as caught:
        check(layer_of(), OTHER, location)
    assert caught.value.details == ("frog: frog-1.0-py3-none-any.whl has none of the hashes that reqs.txt lists",)
    assert "list the hashes of all files" in str(caught.value.hint)


def test_hashes_of_constraints_count() -> None:
    layer = layer_of("-c limits.txt\nfrog\n", f"frog==1.0 --hash sha256:{ONE}\n")
    check(layer, ONE)
    with pytest.raises(ForeignSourceError):
        check(layer, OTHER)


def test_what_is_built_from_source_has_no_listed_hash() -> None:
    check(layer_of(), OTHER, f"..{OWN_WHEELS}frog/frog-1.0-py3-none-any.whl")


def test_other_hashes_make_a_lock_stale() -> None:
    with_hashes, without = lock_inputs(layer_of(), {}), lock_inputs(layer_of("Frog==1.0\n"), {})
    assert with_hashes.pop("hashes-from") == {"reqs.txt, frog": [ONE, TWO]}
    assert with_hashes == without
