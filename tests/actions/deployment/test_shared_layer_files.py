"""Compiled code of several layers or versions of them is stored once; what applications write to is not."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.delta_publications import publish_with_deltas
from tests.support.published_layers import SITE, Published, application, framework, publish, runtime
from venvstacks.api import deployments as deployment
from venvstacks.tools.shared_files import lay_shared

Start = Callable[..., str]

LIBRARY = b"\x7fELF" + random.Random(1).randbytes(1_000_000)
LIBRARIES, DATA = f"{SITE}/pond.libs/libpond.so.1", f"{SITE}/pond_data.bin"


def has_links(folder: Path) -> bool:
    one = folder / "one"
    one.write_bytes(b"\x7fELF")
    lay_shared(one, folder / "two", executable=False)
    return (folder / "two").samefile(one)


@pytest.fixture(autouse=True)
def _without_clones(tmp_path_factory: pytest.TempPathFactory) -> None:
    if not has_links(tmp_path_factory.mktemp("links")):
        pytest.skip("a file system with clones, or without hard links")


def with_library(layer: Published, content: bytes = LIBRARY) -> Published:
    return replace(layer, files={**layer.files, LIBRARIES: content})


def stack(text: str, *, below: str = "1") -> tuple[Published, ...]:
    pond = with_library(framework("pond", text=text))
    return runtime(text=below), pond, application("frog", uses=("pond",))


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three publications, each with another framework; the last one has a delta from the second."""
    base = tmp_path_factory.mktemp("published")
    places = [base / text for text in "123"]
    for text in "12":
        publish(base / text, stack(text))
    publish_with_deltas(base / "3", stack("3"), [base / "2"])
    return places


def libraries(folder: Path) -> list[Path]:
    return sorted({place.resolve() for place in folder.glob(f"store/*/framework-*/{LIBRARIES}")})


def blocks(folder: Path) -> int:
    """Bytes on the disk, every inode once."""
    found = {info.st_ino: info.st_blocks * 512 for info in (place.lstat() for place in (folder / "store").rglob("*"))}
    return sum(found.values())


def assert_one_file(folder: Path, names: int) -> None:
    found = libraries(folder)
    assert [(place.stat().st_nlink, place.stat().st_ino) for place in found] == [
        (names, found[0].stat().st_ino)
    ] * names
    for place in folder.rglob("*"):
        info = place.lstat()
        assert place.is_dir() or info.st_nlink == 1 or not info.st_mode & 0o222, place
    assert found[0].read_bytes() == LIBRARY
    assert deployment.status(folder, verify=True).differences == ()


def test_versions_of_a_framework_share_what_is_compiled(releases: list[Path], tmp_path: Path, start: Start) -> None:
    """By archives, and by deltas; what one version's application writes to its data does not reach the other one."""
    deployment.deploy(str(releases[0]), tmp_path)
    before = blocks(tmp_path)
    assert deployment.deploy(str(releases[1]), tmp_path).fetched == ("framework-pond",)
    assert_one_file(tmp_path, 2)
    assert blocks(tmp_path) - before < 600_000
    (written,) = (tmp_path / "current").resolve().glob(f"apps/frog/../framework-pond/{DATA}")
    content = written.read_bytes()
    with written.open("r+b") as stream:
        stream.write(b"changed")
    deployment.rollback(tmp_path)
    assert deployment.status(tmp_path, verify=True).differences == ()
    assert start(tmp_path, "frog") == "1 1 1"
    written.write_bytes(content)  # deltas are for files as they were published
    deployment.rollback(tmp_path, 2)
    done = deployment.deploy(str(releases[2]), tmp_path)
    assert (done.updated, len(deployment.status(tmp_path).kept)) == (("framework-pond",), 2)
    assert_one_file(tmp_path, 2)
    assert start(tmp_path, "frog") == "1 3 1"
    shown = sum(deployment.status(tmp_path).disk_use.values())
    assert 0 <= blocks(tmp_path) - shown < 10_000  # the store's own folder
    deployment.collect(tmp_path)
    assert libraries(tmp_path)[0].read_bytes() == LIBRARY


def test_copies_above_another_runtime_share_what_is_compiled(tmp_path: Path, start: Start) -> None:
    publish(tmp_path / "1", stack("1"))
    publish(tmp_path / "2", stack("1", below="2"))
    deployment.deploy(str(tmp_path / "1"), tmp_path / "d")
    done = deployment.deploy(str(tmp_path / "2"), tmp_path / "d")
    assert "framework-pond" in done.rebound
    assert_one_file(tmp_path / "d", 2)
    assert start(tmp_path / "d", "frog") == "1 1 2"


def test_two_layers_with_the_same_wheel(tmp_path: Path, start: Start) -> None:
    layers = with_library(framework("pond")), with_library(framework("reeds"))
    publish(tmp_path / "1", (runtime(), *layers, application("frog", uses=("pond", "reeds"))))
    deployment.deploy(str(tmp_path / "1"), tmp_path / "d")
    assert_one_file(tmp_path / "d", 2)
    assert start(tmp_path / "d", "frog") == "1 1 1 1"


SECOND, NEW, NEW_AGAIN = f"{SITE}/reeds/_pond.so", f"{SITE}/new/_new.so", f"{SITE}/newer/_new.so"
COMPILED = (LIBRARIES, SECOND, NEW, NEW_AGAIN)


@pytest.mark.parametrize("deltas", [False, True])
def test_equal_libraries_of_several_names_stay_several_files(tmp_path: Path, *, deltas: bool) -> None:
    """The dynamic linker takes one inode for one library: extension modules would share their variables."""
    other = b"\x7fELF" + random.Random(2).randbytes(10_000)
    old = with_library(framework("pond"))
    new = replace(old, files={**old.files, SECOND: LIBRARY, NEW: other, NEW_AGAIN: other})
    publish(tmp_path / "1", (runtime(), old, application("frog", uses=("pond",))))
    newer = (runtime(), new, application("frog", uses=("pond",)))
    if deltas:
        publish_with_deltas(tmp_path / "2", newer, [tmp_path / "1"])
    else:
        publish(tmp_path / "2", newer)
    deployment.deploy(str(tmp_path / "1"), tmp_path / "d")
    done = deployment.deploy(str(tmp_path / "2"), tmp_path / "d")
    assert (done.updated if deltas else done.fetched) == ("framework-pond",)
    (second,) = {place.resolve() for place in (tmp_path / "d/store").glob(f"*/framework-pond/{SECOND}")}
    folder = second.parents[SECOND.count("/")]
    names = [[path for path in COMPILED if (folder / path).samefile(folder / one)] for one in COMPILED]
    assert names == [[path] for path in COMPILED]
    assert [(folder / path).stat().st_nlink for path in COMPILED] == [2, 1, 1, 1]
    assert deployment.status(tmp_path / "d", verify=True).differences == ()


def test_a_damaged_library_is_not_shared(releases: list[Path], tmp_path: Path) -> None:
    deployment.deploy(str(releases[0]), tmp_path)
    (damaged,) = libraries(tmp_path)
    damaged.write_bytes(LIBRARY[:-1] + b"?")
    deployment.deploy(str(releases[1]), tmp_path)
    assert deployment.status(tmp_path, verify=True).differences == ()
    assert {place.stat().st_nlink for place in libraries(tmp_path)} == {1}


def test_a_file_system_that_refuses_links(
    releases: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    deployment.deploy(str(releases[1]), tmp_path)
    deployment.deploy(str(releases[2]), tmp_path)
    assert {place.stat().st_nlink for place in libraries(tmp_path)} == {1}
    assert start(tmp_path, "frog") == "1 3 1"
