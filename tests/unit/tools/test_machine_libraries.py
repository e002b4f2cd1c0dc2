"""Which shared libraries this machine has."""

from __future__ import annotations

from pathlib import Path

from venvstacks.tools.machine_libraries import missing_libraries


def test_the_linker_s_cache_lists_libraries_by_path_and_by_name(tmp_path: Path) -> None:
    cache = tmp_path / "ld.so.cache"
    cache.write_bytes(b"glibc-ld.so.cache1.1\0/opt/pond/libfrog.so.1\0libtoad.so.2\0/opt/pond/libnewt.so.3.1\0")
    wanted = ("libfrog.so.1", "libtoad.so.2", "libnewt.so.3", "newt.so.3.1")
    assert missing_libraries(wanted, cache) == ("libnewt.so.3", "newt.so.3.1")


def test_without_a_cache_what_no_usual_folder_holds_counts_as_missing(tmp_path: Path) -> None:
    assert missing_libraries(("libfrog.so.1",), tmp_path / "none") == ("libfrog.so.1",)
    assert missing_libraries((), tmp_path / "none") == ()
