from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from venvstacks.runtimes.self_check import Facts, faults

TREE = Path("/srv/cache/tree").resolve()  # on Windows with a drive
OLD = Path("/opt/pythons/3.12.1").resolve()
ORIGINAL = Facts(
    version="3.12.1",
    traits=("3.12.1 (main)",),
    prefix=str(OLD),
    packages=f"{OLD}/lib/python3.12/site-packages",
    config={"prefix": str(OLD)},
    modules=("ssl", "zlib"),
    mapped=(f"{OLD}/lib/libpython3.12.so.1.0",),
)
COPY = Facts(
    version="3.12.1",
    traits=("3.12.1 (main)",),
    prefix=str(TREE),
    packages=f"{TREE}/lib/python3.12/site-packages",
    config={"prefix": "/install"},
    modules=("ssl", "zlib"),
    mapped=(f"{TREE}/lib/libpython3.12.so.1.0", "/lib/libssl.so.3"),
)


def test_a_good_copy_has_no_faults() -> None:
    assert faults(COPY, TREE, "3.12.1", ORIGINAL) == ()
    assert faults(COPY, TREE, "3.12.1") == ()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (replace(COPY, version="3.12.2"), "it is version 3.12.2, not 3.12.1"),
        (replace(COPY, prefix=str(OLD)), f"sys.prefix is {OLD}"),
        (replace(COPY, mapped=ORIGINAL.mapped), f"it loads {OLD}/lib/libpython3.12.so.1.0 from outside"),
        (
            replace(COPY, packages=f"{TREE}/local/lib/python3.12/dist-packages"),
            "a distribution changed it: packages go into dist-packages, not into site-packages",
        ),
    ],
)
def test_faults_that_show_without_the_original(wrong: Facts, says: str) -> None:
    assert says in faults(wrong, TREE, "3.12.1")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (replace(COPY, modules=("zlib",)), "module ssl cannot be imported any more"),
        (replace(COPY, traits=("///// (main)",)), "it says '///// (main)' where the original says '3.12.1 (main)'"),
        (replace(COPY, config=ORIGINAL.config), "sysconfig's prefix names the old prefix"),
        (
            replace(COPY, mapped=(f"{OLD}/lib/python3.12/lib-dynload/_ssl.so",)),
            f"it loads {OLD}/lib/python3.12/lib-dynload/_ssl.so from outside",
        ),
    ],
)
def test_faults_that_show_against_the_original(wrong: Facts, says: str) -> None:
    assert faults(wrong, TREE, "3.12.1", ORIGINAL) == (says,)


def test_files_of_a_prefix_that_everything_shares_prove_nothing() -> None:
    system = replace(ORIGINAL, prefix="/usr", config={"prefix": "/usr"})
    copy = replace(COPY, config={"prefix": "/usr"}, mapped=("/usr/lib/libssl.so.3",))
    assert faults(copy, TREE, "3.12.1", system) == ()
    assert faults(replace(copy, mapped=("/usr/lib/libpython3.12.so.1.0",)), TREE, "3.12.1", system)
