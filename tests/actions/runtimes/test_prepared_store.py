from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.capabilities import needs_modes, needs_symbolic_links
from tests.support.packed_pythons import wanted_python
from venvstacks.digests import sha256_bytes
from venvstacks.errors import BuildError, RuntimeUnavailableError
from venvstacks.runtimes.prepared_store import Made, Origin, is_sound, obtain
from venvstacks.runtimes.provider_request import RuntimeTools
from venvstacks.tools.process import Processes
from venvstacks.tools.seals import sealed

ORIGIN = Origin(wanted_python(), "test", {"sha256": "0" * 64})


def tools_in(cache: Path, home: str = "") -> RuntimeTools:
    return RuntimeTools(Processes(), {"HOME": home}, cache)


class Maker:
    """Fills a folder and counts how often it was asked to."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, tree: Path) -> Made:
        self.times += 1
        (tree / "bin").mkdir()
        (tree / "bin/python").write_text("an interpreter")
        (tree / "bin/python").chmod(0o755)
        (tree / "bin/python3").symlink_to("python")
        (tree / "os.py").write_text("a module")
        return Made("20240107", ("a note",))


@needs_symbolic_links
def test_a_runtime_is_made_once(tmp_path: Path) -> None:
    make = Maker()
    first = obtain(tools_in(tmp_path), ORIGIN, make)
    assert obtain(tools_in(tmp_path), ORIGIN, make) == first
    assert make.times == 1
    assert (first.provider, first.build, first.notes) == ("test", "20240107", ("a note",))
    assert [entry.path for entry in first.entries] == ["bin/python", "bin/python3", "os.py"]
    assert first.tree.is_relative_to(tmp_path / "runtimes" / ORIGIN.key)


def test_the_key_is_readable_and_covers_everything_that_matters() -> None:
    others = [
        Origin(wanted_python("3.11.8"), "test", ORIGIN.identity),
        Origin(wanted_python(), "other", ORIGIN.identity),
        Origin(wanted_python(), "test", {"sha256": "1" * 64}),
    ]
    assert len({ORIGIN.key, *(other.key for other in others)}) == 4
    assert ORIGIN.key.startswith("cpython-3.11.7-linux_x86_64-test-")


def overwrite(tree: Path) -> None:
    (tree / "os.py").write_text("a M0dule")


def lengthen(tree: Path) -> None:
    (tree / "os.py").write_text("a module and more")


def remove(tree: Path) -> None:
    (tree / "os.py").unlink()


def add(tree: Path) -> None:
    (tree / "__pycache__").mkdir()
    (tree / "__pycache__/os.pyc").write_bytes(b"code")


def change_mode(tree: Path) -> None:
    (tree / "bin/python").chmod(0o644)


def redirect(tree: Path) -> None:
    (tree / "bin/python3").unlink()
    (tree / "bin/python3").symlink_to("../os.py")


def replace_by_link(tree: Path) -> None:
    (tree / "os.py").unlink()
    (tree / "os.py").symlink_to("bin/python")


def spoil_record(tree: Path) -> None:
    (tree.parent / "prepared.json").write_text('{"format": 1, "entries": [{"name": 1}]}')


def forge_record(tree: Path) -> None:
    """As by somebody without the key: everything fits except the seal."""
    (tree / "os.py").write_text("evil")
    record = (tree.parent / "prepared.json").read_bytes()[32:]
    record = record.replace(sha256_bytes(b"a module").encode(), sha256_bytes(b"evil").encode()).replace(b":8,", b":4,")
    (tree.parent / "prepared.json").write_bytes(sealed(b"another key", record))


def swap_for_another(tree: Path) -> None:
    """A sealed runtime of another origin in this one's place."""
    other = obtain(tools_in(tree.parents[2]), Origin(wanted_python(), "other", {}), Maker())
    shutil.rmtree(tree.parent)
    shutil.copytree(other.tree.parent, tree.parent, symlinks=True)


def lose_record(tree: Path) -> None:
    (tree.parent / "prepared.json").unlink()


DAMAGES = [
    overwrite, lengthen, remove, add, spoil_record, lose_record, forge_record, swap_for_another,
    pytest.param(change_mode, marks=needs_modes),
    pytest.param(redirect, marks=needs_symbolic_links),
    pytest.param(replace_by_link, marks=needs_symbolic_links),
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_seen_and_mended(damage: Callable[[Path], None], tmp_path: Path) -> None:
    make = Maker()
    sound = obtain(tools_in(tmp_path), ORIGIN, make)
    damage(sound.tree)
    assert obtain(tools_in(tmp_path), ORIGIN, make) == sound
    assert make.times == 2
    assert is_sound(sound.tree, sound.entries)


def test_a_failed_preparation_leaves_nothing(tmp_path: Path) -> None:
    def fail(tree: Path) -> Made:
        (tree / "half").write_text("half")
        raise RuntimeUnavailableError("it broke off")

    with pytest.raises(RuntimeUnavailableError):
        obtain(tools_in(tmp_path), ORIGIN, fail)
    assert not (tmp_path / "runtimes" / ORIGIN.key).exists()
    assert [*(tmp_path / "runtimes/unfinished").iterdir()] == []


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / f"runtimes/unfinished/{ORIGIN.key}.abc/new/tree").mkdir(parents=True)
    others = tmp_path / "runtimes/unfinished/cpython-3.12.1-linux_x86_64-test-0.abc"
    others.mkdir()
    obtain(tools_in(tmp_path), ORIGIN, Maker())
    assert [*(tmp_path / "runtimes/unfinished").iterdir()] == [others]


def test_threads_that_want_the_same_runtime_make_it_once(tmp_path: Path) -> None:
    make = Maker()
    barrier = threading.Barrier(6)
    found = []

    def want() -> None:
        barrier.wait()
        found.append(obtain(tools_in(tmp_path), ORIGIN, make))

    threads = [threading.Thread(target=want) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert make.times == 1


def spoil_locks(cache: Path) -> None:
    """Make it impossible to take a lock, as in a read-only cache; permissions do not bind root."""
    shutil.rmtree(cache / "runtimes/locks", ignore_errors=True)
    (cache / "runtimes").mkdir(exist_ok=True)
    (cache / "runtimes/locks").write_text("")


def test_a_filled_cache_that_cannot_be_written_to_serves(tmp_path: Path) -> None:
    make = Maker()
    first = obtain(tools_in(tmp_path), ORIGIN, make)
    spoil_locks(tmp_path)
    assert obtain(tools_in(tmp_path), ORIGIN, make) == first
    assert make.times == 1


def test_a_cache_that_cannot_be_written_to_and_lacks_something_is_named(tmp_path: Path) -> None:
    spoil_locks(tmp_path)
    with pytest.raises(
        BuildError, match=f"the cache folder {re.escape(str(tmp_path / 'runtimes'))} cannot be written: "
    ) as caught:
        obtain(tools_in(tmp_path), ORIGIN, Maker())
    assert "VENVSTACKS_CACHE" in (caught.value.hint or "")
    assert not isinstance(caught.value, RuntimeUnavailableError), "no other provider could do better"
