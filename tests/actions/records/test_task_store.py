"""The database of task records, as a file."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from venvstacks.errors import StateError
from venvstacks.records.staleness import CHANGED_MEANWHILE
from venvstacks.records.task_store import TaskStore

ROW = {
    "_values_:": {"inputs": {"s": "1"}, "fingerprint": {"uv": "1"}, "outputs": ["o"], "seconds": 1.5},
    "checker:": "ContentChecker",
    "s": "1",
    "deps:": ["s"],
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TaskStore]:
    with TaskStore(tmp_path / "deep" / "tasks.db") as opened:
        yield opened


def test_rows_are_there_for_the_next_one_at_once(store: TaskStore) -> None:
    store.put("build:x", ROW)
    with TaskStore(store.path, writable=False) as other:
        assert other.row("build:x") == ROW
        assert other.names() == ("build:x",)


def test_rows_are_forgotten(store: TaskStore) -> None:
    for name in ("a", "b", "c"):
        store.put(name, ROW)
    store.remove("a")
    assert store.row("a") == {}
    assert store.names() == ("b", "c")
    store.clear()
    assert store.names() == ()


def test_a_record_is_what_a_row_says(store: TaskStore) -> None:
    store.put("x", ROW)
    record = store.record("x")
    assert record is not None
    assert (record.inputs, record.fingerprint, record.outputs) == ({"s": "1"}, {"uv": "1"}, ("o",))
    assert (record.seconds, record.interrupted) == (1.5, False)


def test_names_of_files_need_not_be_unicode(store: TaskStore) -> None:
    row = {**ROW, "deps:": ["s\udcff"], "failed:": "\udcff cannot be read"}
    store.put("build:x", row)
    with TaskStore(store.path, writable=False) as other:
        assert other.row("build:x") == row


@pytest.mark.parametrize(
    "value", ["cast(x'ff' as text)", "x'ff'", "cast(x'7b22ff223a317d' as text)", "x'7b22ff223a317d'"]
)
def test_a_state_that_is_not_utf_8_is_one_error(store: TaskStore, value: str) -> None:
    with sqlite3.connect(store.path) as other:
        other.execute(f"insert into task values ('build:x', {value})")
        other.execute(f"insert into task values ({value}, '{{}}')")
    other.close()
    with pytest.raises(StateError, match="cannot be used"):
        store.row("build:x")
    if value.startswith("cast"):
        with pytest.raises(StateError, match="cannot be used"):
            store.names()


@pytest.mark.parametrize(
    "row", [{}, {"ignore:": "1"}, {**ROW, "_values_:": "another version's"}, {**ROW, "_values_:": {"inputs": [1]}}]
)
def test_rows_that_no_finished_run_of_ours_wrote_are_no_records(store: TaskStore, row: dict[str, object]) -> None:
    store.put("x", row)
    assert store.record("x") is None


def test_an_input_that_changed_during_the_task_is_noticed(store: TaskStore) -> None:
    store.put("x", {**ROW, "s": "2"})
    record = store.record("x")
    assert record is not None
    assert record.inputs == {"s": CHANGED_MEANWHILE}


def test_a_begun_run_is_noticed(store: TaskStore) -> None:
    store.put("x", {**ROW, "started:": True})
    record = store.record("x")
    assert record is not None
    assert record.interrupted


def test_looking_makes_nothing(tmp_path: Path) -> None:
    with TaskStore(tmp_path / "none" / "tasks.db", writable=False) as store:
        assert store.row("x") == {}
        assert store.names() == ()
        with pytest.raises(StateError, match="open for reading only"):
            store.put("x", ROW)
    assert list(tmp_path.iterdir()) == []


def test_looking_changes_nothing(store: TaskStore) -> None:
    store.put("x", ROW)
    before = store.path.read_bytes()
    with TaskStore(store.path, writable=False) as other, pytest.raises(StateError):
        other.put("y", ROW)
    assert store.path.read_bytes() == before


@pytest.mark.parametrize("content", [b"no database", b"x" * 9000, b"SQLite format 3\0" + b"\xff" * 4080])
@pytest.mark.parametrize("writable", [True, False])
def test_a_damaged_file_is_reported_with_what_to_do(tmp_path: Path, content: bytes, *, writable: bool) -> None:
    path = tmp_path / "tasks.db"
    path.write_bytes(content)
    with pytest.raises(StateError, match=r"tasks\.db cannot be used") as caught:
        TaskStore(path, writable=writable)
    assert "remove the file" in str(caught.value.hint)
    assert path.read_bytes() == content


def test_a_damaged_row_is_reported(store: TaskStore) -> None:
    connection = sqlite3.connect(store.path)
    with connection:
        connection.executemany("insert into task values (?, ?)", [("a", "{"), ("b", "7")])
    connection.close()
    for name in ("a", "b"):
        with pytest.raises(StateError):
            store.row(name)


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError):
        TaskStore(tmp_path / "file" / "tasks.db")


def kill_within(path: Path, statement: str) -> Path:
    """A copy of a database and its journal, as a kill between their writing and the commit leaves them."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma cache_spill = 1")
    connection.execute("pragma cache_size = 1")
    connection.execute("begin")
    connection.execute(statement, (json.dumps({"half": "z" * 200_000}),))
    killed = path.parent / "killed"
    killed.mkdir()
    for file in (path, path.with_name(f"{path.name}-journal")):
        shutil.copy(file, killed)
    connection.execute("rollback")
    connection.close()
    return killed / path.name


def test_what_a_killed_commit_left_is_taken_back_even_by_a_look(tmp_path: Path) -> None:
    with TaskStore(tmp_path / "tasks.db") as store:
        store.put("x", ROW)
    killed = kill_within(tmp_path / "tasks.db", "update task set row = ?")
    with TaskStore(killed, writable=False) as store:
        assert store.row("x") == ROW


def test_a_run_that_was_killed_before_its_first_commit_has_left_nothing(tmp_path: Path) -> None:
    killed = kill_within(tmp_path / "tasks.db", "create table task as select 'x' as name, ? as row")
    assert killed.stat().st_size
    for path in (killed, tmp_path / "empty.db"):
        path.touch()
        for writable in (False, True):
            with TaskStore(path, writable=writable) as store:
                assert (store.names(), store.record("x")) == ((), None)
        with TaskStore(path) as store:
            store.put("x", ROW)
        with TaskStore(path, writable=False) as store:
            assert store.row("x") == ROW


def test_several_threads_may_write(store: TaskStore) -> None:
    def write(name: str) -> None:
        for number in range(20):
            store.put(name, {**ROW, "number": number})

    threads = [threading.Thread(target=write, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with TaskStore(store.path, writable=False) as other:
        assert [other.row(name)["number"] for name in other.names()] == [19] * 4


def test_a_full_disk_is_no_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> sqlite3.Connection:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite3, "connect", refuse)
    with pytest.raises(StateError) as caught:
        TaskStore(tmp_path / "state.db")
    assert caught.value.hint == "make room on the disk of the build folder; nothing has to be removed"
