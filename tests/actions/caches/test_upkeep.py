"""Sizes, pruning and comparing, of the cache and of folders of shared results; also next to running builds."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from tests.support.shared_stores import BLOB, CONTENT, KEY, RESULT, careful, close_stores, offer
from venvstacks.caches import upkeep
from venvstacks.caches.local_cache import LocalCache
from venvstacks.caches.retention import Retention
from venvstacks.caches.upkeep import compare, open_cache, prune, sizes
from venvstacks.cli.app import make_app
from venvstacks.digests import canonical_json, scan_tree, sha256_bytes
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.runtimes.prepared_store import Made, Origin, obtain
from venvstacks.runtimes.provider_request import RuntimeRequest, RuntimeTools
from venvstacks.sharing.action_result import encode
from venvstacks.tools.process import Processes
from venvstacks.tools.seals import sealed

KEY_OF_SEALS = b"k" * 32
EVERYTHING = Retention.parse(["0"])
DAY = 86400.0


def age(place: Path, days: float = 2) -> None:
    """Set the times of a file or tree back."""
    then = time.time() - days * DAY
    for each in [place, *place.rglob("*")] if place.is_dir() else [place]:
        os.utime(each, (then, then))


def add_wheel(cache: Path, name: str, content: bytes = b"x") -> Path:
    place = cache / "wheels" / f"sha256-{sha256_bytes(name.encode())}"
    (place / "tree").mkdir(parents=True)
    (place / "tree/module.py").write_bytes(content)
    rows = [list(asdict(entry).values()) for entry in scan_tree(place / "tree")]
    record = canonical_json({"format": 1, "key": place.name, "entries": rows})
    (place / "contents.json").write_bytes(sealed(KEY_OF_SEALS, record))
    return place


def add_file(cache: Path, kind: str, content: bytes) -> Path:
    place = cache / kind / sha256_bytes(content)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return place


def local(cache: Path) -> LocalCache:
    found = open_cache(cache, KEY_OF_SEALS, None)
    assert isinstance(found, LocalCache)
    return found


def test_only_what_this_program_makes_is_listed(tmp_path: Path) -> None:
    """Another folder may be taken for a cache: people have folders called `git` and `downloads`."""
    for name in ("git/project/HEAD", "downloads/holiday.jpg", "wheels/mine/a.whl", "built/x/y", "bytecode/notes/z"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"mine")
    age(tmp_path)
    assert list(local(tmp_path).entries()) == []
    add_wheel(tmp_path, "a", b"12345")
    add_file(tmp_path, "downloads", b"python")
    (tmp_path / "git" / ("0" * 24)).mkdir()
    (tmp_path / "git" / ("0" * 24) / "HEAD").write_bytes(b"ref")
    assert {kind: count for kind, (count, _) in sizes(local(tmp_path)).items()} == {
        "wheels": 1,
        "downloads": 1,
        "git": 1,
    }
    assert sizes(local(tmp_path))["downloads"] == (1, 6)


def test_pruning_removes_the_oldest_and_nothing_else(tmp_path: Path) -> None:
    old, new = add_wheel(tmp_path, "old"), add_wheel(tmp_path, "new")
    download = add_file(tmp_path, "downloads", b"python")
    left = tmp_path / "wheels/unfinished/sha256-0.abcd1234"
    left.mkdir(parents=True)
    for place, days in ((old, 40), (new, 3), (download, 20), (left, 2)):
        age(place, days)
    wanted = Retention.parse(["30d"])
    dry = prune(local(tmp_path), wanted, dry_run=True)
    assert old.exists(), "nothing is done"
    assert left.exists()
    done = prune(local(tmp_path), wanted, dry_run=False)
    assert done == dry
    assert {entry.kind for entry in done.removed} == {"wheels", "unfinished"}
    assert not old.exists()
    assert not left.exists()
    assert new.exists()
    assert download.exists()
    assert prune(local(tmp_path), EVERYTHING, dry_run=False).kept_bytes == 0
    assert not download.exists()
    assert [path for path in (tmp_path / "wheels").rglob("*") if path.name == "module.py"] == []


def test_what_a_run_uses_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that holds the lock of an entry, one that used it since it was listed, one that uses it at that moment."""
    held, used, racing = (add_wheel(tmp_path, name) for name in ("held", "used", "racing"))
    for place in (held, used, racing):
        age(place)
    (tmp_path / "wheels/locks").mkdir()
    cache = local(tmp_path)
    entries = list(cache.entries())
    os.utime(used / "contents.json")
    monkeypatch.setattr(LocalCache, "entries", lambda _: iter(entries))
    rename = upkeep.rename_patiently

    def used_at_that_moment(source: Path, target: Path) -> None:
        if source == racing:
            os.utime(racing / "contents.json")
        rename(source, target)

    monkeypatch.setattr(upkeep, "rename_patiently", used_at_that_moment)
    with FileLock(tmp_path / "wheels/locks" / held.name):
        done = prune(cache, EVERYTHING, dry_run=False)
    assert done.removed == ()
    assert {entry.name for entry in done.in_use} == {f"wheels/{place.name}" for place in (held, used, racing)}
    for place in (held, used, racing):
        assert (place / "tree/module.py").read_bytes() == b"x"


def test_pruning_next_to_runs_that_prepare_and_use(tmp_path: Path) -> None:
    """Runs always get a whole tree, whenever it is removed."""
    tools = RuntimeTools(Processes(), {"HOME": str(tmp_path)}, tmp_path / "cache")
    request = RuntimeRequest(PythonImplementation("cpython", "3.11.7"), PLATFORMS["linux_x86_64"])
    stop, pruned, wrong = threading.Event(), 0, []

    def make(tree: Path) -> Made:
        (tree / "python").write_bytes(b"python")
        return Made("1")

    def use(number: int) -> None:
        while not stop.is_set():
            try:
                found = obtain(tools, Origin(request, "archive", {"number": number % 2}), make)
                if found.entries[0].path != "python":
                    wrong.append(found)
            except OSError as error:
                wrong.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for attempt in range(500):
            if pruned and attempt >= 20:
                break
            cache = LocalCache(tmp_path / "cache", tools.seal_key, time.time() + 2 * 3600)  # so that no use is recent
            pruned += len(prune(cache, EVERYTHING, dry_run=False).removed)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert pruned, "nothing was removed while the trees were in use"


def test_damaged_entries_are_named_and_removed(tmp_path: Path) -> None:
    good, bad, foreign = (add_wheel(tmp_path, name) for name in ("good", "bad", "foreign"))
    (bad / "tree/module.py").write_bytes(b"y")
    (foreign / "contents.json").write_bytes(sealed(b"t" * 32, b"{}"))
    download = add_file(tmp_path, "downloads", b"python")
    download.write_bytes(b"pythoo")
    (tmp_path / "git" / ("0" * 24)).mkdir(parents=True)
    check, forged = (add_file(tmp_path, "checks", content) for content in (b"passed", b"forged"))
    for place, key in ((check, KEY_OF_SEALS), (forged, b"t" * 32)):
        place.write_bytes(sealed(key, place.name.encode()))
    found = compare(local(tmp_path), remove=False)
    assert (found.sound, found.unknown) == (2, 1)
    damaged = {"wheels/" + bad.name, "wheels/" + foreign.name, "downloads/" + download.name, "checks/" + forged.name}
    assert {entry.name for entry in found.damaged} == damaged
    assert bad.exists()
    compare(local(tmp_path), remove=True)
    assert not bad.exists()
    assert not download.exists()
    assert good.exists()


def test_folders_of_shared_results(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    offer(careful(folder), tmp_path)
    (folder / "cas/notes.txt").write_text("mine", "utf-8")
    (folder / f"cas/.{'0' * 16}.{'1' * 16}.part").write_bytes(b"begun")
    for place in (folder / "ac").iterdir():
        age(place)
    cache = open_cache(folder, b"", None)
    assert sizes(cache) == {"blobs": (1, len(CONTENT)), "records": (1, (folder / "ac" / KEY).stat().st_size)}
    assert not prune(cache, Retention.parse(["30d"]), dry_run=False).removed
    age(folder / "cas")
    done = prune(open_cache(folder, b"", None), Retention(most_bytes=len(CONTENT) - 1), dry_run=True)
    assert {entry.kind for entry in done.removed} == {"records", "blobs", "unfinished"}
    careful(folder, push=False).record(KEY)
    age(folder / "cas" / BLOB.sha256)
    done = prune(open_cache(folder, b"", None), Retention(most_bytes=len(CONTENT) - 1), dry_run=False)
    assert not list((folder / "ac").iterdir()), "a record without its blob is of no use"
    assert [path.name for path in (folder / "cas").iterdir()] == ["notes.txt"]
    offer(careful(folder), tmp_path)
    assert careful(folder, push=False).record(KEY) == RESULT
    close_stores()


@pytest.mark.parametrize(("secret", "damaged"), [(None, 3), (b"ours", 4)])
def test_shared_results_are_compared(secret: bytes | None, damaged: int, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    offer(careful(folder), tmp_path)
    offer(careful(folder, secret=b"ours"), tmp_path)
    offer(careful(folder, secret=b"theirs"), tmp_path)
    (folder / "ac" / ("c" * 64)).write_bytes(b"?")
    (folder / "ac" / ("d" * 64)).write_bytes(encode(RESULT, None))
    (folder / "cas" / ("e" * 64)).write_bytes(b"other")
    found = compare(open_cache(folder, b"", secret), remove=False)
    assert len(found.damaged) == damaged, found.damaged
    assert found.sound == 7 - damaged
    (folder / "cas" / BLOB.sha256).unlink()
    found = compare(open_cache(folder, b"", secret), remove=False)
    assert "its files are missing: archive" in found.damaged.values()
    close_stores()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("size", 0, "6 bytes in "),
        ("size --json", 0, '"downloads": {'),
        ("prune --keep 0 --dry-run", 0, "6 bytes would be removed (1 downloads), 0 bytes kept in"),
        ("prune --keep 1d --dry-run --json", 0, '"removed_bytes": 6'),
        ("verify", 0, "1 sound, 0 damaged"),
        ("verify --json", 0, '"damaged": []'),
        ("prune", 2, "prune needs --keep"),
        ("size --keep 1", 2, "takes no --keep"),
        ("size missing", 2, "there is no folder missing"),
    ],
)
def test_the_command(arguments: str, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    age(add_file(tmp_path / "cache", "downloads", b"python"))
    monkeypatch.setenv("VENVSTACKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(make_app(["cache"]), ["cache", *arguments.split()], standalone_mode=False)
    if code:
        assert getattr(done.exception, "exit_code", None) == code
        assert said in str(done.exception)
    else:
        assert done.return_value == 0
        assert said in done.output
