from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from venvstacks.archives.compression import Compression, zstd_parameters, zstd_stream
from venvstacks.archives.formats import ARCHIVE_FORMATS
from venvstacks.graph.compiler import RECIPES

MIB = 1 << 20
CHOSEN = ("window_log", "hash_log", "write_checksum", "job_size", "overlap_log", "enable_ldm")
"""What is not left to the library, whose version tasks depend on anyway."""


def test_parameters_change_together_with_the_recipe_of_archives(check_golden: Callable[[str, str], None]) -> None:
    """If this differs, archives get other bytes: raise RECIPES["archive"], then update the file."""
    lines = [f"recipe {RECIPES['archive']}"]
    lines += [f"{one.suffix}: {dict(one.efforts)}" for one in ARCHIVE_FORMATS.values()]
    for level in (*sorted(set(ARCHIVE_FORMATS["tar.zst"].efforts.values())), 9, 12, 13):
        for size in (MIB, 40 * MIB, 500 * MIB):
            chosen = zstd_parameters(Compression(level, 2, size))
            values = ", ".join(f"{name} {getattr(chosen, name)}" for name in CHOSEN)
            lines.append(f"tar.zst at {level}, {size // MIB} MiB: {values}")
    check_golden("archives/compression-parameters.txt", "\n".join(lines) + "\n")


@given(st.lists(st.binary(max_size=90_000), max_size=6))
def test_sizes_of_chunks_do_not_matter(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    compression = Compression(3, 1, len(whole))
    assert b"".join(zstd_stream(chunks, compression)) == b"".join(zstd_stream([whole], compression))
