"""Progress of what another process writes into a folder."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.support.capabilities import needs_symbolic_links
from venvstacks.actions.building.fetch_progress import folder_size, watching


def test_a_growing_folder_is_reported_and_then_complete(tmp_path: Path) -> None:
    calls: list[tuple[str, int, int | None]] = []
    grown = threading.Event()

    def progress(what: str, done: int, total: int | None) -> None:
        calls.append((what, done, total))
        if done == 300:
            grown.set()

    with watching(tmp_path / "cache", "wheels", progress, pause=0.001):
        (tmp_path / "cache/below").mkdir(parents=True)
        (tmp_path / "cache/below/a").write_bytes(b"x" * 300)
        assert grown.wait(30)
    assert calls[-1] == ("wheels", 300, 300)
    assert {what for what, _, _ in calls} == {"wheels"}


def test_where_nobody_is_interested_nothing_is_watched(tmp_path: Path) -> None:
    before = threading.active_count()
    with watching(tmp_path, "wheels", None):
        assert threading.active_count() == before


@needs_symbolic_links
def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert folder_size(tmp_path) < 10_000
    assert folder_size(tmp_path / "none") == 0
