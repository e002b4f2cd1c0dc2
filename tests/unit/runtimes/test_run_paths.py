from __future__ import annotations

import os
import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks.runtimes.relocate import same_length_name
from venvstacks.runtimes.run_paths import relocated

PREFIXES = ("/opt/pythons/3.12.1",)


@pytest.mark.parametrize(
    ("file", "old", "needs_library", "new"),
    [
        ("bin/python3.12", "/opt/pythons/3.12.1/lib", True, "$ORIGIN/../lib"),
        ("bin/python3.12", "", True, "$ORIGIN/../lib"),
        ("bin/python3.12", "", False, ""),
        ("lib/libpython3.12.so.1.0", "/opt/pythons/3.12.1/lib", True, "$ORIGIN/."),
        ("lib/python3.12/lib-dynload/_ssl.so", "/opt/pythons/3.12.1/lib", False, "$ORIGIN/../.."),
        ("lib/python3.12/lib-dynload/_ssl.so", "/opt/openssl/lib", False, "/opt/openssl/lib"),
        (
            "lib/python3.12/lib-dynload/_ssl.so",
            "/opt/pythons/3.12.1/lib:/opt/openssl/lib:/opt/pythons/3.12.1/lib/",
            False,
            "$ORIGIN/../..:/opt/openssl/lib",
        ),
        ("lib/python3.12/lib-dynload/_ssl.so", "$ORIGIN/../..", False, "$ORIGIN/../.."),
        ("lib/python3.12/lib-dynload/_ssl.so", "/opt/pythons/3.12.10/lib", False, "/opt/pythons/3.12.10/lib"),
    ],
)
def test_run_paths_into_the_old_prefix_become_relative(file: str, old: str, *, needs_library: bool, new: str) -> None:
    assert relocated(file, old, PREFIXES, needs_library=needs_library) == new


def test_a_version_that_a_linker_found_at_the_end_of_the_prefix_stays() -> None:
    old = "/home/me/.pyenv/versions/3.12.1"
    new = same_length_name(old, "/install")
    assert len(new) == len(old)
    assert new.endswith("/3.12.1")
    assert posixpath.normpath(new) == "/install/3.12.1"


def test_short_prefixes_are_blotted_out() -> None:
    assert same_length_name("/opt/py311", "/install") == "/////py311"


paths = st.lists(
    st.text("abc.-é3", min_size=1, max_size=12).filter(lambda part: part.strip(".")), min_size=1, max_size=6
)


@given(paths)
def test_binary_names_keep_their_length_and_their_end(parts: list[str]) -> None:
    old = "/" + "/".join(parts)
    new = same_length_name(old, "/install")
    assert len(os.fsencode(new)) == len(os.fsencode(old))
    assert new.rpartition("/")[2] == parts[-1]
    assert posixpath.normpath(new) in {f"/install/{parts[-1]}", f"/{parts[-1]}", f"//{parts[-1]}"}
