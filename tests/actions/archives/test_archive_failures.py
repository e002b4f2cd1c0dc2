from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.capabilities import marks_of, needs_modes
from tests.support.packable_trees import EPOCH, SITE, contents_of, make_tree
from venvstacks.archives.formats import ARCHIVE_FORMATS, archive_format
from venvstacks.archives.sink import Sink
from venvstacks.archives.write_archive import ArchiveRequest, write_archive
from venvstacks.errors import ChangedEnvironmentError, ExitCode, PublishError, UsageError

IS_ROOT = getattr(os, "geteuid", lambda: None)() == 0
BLOCK = f"{SITE}/frogs/block.bin"


def overwrite(place: Path, content: bytes) -> None:
    place.write_bytes(content)


CHANGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "other content": (BLOCK, lambda place: overwrite(place, b"?" * 512)),
    "grown": (BLOCK, lambda place: overwrite(place, place.read_bytes() + b"?")),
    "shrunk": (BLOCK, lambda place: overwrite(place, place.read_bytes()[:-1])),
    "gone": (BLOCK, lambda place: place.unlink()),
    "no file any more": (BLOCK, lambda place: (place.unlink(), place.mkdir())),
    "its folder gone": ("bin/run", lambda place: place.parent.rename(place.parent.parent / "was-bin")),
    "empty file filled": (f"{SITE}/frogs/__init__.py", lambda place: overwrite(place, b"?")),
    "link gone": ("lib64", lambda place: place.unlink()),
    "link turned": ("lib64", lambda place: (place.unlink(), place.symlink_to("bin"))),
    "link made a file": ("lib64", lambda place: (place.unlink(), place.write_bytes(b""))),
}


@pytest.mark.parametrize("name", ARCHIVE_FORMATS)
@pytest.mark.parametrize("change", [pytest.param(name, marks=marks_of(name)) for name in CHANGES])
def test_a_changed_environment_is_not_published(tmp_path: Path, change: str, name: str) -> None:
    contents = contents_of(make_tree(tmp_path / "env"))
    destination = tmp_path / "out" / "archive"
    destination.parent.mkdir()
    destination.write_bytes(b"the old one")
    path, make = CHANGES[change]
    make(contents.root / path)

    with pytest.raises(ChangedEnvironmentError) as caught:
        write_archive(ArchiveRequest(contents, destination, EPOCH, name, threads=2))

    assert str(contents.root / path) in caught.value.message
    assert caught.value.hint == "build the layer again"
    assert destination.read_bytes() == b"the old one"
    assert list(destination.parent.iterdir()) == [destination]


def test_windows_refuses_to_open_a_folder_for_a_lack_of_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = contents_of(make_tree(tmp_path / "env"))
    place = contents.root / BLOCK
    place.unlink()
    place.mkdir()

    def refuse(path: Path, *_: object, **__: object) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ChangedEnvironmentError):
        list(contents.read(next(member for member in contents.members if member.source == BLOCK)))


@pytest.mark.parametrize("name", ARCHIVE_FORMATS)
def test_a_failure_leaves_no_thread_behind(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Sink, data: bytes) -> None:
        if len(data) > 10:  # more than a header: compressing is under way
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Sink, "write", refuse)
    contents = contents_of(make_tree(tmp_path / "env"))
    with pytest.raises(PublishError) as kept:
        write_archive(ArchiveRequest(contents, tmp_path / "archive", EPOCH, name, threads=2))
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("worker")] == []
    assert kept.tb


@needs_modes
@pytest.mark.skipif(IS_ROOT, reason="root may read everything")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    contents = contents_of(make_tree(tmp_path / "env"))
    (contents.root / BLOCK).chmod(0)
    with pytest.raises(PublishError, match="cannot be read"):
        write_archive(ArchiveRequest(contents, tmp_path / "archive", EPOCH))


@needs_modes
@pytest.mark.skipif(IS_ROOT, reason="root may write everywhere")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    contents = contents_of(make_tree(tmp_path / "env"))
    out = tmp_path / "out"
    out.mkdir(mode=0o555)
    with pytest.raises(PublishError, match="cannot be written: Permission denied") as caught:
        write_archive(ArchiveRequest(contents, out / "archive", EPOCH))
    assert "make the output folder writable" in (caught.value.hint or "")


def test_an_output_folder_below_a_file_is_explained(tmp_path: Path) -> None:
    contents = contents_of(make_tree(tmp_path / "env"))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PublishError, match="cannot be written") as caught:
        write_archive(ArchiveRequest(contents, tmp_path / "file" / "archive", EPOCH))
    assert caught.value.exit_code is ExitCode.PUBLISHING
    assert caught.value.hint


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "rar"}, "there is no archive format 'rar'"),
        ({"level": 0}, "compression level 0 does not exist for tar.zst archives"),
        ({"level": 23}, "compression level 23 does not exist"),
        ({"format": "zip", "level": 10}, "compression level 10 does not exist for zip archives"),
        ({"epoch": -1}, "archives cannot carry the time -1"),
        ({"epoch": 8**11}, "archives cannot carry the time"),
        ({"threads": 0}, "0 threads cannot compress"),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_written(
    tmp_path: Path, options: dict[str, int], message: str
) -> None:
    contents = contents_of(make_tree(tmp_path / "env"))
    request = ArchiveRequest(
        **{"contents": contents, "destination": tmp_path / "out/archive", "epoch": EPOCH, **options}
    )
    with pytest.raises(UsageError, match=message) as caught:
        write_archive(request)
    assert caught.value.hint
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ARCHIVE_FORMATS)
def test_every_format_knows_its_named_levels(name: str) -> None:
    chosen = archive_format(name)
    assert set(chosen.efforts) == {"fast", "balanced", "small"}
    assert [chosen.level(level) for level in chosen.efforts.values()] == list(chosen.efforts.values())
    assert chosen.level() == chosen.efforts["balanced"]
